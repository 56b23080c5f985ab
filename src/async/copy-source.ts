/**
 * Taking from an asynchronous source for as long as there is a use for it.
 *
 * A source runs code of the program's own, and may never give anything again. The COPY that it is for can end
 * meanwhile: by its limit, by the server's refusal, with its connection. Then the source is told that no more
 * is wanted, and nobody waits for it. May know nothing of what is done with the items.
 */

/** When there is no more use for a source. */
export interface Use {
  /** Whether that is over. */
  readonly ended: boolean;
  /** Called when it is. */
  readonly endWatchers: Set<() => void>;
}

/**
 * Gives `take` each item of the source, waiting for what it returns.
 *
 * @returns false when the use was over before the source.
 * @throws what the source throws and what `take` does.
 */
export async function feed<T>(
  source: AsyncIterable<T>,
  use: Use,
  take: (item: T) => Promise<void> | null,
): Promise<boolean> {
  const iterator = source[Symbol.asyncIterator]();
  // Not Promise.race(), which would remember each item in the promise that lives longest.
  let wake: (() => void) | null = null;
  const ended = (): void => wake?.();
  use.endWatchers.add(ended);
  try {
    for (;;) {
      const step = use.ended
        ? undefined
        : await new Promise<IteratorResult<T> | undefined>((resolve, reject) => {
            wake = () => resolve(undefined);
            Promise.resolve(iterator.next()).then(resolve, reject);
          });
      if (step === undefined) {
        dismiss(iterator);
        return false;
      }
      if (step.done === true) return true;
      try {
        const room = take(step.value);
        if (room !== null) await room;
      } catch (error) {
        dismiss(iterator);
        throw error;
      }
    }
  } finally {
    use.endWatchers.delete(ended);
  }
}

/** Tells an iterator that no more is wanted; what comes of it is nobody's. */
function dismiss(iterator: AsyncIterator<unknown>): void {
  const ending = async (): Promise<unknown> => iterator.return?.();
  ending().catch(() => {});
}
