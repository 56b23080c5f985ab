// Connection strings and objects as plain dictionaries of keywords, and back: psycopg's
// conninfo_to_dict() and make_conninfo().
//
// This file reads what a program says; it looks at no environment, no file and no default.
// PostgreSQL manual: 34.1.1 "Connection Strings".

import type { Keyword } from "./keywords.ts";
import { findKeyword, keywords } from "./keywords.ts";
import { parseKeywordValue, quoteValue } from "./keyword-value.ts";
import { isPlainUri, parsePlainUri } from "./plain-uri.ts";
import { refusal, unknownKeyword } from "./refusals.ts";
import type { Pair, Settings } from "./settings.ts";
import { settingsFromPairs, store } from "./settings.ts";
import { isUri, parseUri } from "./uri.ts";

/** A value of a ConninfoObject; null and undefined are as good as leaving the keyword out. */
export type ConninfoValue = string | number | boolean | null | undefined;

/** Connection parameters as an object whose keys are libpq's keywords. */
export type ConninfoObject = { readonly [keyword in Keyword]?: ConninfoValue };

/** A connection string (keyword/value or URI) or an object of keywords. */
export type Conninfo = string | ConninfoObject;

const ofString = "the connection string";
const ofObject = "the connection options";

function pairsOf(text: string): Iterable<Pair> {
  if (!isUri(text)) return parseKeywordValue(text);
  return isPlainUri(text) ? parsePlainUri(text) : parseUri(text);
}

/**
 * Reads what a program said about a connection; later arguments override earlier ones.
 *
 * Throws ProgrammingError for what cannot be read, unknown keywords and values of the wrong type.
 */
export function readConninfo(
  conninfo: Conninfo | null | undefined,
  overrides?: ConninfoObject | null,
): Settings {
  const settings =
    typeof conninfo === "string"
      ? settingsFromPairs(pairsOf(conninfo), ofString)
      : readObject(conninfo ?? {});
  for (const [keyword, setting] of readObject(overrides ?? {})) settings.set(keyword, setting);
  return settings;
}

/** A plain object, of whatever realm: one whose prototype is the root of prototypes, or none. */
function isPlainObject(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function readObject(object: ConninfoObject): Settings {
  if (!isPlainObject(object)) {
    throw refusal(
      `connection parameters must be a string or a plain object, not ${typeName(object)}` +
        (typeName(object) === "URL" ? "; pass its href" : ""),
    );
  }
  const settings: Settings = new Map();
  for (const [name, value] of Object.entries(object)) {
    const definition = findKeyword(name);
    if (definition === undefined) throw unknownKeyword(name, ofObject);
    if (value === null || value === undefined) continue;
    store(settings, definition.keyword, textOfValue(definition.keyword, value), ofObject);
  }
  return settings;
}

function textOfValue(keyword: Keyword, value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value === "number" && Number.isFinite(value)) return String(value);
  const takesBooleans = findKeyword(keyword)?.kind === "switch";
  if (typeof value === "boolean" && takesBooleans) return value ? "1" : "0";
  const allowed = takesBooleans ? "a string, a number or a boolean" : "a string or a number";
  // Not even numbers are shown: the keyword may be a secret.
  const given = typeof value === "number" ? "a number that is not finite" : typeName(value);
  throw refusal(`${keyword} in ${ofObject} must be ${allowed}, not ${given}`);
}

function typeName(value: unknown): string {
  if (typeof value !== "object" || value === null) return `a ${typeof value}`;
  const maker: unknown = (value as { constructor?: unknown }).constructor;
  return typeof maker === "function" && maker.name !== "" ? maker.name : "an object";
}

/**
 * Reads a connection string or object into a dictionary of libpq's keywords, without defaults.
 *
 * `overrides` replaces what `conninfo` says. The values are strings, the keys in libpq's order; the
 * password is among them. Throws ProgrammingError for what cannot be read and unknown keywords;
 * values are not checked.
 *
 * @example
 * conninfoToDict("postgresql://ada@db/app"); // { user: "ada", dbname: "app", host: "db" }
 */
export function conninfoToDict(
  conninfo?: Conninfo | null,
  overrides?: ConninfoObject | null,
): { [keyword in Keyword]?: string } {
  const settings = readConninfo(conninfo, overrides);
  const dictionary: { [keyword in Keyword]?: string } = {};
  for (const { keyword } of keywords) {
    const setting = settings.get(keyword);
    if (setting !== undefined) dictionary[keyword] = setting.value;
  }
  return dictionary;
}

/**
 * Merges a connection string or object with overrides into one keyword/value string.
 *
 * A URI, too, comes out as a keyword/value string, and the keywords in libpq's order; the password
 * is among them. Throws as `conninfoToDict` does.
 *
 * @example
 * makeConninfo("postgresql://db/app", { user: "ada" }); // "user=ada dbname=app host=db"
 */
export function makeConninfo(
  conninfo?: Conninfo | null,
  overrides?: ConninfoObject | null,
): string {
  return Object.entries(conninfoToDict(conninfo, overrides))
    .map(([keyword, value]) => `${keyword}=${quoteValue(value)}`)
    .join(" ");
}
