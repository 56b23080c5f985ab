/** Has the thread do nothing for a while. */

const nothing = new Int32Array(new SharedArrayBuffer(4));

/** Pauses the thread for so many milliseconds: no timers, no events. */
export function pause(milliseconds: number): void {
  Atomics.wait(nothing, 0, 0, milliseconds);
}
