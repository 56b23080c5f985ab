/**
 * What a loop sleeps on: it wakes when the bell rings, when it rang since it last woke, or at a time.
 */
import { LONGEST_TIME } from "../../pool/clock.ts";

export class Bell {
  #rang = false;
  #wake: (() => void) | null = null;
  #timer: NodeJS.Timeout | null = null;

  /** Wakes the sleeper, or has the next sleep end at once. */
  ring(): void {
    this.#rang = true;
    this.#wake?.();
  }

  /** Sleeps until the bell rings, for at most so many milliseconds. */
  sleep(longest: number = Infinity): Promise<void> {
    if (this.#rang) {
      this.#rang = false;
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#rang = false;
        this.#wake = null;
        if (this.#timer) clearTimeout(this.#timer);
        this.#timer = null;
        resolve();
      };
      if (longest === Infinity) return;
      this.#timer = setTimeout(this.#wake, Math.min(Math.ceil(longest), LONGEST_TIME));
    });
  }
}
