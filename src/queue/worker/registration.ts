/**
 * What the storage knows a worker by: its number, for as long as it is heard of.
 */
import type { WorkerEvent } from "./events.ts";
import type { WorkerSettings } from "./settings.ts";
import type { StorageLine } from "./storage-line.ts";

/** The registration of one worker. */
export class Registration {
  readonly #settings: WorkerSettings;
  readonly #storage: StorageLine;
  readonly #tell: (event: WorkerEvent) => void;
  #workerId = 0;
  #renewing: Promise<void> | null = null;
  /** Whether the worker is about to go: nothing is tried again any more. */
  isLeaving = false;

  constructor(settings: WorkerSettings, storage: StorageLine, tell: (event: WorkerEvent) => void) {
    this.#settings = settings;
    this.#storage = storage;
    this.#tell = tell;
  }

  /** The storage's number of the worker; 0 before there is one. */
  get workerId(): number {
    return this.#workerId;
  }

  /** Has the storage know the worker; throws when that can't be. */
  async register(): Promise<void> {
    const { name, stalledWorkerTimeout: stalledAfter } = this.#settings;
    this.#workerId = await this.#storage.once("registerWorker", { name, stalledAfter });
  }

  /** Registers the worker anew, however long that takes; those who ask meanwhile wait for the same. */
  renew(): Promise<void> {
    this.#renewing ??= this.#renew().finally(() => {
      this.#renewing = null;
    });
    return this.#renewing;
  }

  async #renew(): Promise<void> {
    while (!this.isLeaving) {
      try {
        await this.register();
        return this.#tell({ kind: "worker:registered-again", workerId: this.#workerId });
      } catch (error) {
        const delay = this.#storage.failed("registerWorker", error);
        await new Promise((resolve) => setTimeout(resolve, delay));
      }
    }
  }

  /** Has the storage forget it; when that can't be, others notice that it is gone. */
  async end(): Promise<void> {
    try {
      await this.#storage.once("unregisterWorker", { workerId: this.#workerId });
    } catch (error) {
      this.#tell({ kind: "storage:failed", operation: "unregisterWorker", error, delay: 0 });
    }
  }
}
