// What was said so far about a connection: keyword, value, and who said it.
//
// The readers (strings, URIs, objects, service files, the environment) all end in a Settings map;
// everything after them works on that map alone. A setting remembers where it came from, so that
// an error found much later can still say so, and whether its value may be shown at all.

import type { Keyword } from "./keywords.ts";
import { findKeyword, isSecret } from "./keywords.ts";
import { quote, refusal, unknownKeyword } from "./refusals.ts";

/** Environment variables by name, like `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The value of one keyword. */
export interface Setting {
  readonly value: string;
  /** Who said it, in words that fit after "from": "environment variable PGPORT". */
  readonly origin: string;
  /** False when the value is a secret, or may hold part of one, and must not appear in errors. */
  readonly isPresentable: boolean;
  /** True when it is probably a piece of a password, which was cut in two where it was not encoded. */
  readonly isPiece?: boolean;
}

/** What was said about a connection, by keyword. */
export type Settings = Map<Keyword, Setting>;

/** One keyword and value as a reader found them, before it is known that the keyword exists. */
export interface Pair {
  readonly name: string;
  readonly value: string;
  /** Where the name begins, counted in characters from 1; 0 when that would help nobody. */
  readonly position: number;
  /** What of the pair may hold a piece of a password that was written carelessly. */
  readonly doubtful: "nothing" | "name" | "everything" | "piece";
}

/** Names that can be shown: what is unlike a keyword may be a piece of something else. */
const presentableName = /^[A-Za-z_][A-Za-z0-9_-]{0,62}$/;

/**
 * Takes over pairs from a reader of strings; a later one replaces an earlier one of its keyword.
 *
 * Throws ProgrammingError for unknown keywords and for values that no connection can carry.
 */
export function settingsFromPairs(pairs: Iterable<Pair>, origin: string): Settings {
  const settings: Settings = new Map();
  for (const pair of pairs) {
    // An old spelling, which libpq translates wherever it reads a string.
    const isOldSpelling = pair.name === "requiressl";
    const name = isOldSpelling ? "sslmode" : pair.name;
    const value = isOldSpelling ? (pair.value.startsWith("1") ? "require" : "prefer") : pair.value;
    if (name === "") {
      throw refusal(`a keyword is missing before "=" at character ${pair.position} of ${origin}`);
    }
    if (findKeyword(name) === undefined) {
      const isPresentable = pair.doubtful === "nothing" && presentableName.test(name);
      throw unknownKeyword(isPresentable ? name : null, origin, pair.position);
    }
    const isPiece = pair.doubtful === "piece";
    store(settings, name as Keyword, value, origin, !isPiece && pair.doubtful !== "everything");
    const stored = settings.get(name as Keyword);
    if (isPiece && stored) settings.set(name as Keyword, { ...stored, isPiece });
  }
  return settings;
}

/** Stores one value; throws ProgrammingError if the protocol could not carry it unchanged. */
export function store(
  settings: Settings,
  keyword: Keyword,
  value: string,
  origin: string,
  isPresentable = true,
): void {
  settings.set(keyword, settingOf(keyword, value, origin, isPresentable));
}

/** One value as it is stored; throws ProgrammingError if the protocol could not carry it unchanged. */
export function settingOf(
  keyword: Keyword,
  value: string,
  origin: string,
  isPresentable = true,
): Setting {
  if (value.includes("\0")) {
    throw refusal(`the value of ${keyword}, from ${origin}, contains a NUL character`);
  }
  if (/[\uD800-\uDFFF]/u.test(value)) {
    throw refusal(`the value of ${keyword}, from ${origin}, contains half of a surrogate pair`);
  }
  return { value, origin, isPresentable: isPresentable && !isSecret(keyword) };
}

/** Gives the value of a keyword; null when nobody set it or when it was set to nothing. */
export function textOf(settings: Settings, keyword: Keyword): string | null {
  return settings.get(keyword)?.value || null;
}

/** Describes a setting for an error: `sslmode "bogus", from environment variable PGSSLMODE,`. */
export function describe(keyword: Keyword, setting: Setting): string {
  const value = setting.isPresentable ? ` ${quote(setting.value)}` : "";
  return `${keyword}${value}, from ${setting.origin},`;
}
