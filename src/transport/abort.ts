/**
 * Listening to an AbortSignal on behalf of many statements.
 *
 * A program may give one signal to hundreds of statements at once. One listener serves them all: Node
 * takes more than ten for a leak, and raising that limit on a signal that isn't ours would hide a real one.
 */

const hubs = new WeakMap<AbortSignal, Set<() => void>>();

/** Has `callback` called when the signal fires; returns what stops that. */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  let hub = hubs.get(signal);
  if (hub === undefined) {
    const callbacks = new Set<() => void>();
    hub = callbacks;
    hubs.set(signal, callbacks);
  }
  const callbacks = hub;
  if (callbacks.size === 0) signal.addEventListener("abort", fire, { once: true });
  callbacks.add(callback);
  return () => {
    if (callbacks.delete(callback) && callbacks.size === 0) {
      signal.removeEventListener("abort", fire);
    }
  };
}

function fire(this: unknown, event: Event): void {
  const callbacks = hubs.get(event.target as AbortSignal);
  if (!callbacks) return;
  const waiting = [...callbacks];
  callbacks.clear();
  for (const callback of waiting) callback();
}
