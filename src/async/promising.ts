/**
 * Promises that are resolved from elsewhere, made without a closure for each.
 *
 * `new Promise(keep)` leaves what resolves it here, and `kept()` fetches it in the next step: nothing else happens
 * in between, so one place serves all.
 */
import { recapture } from "../core/recapture.ts";

/** What resolves a promise. */
export type Resolve<T> = (value: T | PromiseLike<T>) => void;

let resolving: Resolve<never> = nothing;

function nothing(): void {}

/** Makes a promise whose {@link kept} is fetched at once. */
export function keep(resolve: Resolve<never>): void {
  resolving = resolve;
}

/** What resolves the promise that was just made. What is left here would hold it, and all that it was resolved with. */
export function kept(): Resolve<unknown> {
  const resolve = resolving as Resolve<unknown>;
  resolving = nothing;
  return resolve;
}

/**
 * What `show` makes of what is coming; errors get the stack of whoever awaits it.
 *
 * @param told called when what was coming has failed, and somebody else tells of that: it has to see to it that nobody
 * need look at the promise. To do so before would hide from the engine who awaits it, who then has to be alone.
 */
export async function outcome<Given, T>(
  coming: Promise<Given>,
  show: (given: Given) => T,
  told?: () => void,
): Promise<T> {
  let hasCome = false;
  try {
    const given = await coming;
    hasCome = true;
    return show(given);
  } catch (error) {
    // The engine has to learn first who awaits this, where that is somebody's promise to begin with.
    await Promise.resolve();
    const failure = recapture(error);
    if (!hasCome) told?.();
    throw failure;
  }
}

/** Fails, with the stack of whoever awaits it. */
export function failing(error: unknown): Promise<never> {
  return outcome(Promise.reject(error as Error), (never: never) => never);
}
