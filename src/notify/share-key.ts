/**
 * When two listeners may share a connection: when all that was said about it is the same.
 */

const numbers = new WeakMap<object, number>();
let last = 0;

/** A text that is the same for the same values; functions and objects of classes count as themselves. */
export function keyOf(value: unknown): string {
  if (typeof value === "bigint" || value === undefined) return String(value);
  if (typeof value !== "object" && typeof value !== "function") return JSON.stringify(value);
  if (value === null) return "null";
  if (Array.isArray(value)) return `[${value.map(keyOf).join()}]`;
  const plain = typeof value === "object" && value.constructor?.name === "Object";
  if (!plain) return `#${numberOf(value)}`;
  const entries = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return `{${entries.map(([name, item]) => `${JSON.stringify(name)}:${keyOf(item)}`).join()}}`;
}

function numberOf(value: object): number {
  let number = numbers.get(value);
  if (number === undefined) numbers.set(value, (number = ++last));
  return number;
}
