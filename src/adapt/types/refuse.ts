/**
 * The errors that codecs throw, in one voice.
 *
 * DataError: the value is of a kind that the type takes, but out of its range or malformed. ProgrammingError:
 * the value is of a kind that the type does not take. Values are shown shortened; what text types hold, and
 * what the server sent, is never shown.
 */
import { DataError, ProgrammingError } from "../../errors.ts";

const SHOWN_LENGTH = 40;

/** A value as errors show it: at most 40 characters. */
export function shown(value: unknown): string {
  if (typeof value === "string") return shorten(JSON.stringify(value));
  if (typeof value === "number" || typeof value === "bigint" || typeof value === "boolean") {
    return shorten(String(value));
  }
  return kindOf(value);
}

function shorten(text: string): string {
  return text.length <= SHOWN_LENGTH ? text : `${text.slice(0, SHOWN_LENGTH - 3)}...`;
}

/** What a value is, with its article: "a string", "an array", "a Map", "an object". */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value !== "object") return `a ${typeof value}`;
  if (Array.isArray(value)) return "an array";
  const prototype = Object.getPrototypeOf(value) as { constructor?: { name?: unknown } } | null;
  const name = prototype?.constructor?.name;
  if (typeof name !== "string" || name === "" || name === "Object") return "an object";
  return `${/^[AEIOU]/.test(name) ? "an" : "a"} ${shorten(name)}`;
}

/** The error for a value of a kind that the type does not take. */
export function wrongKind(type: string, takes: string, value: unknown): ProgrammingError {
  const isInstance = typeof value === "object" && value !== null && kindOf(value) !== "an object";
  const remedy = isInstance
    ? "convert it first, or register a dumper for its class with adapters.registerDumper"
    : "convert it first";
  return new ProgrammingError(`${type} takes ${takes}, not ${kindOf(value)}; ${remedy}`);
}

/** The error for a value beyond the limits of the type. */
export function outOfRange(type: string, value: unknown, limits: string): DataError {
  return new DataError(`${shown(value)} is out of range for ${type} (${limits})`);
}

/** The error for a field that cannot be what the server sends for the type. */
export function malformed(type: string, what: string): DataError {
  return new DataError(`malformed ${type} from the server: ${what}`);
}

/** The error for a binary field of the wrong length. */
export function wrongLength(type: string, due: number, length: number): DataError {
  return malformed(type, `${length} bytes instead of ${due}`);
}
