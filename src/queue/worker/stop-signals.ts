/**
 * What tells a worker from outside to stop: its AbortSignal, and the process's SIGINT and SIGTERM.
 *
 * Of the process's signals only the first is taken; the next one ends the process as it would without us.
 */
import type { WorkerSettings } from "./settings.ts";

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

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
    if (installSignalHandlers) for (const name of SIGNALS) process.once(name, this.#stop);
  }

  /** Doesn't listen any more. */
  close(): void {
    this.#signal?.removeEventListener("abort", this.#stop);
    for (const name of SIGNALS) process.removeListener(name, this.#stop);
  }
}
