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
const LAST_TIMEOUT = 5_000;

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
  /** How often in a row an operation has failed: that others work is no reason to try this one any sooner. */
  readonly #failures = new Map<OperationName, number>();
  #timeout = OPERATION_TIMEOUT;

  constructor(connector: Connector, tell: (event: WorkerEvent) => void) {
    this.#connector = connector;
    this.#tell = tell;
  }

  /** Whether the last operation failed. */
  get away(): boolean {
    return this.#failures.size > 0;
  }

  /** Operations that begin from now on have less time: the worker is about to go. */
  hurry(): void {
    this.#timeout = LAST_TIMEOUT;
  }

  /** Carries out an operation once. */
  async once<Name extends OperationName>(name: Name, input: Input<Name>): Promise<Output<Name>> {
    const output = await this.#connector.run(name, input, { timeout: this.#timeout });
    if (this.#failures.delete(name) && !this.away) this.#tell({ kind: "storage:back" });
    return output;
  }

  /**
   * Takes note of a failure, and gives the pause before the next attempt, in milliseconds.
   *
   * @throws the error itself when trying again is of no use.
   */
  failed(operation: OperationName, error: unknown): number {
    if (isHopeless(error)) throw error;
    const failures = this.#failures.get(operation) ?? 0;
    const longest = Math.min(LONGEST_PAUSE, SHORTEST_PAUSE * 2 ** Math.min(failures, 10));
    const delay = Math.round(longest * (0.5 + 0.5 * Math.random()));
    this.#failures.set(operation, failures + 1);
    this.#tell({ kind: "storage:failed", operation, error, delay });
    return delay;
  }
}
