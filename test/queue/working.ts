// A worker in a test: runs beside it, tells what happens, and is stopped at the end of the test.

import { inspect } from "node:util";
import type { App } from "../../src/queue/app.ts";
import type { WorkerOptions } from "../../src/queue/worker-options.ts";
import type { WorkerEvent } from "../../src/queue/worker/events.ts";

/** How long a fact may take to come true. */
const PATIENCE = 20_000;

type Kind = WorkerEvent["kind"];
/** The members of the union that can be of this kind; some are of several. */
type EventOf<K extends Kind, Event = WorkerEvent> = Event extends { readonly kind: infer Kinds }
  ? K extends Kinds
    ? Event
    : never
  : never;

/** A worker that runs. */
export class Working implements AsyncDisposable {
  readonly events: WorkerEvent[] = [];
  readonly #watchers = new Set<() => void>();
  readonly #stop = new AbortController();
  /** Comes when it has ended. */
  readonly ended: Promise<void>;

  constructor(app: App, options: WorkerOptions = {}) {
    this.ended = app.runWorker({
      installSignalHandlers: false,
      pollingInterval: 50,
      heartbeatInterval: 200,
      stalledWorkerTimeout: 500,
      abortTimeout: 500,
      ...options,
      signal: this.#stop.signal,
      onEvent: (event) => {
        this.events.push(event);
        options.onEvent?.(event);
        for (const watcher of this.#watchers) watcher();
      },
    });
    this.ended.catch(() => {});
  }

  /** All events of a kind so far. */
  of<K extends Kind>(kind: K): EventOf<K>[] {
    return this.events.filter(({ kind: its }) => its === kind) as EventOf<K>[];
  }

  /** Waits until there were so many events of a kind; gives them. */
  async until<K extends Kind>(kind: K, count: number = 1): Promise<EventOf<K>[]> {
    const there = (): boolean => this.of(kind).length >= count;
    if (!there())
      await new Promise<void>((resolve, reject) => {
        const watcher = (): void => {
          if (!there()) return;
          clearTimeout(timer);
          this.#watchers.delete(watcher);
          resolve();
        };
        const timer = setTimeout(() => {
          this.#watchers.delete(watcher);
          const kinds = inspect(this.events.map((event) => event.kind));
          reject(new Error(`there were no ${count} ${kind}: ${kinds}`));
        }, PATIENCE);
        // Of several that race, the others' must not hold up the end.
        timer.unref();
        this.#watchers.add(watcher);
      });
    return this.of(kind);
  }

  /** Has it stop, and waits for that. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.ended.catch(() => {});
  }
}
