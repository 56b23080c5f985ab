// Reading the value of one keyword: numbers, words, flags, lists of authentication methods.
//
// Each function throws ProgrammingError that names the keyword, its value, where it was said and
// what is allowed. What counts as a number or a word is libpq's.

import type { Keyword } from "./keywords.ts";
import type { AuthenticationMethod, AuthenticationPolicy } from "./parameters.ts";
import { quote, refusal } from "./refusals.ts";
import type { Setting, Settings } from "./settings.ts";
import { describe } from "./settings.ts";

const int32Limit = 2 ** 31;

/** Reads a decimal integer of 32 bits, which may have spaces around it; null when it is not one. */
export function integerOf(text: string): number | null {
  const match = /^[ \t\n\v\f\r]*([+-]?[0-9]+)[ \t\n\v\f\r]*$/.exec(text);
  const value = Number(match?.[1] ?? Number.NaN);
  return value >= -int32Limit && value < int32Limit ? value : null;
}

/** Reads an integer; null when nobody set the keyword. */
export function readInteger(settings: Settings, keyword: Keyword): number | null {
  const setting = settings.get(keyword);
  if (setting === undefined) return null;
  const value = integerOf(setting.value);
  if (value === null) throw invalid(keyword, setting, "must be a whole number");
  return value;
}

/** Reads seconds as milliseconds; null when nobody set the keyword or the number is not positive. */
export function readSeconds(settings: Settings, keyword: Keyword): number | null {
  const seconds = readInteger(settings, keyword);
  return seconds === null || seconds <= 0 ? null : seconds * 1000;
}

/** Reads one of a few words; null when nobody set the keyword. */
export function readChoice<Choice extends string>(
  settings: Settings,
  keyword: Keyword,
  choices: readonly Choice[],
): Choice | null {
  const setting = settings.get(keyword);
  if (setting === undefined) return null;
  const choice = choices.find((one) => one === setting.value);
  if (choice === undefined) throw invalid(keyword, setting, `must be ${oneOf(choices)}`);
  return choice;
}

/** Reads a flag that is 0 or 1; `otherwise` when nobody set the keyword or set it to nothing. */
export function readFlag(settings: Settings, keyword: Keyword, otherwise: boolean): boolean {
  const setting = settings.get(keyword);
  if (setting === undefined || setting.value === "") return otherwise;
  if (setting.value !== "0" && setting.value !== "1") {
    throw invalid(keyword, setting, "must be 0 or 1");
  }
  return setting.value === "1";
}

/** Makes the error about a value; `rule` completes a sentence about it. */
export function invalid(keyword: Keyword, setting: Setting, rule: string): Error {
  return refusal(`${describe(keyword, setting)} is not valid: it ${rule}`);
}

/** Makes the error about the ends of a range that are the wrong way round. */
export function crossed(settings: Settings, lowest: Keyword, highest: Keyword): Error {
  const [above, below] = [lowest, highest].map((keyword) => {
    const { value, origin } = settings.get(keyword) ?? { value: "", origin: "" };
    return `${keyword} ${quote(value)} (from ${origin})`;
  });
  return refusal(`${above} is above ${below}`);
}

/** Lists words for an error message: "a, b or c". */
export function oneOf(words: readonly string[]): string {
  const last = words.at(-1) ?? "";
  return words.length < 2 ? last : `${words.slice(0, -1).join(", ")} or ${last}`;
}

const methods: readonly AuthenticationMethod[] = [
  "password",
  "md5",
  "gss",
  "sspi",
  "scram-sha-256",
  "oauth",
  "none",
];

/** Reads require_auth, a list whose elements are all negated with "!" or all not; null is no demand. */
export function readRequireAuth(settings: Settings): AuthenticationPolicy | null {
  const setting = settings.get("require_auth");
  if (setting === undefined || setting.value === "") return null;
  const elements = setting.value.split(",");
  const isNegated = setting.value.startsWith("!");
  const listed = new Set<AuthenticationMethod>();
  for (const element of elements) {
    if (element.startsWith("!") !== isNegated) {
      throw invalid("require_auth", setting, 'must have "!" before all methods or before none');
    }
    const name = isNegated ? element.slice(1) : element;
    const method = methods.find((one) => one === name);
    if (method === undefined) {
      const rule = `may list ${oneOf(methods)}, separated by commas without spaces`;
      throw invalid("require_auth", setting, `${rule}, and ${quote(name)} is none of them`);
    }
    if (listed.has(method)) {
      throw invalid("require_auth", setting, `names ${method} more than once`);
    }
    listed.add(method);
  }
  return isNegated ? { deny: listed } : { allow: listed };
}
