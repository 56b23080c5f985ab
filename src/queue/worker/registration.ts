/**
 * What the storage knows a worker by: its number, for as long as it is heard of.
 */
import type { Held } from "../operations.ts";
import type { WorkerEvent } from "./events.ts";
import type { WorkerSettings } from "./settings.ts";
import type { StorageLine } from "./storage-line.ts";

/** The registration of one worker. */
export class Registration {
  readonly #settings: WorkerSettings;
  readonly #storage: StorageLine;
  readonly #tell: (event: WorkerEvent) => void;
  #workerId = 0;
  #trustedUntil = -Infinity;
  #deaths = 0;
  #renewing: Promise<void> | null = null;
  /** A registration that takes the place of this one, or has: the storage has been told, but its answer is not here. */
  #successor: number | null = null;
  #isPassingOn = false;
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

  /** How often the worker was taken for dead. */
  get deaths(): number {
    return this.#deaths;
  }

  /** Whether nobody can have taken the worker for dead yet. */
  get isTrusted(): boolean {
    return performance.now() < this.#trustedUntil;
  }

  /** The storage has heard of the worker, in an operation that began at this moment. */
  trusted(begun: number): void {
    this.#trustedUntil = begun + this.#settings.stalledWorkerTimeout;
  }

  /** Has the storage know the worker; throws when that can't be. */
  async register(): Promise<void> {
    const begun = performance.now();
    this.#workerId = await this.#newId();
    this.trusted(begun);
  }

  async #newId(): Promise<number> {
    const { name, stalledWorkerTimeout: stalledAfter } = this.#settings;
    return await this.#storage.once("registerWorker", { name, stalledAfter });
  }

  /** Whether another registration is about to take the place of this one. */
  get isPassingOn(): boolean {
    return this.#isPassingOn;
  }

  /**
   * Goes on under another number with what is held, so that what was sent in the name of this one can't claim anything any more. Gives the jobs that
   * are not its own any more. After a failure it has to be called again.
   */
  async succeed(held: readonly Held[]): Promise<readonly number[]> {
    for (;;) {
      await this.#renewing;
      this.#isPassingOn = true;
      const workerId = this.#workerId;
      this.#successor ??= await this.#newId();
      const successor = this.#successor;
      const begun = performance.now();
      const lost = await this.#storage.once("reconcile", { workerId, successor, held });
      this.#successor = null;
      if (lost === null) continue;
      this.#isPassingOn = false;
      this.#workerId = successor;
      this.trusted(begun);
      return lost;
    }
  }

  /** Registers the worker anew, however long that takes; those who ask meanwhile wait for the same. */
  renew(): Promise<void> {
    if (this.#renewing === null) this.#deaths++;
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
      for (const workerId of [this.#workerId, this.#successor])
        if (workerId !== null) await this.#storage.once("unregisterWorker", { workerId });
    } catch (error) {
      this.#tell({ kind: "storage:failed", operation: "unregisterWorker", error, delay: 0 });
    }
  }
}
