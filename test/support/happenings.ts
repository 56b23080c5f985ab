// Waiting for what a thread reports: facts are looked at whenever something has happened, and not by the clock.

/** What has happened, and who waits for it. */
export class Happenings {
  /** Why nothing more will happen; thrown at who waits. */
  failure: Error | null = null;
  readonly #waiting: Set<() => void> = new Set();
  readonly #patience: number;

  /** Made for a thread; `patience` is how long a fact may take to come true, in milliseconds. */
  constructor(patience: number) {
    this.#patience = patience;
  }

  /** Something has happened: who waits looks again. */
  changed(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  /** Waits until the fact is true; says `what` that was when it takes too long. */
  async until(fact: () => boolean, what: () => string): Promise<void> {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.changed();
    }, this.#patience);
    try {
      for (;;) {
        if (this.failure) throw this.failure;
        if (fact()) return;
        if (late) throw new Error(`this never came true: ${what()}`);
        await new Promise<void>((resolve) => this.#waiting.add(resolve));
      }
    } finally {
      clearTimeout(timer);
    }
  }
}
