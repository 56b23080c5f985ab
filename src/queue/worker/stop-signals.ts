/**
 * What tells a worker from outside to stop: its AbortSignal, and the process's SIGINT and SIGTERM.
 *
 * Of the process's signals only the first is taken; the next one ends the process as it would without us.
 */
import type { WorkerSettings } from "./settings.ts";

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** What the process's signals stop. One listener serves all workers of a process: more than ten look like a leak to Node.js. */
const stops = new Set<() => void>();

function onSignal(): void {
  const all = [...stops];
  stops.clear();
  unhook();
  for (const stop of all) stop();
}

function unhook(): void {
  for (const name of SIGNALS) process.removeListener(name, onSignal);
}

/** Listens to them. */
export class StopSignals {
  readonly #signal: AbortSignal | undefined;
  readonly #stop: () => void;

  constructor({ signal, installSignalHandlers }: WorkerSettings, stop: () => void) {
    this.#signal = signal;
    this.#stop = () => {
      this.close();
      stop();
    };
    if (signal?.aborted === true) {
      this.#stop();
      return;
    }
    signal?.addEventListener("abort", this.#stop, { once: true });
    if (!installSignalHandlers) return;
    if (stops.size === 0) for (const name of SIGNALS) process.on(name, onSignal);
    stops.add(this.#stop);
  }

  /** Doesn't listen any more. */
  close(): void {
    this.#signal?.removeEventListener("abort", this.#stop);
    if (stops.delete(this.#stop) && stops.size === 0) unhook();
  }
}
