/**
 * A connector without a database, for tests: everything that the others do, in the memory of this process.
 *
 * It needs no opening, and closing it keeps the jobs. There are no transactions, so a `connection` is refused.
 */
import type { Ears, RunOptions } from "../connector.ts";
import { Connector } from "../connector.ts";
import { ConnectorException } from "../errors.ts";
import type { Job } from "../job.ts";
import type { Input, OperationName, Output, Wake } from "../operations.ts";
import { listed } from "./in-memory-jobs.ts";
import { InMemoryStorage } from "./in-memory-storage.ts";

/** Keeps jobs in memory. */
export class InMemoryConnector extends Connector {
  readonly #storage: InMemoryStorage;
  readonly #listeners = new Set<(wake: Wake) => void>();

  constructor() {
    super();
    this.#storage = new InMemoryStorage((wake) => this.#tell(wake));
  }

  /** All jobs that it has, those that have ended included, in the order of their ids. */
  get jobs(): readonly Job[] {
    return this.#storage.jobs.all.map(listed);
  }

  /** The jobs that have ended. */
  get finished(): readonly Job[] {
    return this.jobs.filter(({ status }) => status !== "todo" && status !== "doing");
  }

  /** Forgets all jobs, workers and schedules, for the next test. */
  reset(): void {
    this.#storage.clear();
  }

  override open(): Promise<void> {
    return Promise.resolve();
  }

  override openSync(): void {}

  override async run<Name extends OperationName>(
    name: Name,
    input: Input<Name>,
    options: RunOptions = {},
  ): Promise<Output<Name>> {
    options.signal?.throwIfAborted();
    return await Promise.resolve(this.runSync(name, input, options));
  }

  override runSync<Name extends OperationName>(
    name: Name,
    input: Input<Name>,
    options: Omit<RunOptions, "signal"> = {},
  ): Output<Name> {
    if (options.connection !== undefined)
      throw new ConnectorException(
        "InMemoryConnector has no transactions: it can't use a connection",
      );
    return this.#storage.run(name, input);
  }

  override listen(hear: (wake: Wake) => void, signal: AbortSignal): Promise<Ears> {
    if (!signal.aborted) this.#listeners.add(hear);
    signal.addEventListener("abort", () => this.#listeners.delete(hear), { once: true });
    const close = (): Promise<void> => {
      this.#listeners.delete(hear);
      return Promise.resolve();
    };
    return Promise.resolve({ close });
  }

  override executeScript(): Promise<void> {
    return Promise.resolve();
  }

  override executeScriptSync(): void {}

  /** After the operation, as the news of a commit comes. */
  #tell(wake: Wake): void {
    for (const hear of this.#listeners)
      setImmediate(() => {
        if (this.#listeners.has(hear)) hear(wake);
      });
  }
}
