/**
 * A worker's use of its storage: what fails is tried again until it works, and the worker goes on meanwhile.
 *
 * A storage that is away is no reason for a worker to end; what can't ever work is: a schema that is missing, or not
 * of this version. Failures and their end are told as events.
 */
import type { Connector } from "../connector.ts";
import { AppNotOpen, SchemaError, SyncConnectorConfigurationError } from "../errors.ts";
import type { Input, OperationName, Output } from "../operations.ts";
import type { WorkerEvent } from "./events.ts";

/** The pauses between attempts: they double, and a part is left to chance so that not all workers come at once. */
const SHORTEST_PAUSE = 50;
const LONGEST_PAUSE = 5_000;
/** How long one operation may take before it counts as failed: a frozen server is one that is away. */
const OPERATION_TIMEOUT = 30_000;

/** Whether trying again can't help. */
function isHopeless(error: unknown): boolean {
  return (
    error instanceof SchemaError ||
    error instanceof AppNotOpen ||
    error instanceof SyncConnectorConfigurationError
  );
}

/** Carries out operations for a worker. */
export class StorageLine {
  readonly #connector: Connector;
  readonly #tell: (event: WorkerEvent) => void;
  #failures = 0;

  constructor(connector: Connector, tell: (event: WorkerEvent) => void) {
    this.#connector = connector;
    this.#tell = tell;
  }

  /** Whether the last operation failed. */
  get away(): boolean {
    return this.#failures > 0;
  }

  /** Carries out an operation once. */
  async once<Name extends OperationName>(name: Name, input: Input<Name>): Promise<Output<Name>> {
    const output = await this.#connector.run(name, input, { timeout: OPERATION_TIMEOUT });
    if (this.#failures > 0) {
      this.#failures = 0;
      this.#tell({ kind: "storage:back" });
    }
    return output;
  }

  /**
   * Takes note of a failure, and gives the pause before the next attempt, in milliseconds.
   *
   * @throws the error itself when trying again is of no use.
   */
  failed(operation: OperationName, error: unknown): number {
    if (isHopeless(error)) throw error;
    const longest = Math.min(LONGEST_PAUSE, SHORTEST_PAUSE * 2 ** Math.min(this.#failures, 10));
    const delay = Math.round(longest * (0.5 + 0.5 * Math.random()));
    this.#failures++;
    this.#tell({ kind: "storage:failed", operation, error, delay });
    return delay;
  }
}
