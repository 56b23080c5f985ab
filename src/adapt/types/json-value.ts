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

/**
 * A value that is sent as JSON whatever it is.
 *
 * Needed for strings (a string given to json or jsonb is taken as the JSON document itself) and for null
 * (null alone is SQL's NULL, `new Json(null)` is JSON's null).
 */
export class Json<T = unknown> {
  /** The value to be sent as JSON. */
  readonly value: T;

  /** Wraps a value; it is turned into text when it is sent. */
  constructor(value: T) {
    this.value = value;
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
  const bare = value instanceof Json ? (value.value as unknown) : value;
  if (typeof bare === "number" && !Number.isFinite(bare)) {
    throw new DataError(`${shown(bare)} has no JSON form and cannot be sent as ${type}`);
  }
  if (isDate(bare) && Number.isNaN(bare.getTime())) {
    throw new DataError(`an invalid Date has no JSON form and cannot be sent as ${type}`);
  }
  let text: string | undefined;
  try {
    text = stringify(bare);
  } catch (cause) {
    const [reason] = String((cause as Partial<Error> | null)?.message).split("\n", 1);
    throw new DataError(`${kindOf(bare)} cannot be sent as ${type}: ${reason}`, { cause });
  }
  if (typeof text === "string") return text;
  throw new DataError(`${kindOf(bare)} has no JSON form and cannot be sent as ${type}`);
}
