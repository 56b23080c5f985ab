/**
 * Promises that are resolved from elsewhere, made without a closure for each.
 *
 * `new Promise(keep)` leaves what resolves it here, and `kept()` fetches it in the next step: nothing else happens
 * in between, so one place serves all.
 */

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
