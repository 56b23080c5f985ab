/**
 * What a job's function is called with: checked before anything is sent, and copied.
 *
 * JSON changes silently what it can't say: NaN becomes null, a Map an empty object. A worker finds that out too late, so here
 * it is refused, with the path to it. What is stored is a copy, made when the job is deferred: what the caller does with its
 * object afterwards, while the job still waits to be sent along with others, is of no consequence.
 * RFC 8259; PostgreSQL manual 8.14: jsonb has neither U+0000 nor halves of surrogate pairs.
 */
import { types } from "node:util";
import { InvalidPayload } from "./errors.ts";

/** PostgreSQL's own limit depends on its stack; nobody means to nest deeper than this. */
const DEEPEST = 500;
const UNSTORABLE = /[\0\ud800-\udfff]/u;

/** What {@link toPayload} gives: nothing in it is shared with what it was given. */
export type StoredPayload = string | number | boolean | null | StoredPayload[] | StoredObject;

interface StoredObject {
  [name: string]: StoredPayload;
}

/**
 * Gives the payload as it is stored: absent and null mean an empty object.
 *
 * @throws InvalidPayload naming the place of what JSON can't say.
 */
export function toPayload(value: unknown, taskName: string): StoredPayload {
  if (value === undefined || value === null) return {};
  const walk = new Walk(taskName);
  const copy = walk.copy(value, "");
  // What toJSON() gives may be nothing, too.
  return copy ?? {};
}

/**
 * Puts what was configured and what is given at last together: of two objects the members, the later ones winning.
 *
 * @throws InvalidPayload when there are two of which one is no object.
 */
export function mergePayloads(configured: unknown, given: unknown, taskName: string): unknown {
  if (configured === undefined || configured === null) return given;
  if (given === undefined || given === null) return configured;
  const [one, other] = [toPayload(configured, taskName), toPayload(given, taskName)];
  if (isMergeable(one) && isMergeable(other)) return { ...one, ...other };
  throw new InvalidPayload(
    `the payload of the task "${taskName}" was configured and then given again: only two objects can be put together`,
  );
}

function isMergeable(value: StoredPayload): value is StoredObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

class Walk {
  readonly #taskName: string;
  readonly #above = new Set<object>();

  constructor(taskName: string) {
    this.#taskName = taskName;
  }

  copy(value: unknown, path: string): StoredPayload {
    switch (typeof value) {
      case "string":
        return this.#checkText(value, path);
      case "boolean":
        return value;
      case "number":
        if (Number.isFinite(value)) return value;
        throw this.#refusal(path, `${value}, which JSON has no number for`);
      case "object":
        return value === null ? null : this.#copyObject(value, path);
      case "bigint":
        throw this.#refusal(path, "a bigint: give a string, or a number if it is small enough");
      default:
        throw this.#refusal(path, typeof value === "undefined" ? "undefined" : `a ${typeof value}`);
    }
  }

  #copyObject(value: object, path: string): StoredPayload {
    const kind = unspeakable(value);
    if (kind !== null) throw this.#refusal(path, kind);
    if (this.#above.has(value)) throw this.#refusal(path, "an object that contains itself");
    if (this.#above.size >= DEEPEST)
      throw this.#refusal(path, `nested more than ${DEEPEST} levels deep`);
    this.#above.add(value);
    const copy = this.#copyMembers(value, path);
    this.#above.delete(value);
    return copy;
  }

  #copyMembers(value: object, path: string): StoredPayload {
    const { toJSON } = value as { toJSON?: unknown };
    if (typeof toJSON === "function")
      return this.copy((toJSON as () => unknown).call(value), `${path}.toJSON()`);
    // Array.from sees holes as undefined, which is refused.
    if (Array.isArray(value))
      return Array.from(value, (element: unknown, index) =>
        this.copy(element, `${path}[${index}]`),
      );
    // As in JSON: new Number(5) is 5.
    if (types.isBoxedPrimitive(value)) return this.copy(value.valueOf(), path);
    const copy: StoredObject = {};
    for (const [name, member] of Object.entries(value)) {
      // As in JSON: a member that is undefined is one that isn't there.
      if (member === undefined) continue;
      this.#checkText(name, path, "the name of a member of ");
      const stored = this.copy(member, path === "" ? name : `${path}.${name}`);
      if (name === "__proto__")
        Object.defineProperty(copy, name, {
          value: stored,
          enumerable: true,
          writable: true,
          configurable: true,
        });
      else copy[name] = stored;
    }
    return copy;
  }

  #checkText(text: string, path: string, where = ""): string {
    if (!UNSTORABLE.test(text)) return text;
    throw this.#refusal(
      path,
      "text with U+0000 or half a surrogate pair, which can't be stored",
      where,
    );
  }

  #refusal(path: string, what: string, where = ""): InvalidPayload {
    const place = path === "" ? "the payload" : path.replace(/^\./, "");
    return new InvalidPayload(
      `the payload of the task "${this.#taskName}" can't be stored as JSON: ${where}${place} is ${what}`,
    );
  }
}

/** What JSON would make an empty object, or something surprising, of. */
function unspeakable(value: object): string | null {
  if (ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value))
    return "binary data: give it as text, in base64 for example";
  if (types.isDate(value) && Number.isNaN(value.getTime())) return "an invalid Date";
  if (types.isMap(value)) return "a Map: give Object.fromEntries() of it";
  if (types.isSet(value)) return "a Set: give an array of it";
  if (types.isPromise(value)) return "a promise: await it first";
  if (types.isNativeError(value)) return "an Error: give its message";
  if (Object.prototype.toString.call(value) === "[object URLSearchParams]")
    return "URLSearchParams: give its text";
  if (types.isRegExp(value)) return "a RegExp: give its source";
  if (types.isWeakMap(value) || types.isWeakSet(value)) return "a collection that can't be read";
  return null;
}
