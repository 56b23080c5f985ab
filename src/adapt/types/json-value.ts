/**
 * What a JavaScript value is as JSON text, and the wrappers that say that a value is to become JSON.
 *
 * Kept apart from the codecs of json and jsonb because a wrapped value is also taken by text types and by
 * types that are not registered.
 */
import { isDate } from "node:util/types";
import { DataError } from "../../errors.ts";
import { kindOf, shown } from "./refuse.ts";

/** Turns a value into JSON text; undefined for what has no JSON form. */
export type Stringify = (value: unknown) => string | undefined;

/** Options of {@link Json}. */
export interface JsonWrapperOptions {
  /** Writes this value's JSON text; the connection's function by default. */
  readonly stringify?: Stringify;
}

/**
 * A value that is sent as JSON whatever it is.
 *
 * Needed for strings (a string given to json or jsonb is taken as the JSON document itself) and for null
 * (null alone is SQL's NULL, `new Json(null)` is JSON's null).
 */
export class Json<T = unknown> {
  /** The value to be sent as JSON. */
  readonly value: T;
  readonly #stringify: Stringify | undefined;

  /** Wraps a value; it is turned into text when it is sent, by the connection's function or one of its own. */
  constructor(value: T, options: JsonWrapperOptions = {}) {
    this.value = value;
    this.#stringify = options.stringify;
  }

  /** The JSON text of what is wrapped; `stringify` is for wrappers without a function of their own. @internal */
  text(stringify: Stringify): string | undefined {
    return (this.#stringify ?? stringify)(this.value);
  }

  /** The value itself: a wrapper inside a JSON value leaves no trace. */
  toJSON(): T {
    return this.value;
  }
}

/** The same as {@link Json}, under the name of the type jsonb. */
export class Jsonb<T = unknown> extends Json<T> {}

/**
 * The JSON text of a value or of what is wrapped.
 *
 * @throws DataError for what JSON cannot say: functions, symbols, undefined, bigints, cycles, and at the top
 * numbers that are not finite and dates that are not valid.
 */
export function jsonText(type: string, value: unknown, stringify: Stringify): string {
  const bare: unknown = value instanceof Json ? value.value : value;
  if (typeof bare === "number" && !Number.isFinite(bare)) {
    throw new DataError(`${shown(bare)} has no JSON form and cannot be sent as ${type}`);
  }
  if (isDate(bare) && Number.isNaN(bare.getTime())) {
    throw new DataError(`an invalid Date has no JSON form and cannot be sent as ${type}`);
  }
  let text: string | undefined;
  try {
    text = value instanceof Json ? value.text(stringify) : stringify(bare);
  } catch (cause) {
    const [reason] = String((cause as Partial<Error> | null)?.message).split("\n", 1);
    throw new DataError(`${kindOf(bare)} cannot be sent as ${type}: ${reason}`, { cause });
  }
  if (typeof text === "string") return text;
  throw new DataError(`${kindOf(bare)} has no JSON form and cannot be sent as ${type}`);
}

/** Escapes of what jsonb can't hold: NUL, and halves of surrogate pairs. */
const UNHELD =
  /(?<!\\)(?:\\\\)*\\u(0000|d[89ab][\da-f]{2}(?!\\ud[c-f][\da-f]{2})|(?<!\\ud[89ab][\da-f]{2}\\u)d[c-f][\da-f]{2})/i;

/**
 * Refuses JSON text that was made of a value with text that jsonb can't hold.
 *
 * @throws DataError naming the character.
 */
export function checkJsonb(text: string): void {
  if (!text.includes("\\u")) return;
  const [, digits] = UNHELD.exec(text) ?? [];
  if (digits === undefined) return;
  const what = digits === "0000" ? "a NUL character" : `half of a surrogate pair (${digits})`;
  throw new DataError(
    `text with ${what} in a JSON value can be stored as json, but not as jsonb; remove it first`,
  );
}
