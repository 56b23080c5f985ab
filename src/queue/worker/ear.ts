/**
 * A worker's ear: has it woken by what the storage tells.
 *
 * Hearing is a convenience and never a condition: while it can't be had the worker asks from time to time, says so, and the
 * ear goes on trying.
 */
import type { Connector } from "../connector.ts";
import { SyncConnectorConfigurationError } from "../errors.ts";
import type { Wake } from "../operations.ts";
import { Bell } from "./bell.ts";
import type { WorkerEvent } from "./events.ts";
import type { Exchanger } from "./exchanger.ts";
import type { WorkerSettings } from "./settings.ts";

/** What the ear asks of its worker. */
export interface Head {
  abort(jobIds: readonly number[]): void;
  tell(event: WorkerEvent): void;
}

/** How long it waits before it tries to listen again. */
const PAUSE = 5_000;

/** Listens for a worker. */
export class Ear {
  readonly #settings: WorkerSettings;
  readonly #connector: Connector;
  readonly #exchanger: Exchanger;
  readonly #head: Head;
  readonly #bell = new Bell();
  readonly #controller = new AbortController();
  #deaf = false;

  constructor(settings: WorkerSettings, connector: Connector, exchanger: Exchanger, head: Head) {
    this.#settings = settings;
    this.#connector = connector;
    this.#exchanger = exchanger;
    this.#head = head;
  }

  /** Listens until {@link stop}; returns at once when it is not to, or never can. */
  async run(): Promise<void> {
    if (!this.#settings.listenNotify) return this.#lose(null);
    const { signal } = this.#controller;
    while (!signal.aborted) {
      try {
        const ears = await this.#connector.listen((wake) => this.#hear(wake), signal);
        if (ears === null) return this.#lose(null);
        this.#gain();
        await this.#bell.sleep();
        await ears.close();
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof SyncConnectorConfigurationError) throw error;
        this.#lose(error as Error);
        await this.#bell.sleep(PAUSE);
      }
    }
  }

  /** Ends {@link run}. */
  stop(): void {
    this.#controller.abort();
    this.#bell.ring();
  }

  #hear(wake: Wake): void {
    if (wake.type === "abort") return this.#head.abort(wake.jobIds);
    if (wake.type === "deaf") this.#lose(wake.reason);
    else if (wake.type === "gap") this.#gain();
    this.#exchanger.hear(wake);
  }

  #gain(): void {
    this.#deaf = false;
    this.#exchanger.listening = true;
    this.#exchanger.hear({ type: "gap" });
    this.#head.tell({ kind: "worker:listening" });
  }

  #lose(reason: Error | null): void {
    this.#exchanger.listening = false;
    if (this.#deaf) return;
    this.#deaf = true;
    this.#head.tell({ kind: "worker:deaf", reason });
  }
}
