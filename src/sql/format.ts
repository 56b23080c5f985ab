/**
 * The places of `SQL.format()`: `{}`, `{0}` and `{name}`, by the rules of Python's `str.format`.
 *
 * Only tells text and places apart; what is put there is nobody's business here.
 */
import { ProgrammingError } from "../errors.ts";

/** A stretch of text, or what was given for a place. */
export interface Field {
  /** The text; undefined for a place. */
  readonly text?: string;
  /** What was given for the place. */
  readonly field?: unknown;
}

const PART = /\{\{|\}\}|\{([^{}]*)\}|[{}]/g;

/**
 * Cuts a text at its places and fills them.
 *
 * @throws ProgrammingError for places without a value, values without a place, numbers beside `{}`, and braces
 * that are neither doubled nor paired.
 */
export function fieldsOf(text: string, given: readonly unknown[]): Field[] {
  const fields: Field[] = [];
  const used = new Set<unknown>();
  const names = namesOf(given);
  let literal = "";
  let at = 0;
  let automatic = 0;
  let manual = false;
  for (const match of text.matchAll(PART)) {
    literal += text.slice(at, match.index);
    at = match.index + match[0].length;
    const place = match[1];
    if (match[0] === "{{" || match[0] === "}}") {
      literal += match[0][0];
      continue;
    }
    if (place === undefined)
      throw new ProgrammingError("a brace in SQL.format() is doubled: {{ }}");
    if (literal !== "") fields.push({ text: literal });
    literal = "";
    if (place !== "" && !/^\d+$/.test(place)) {
      if (names === null || !Object.hasOwn(names, place)) {
        throw new ProgrammingError(`nothing was given for {${place}}`);
      }
      used.add(place);
      fields.push({ field: names[place] });
      continue;
    }
    if (place !== "") manual = true;
    if (manual && (automatic > 0 || place === "")) {
      throw new ProgrammingError("{} and {0} can't be used in one text");
    }
    const index = place === "" ? automatic++ : Number(place);
    if (index >= given.length) throw new ProgrammingError(`nothing was given for {${index}}`);
    used.add(index);
    fields.push({ field: given[index] });
  }
  literal += text.slice(at);
  if (literal !== "") fields.push({ text: literal });
  checkUsed(given, names, used);
  return fields;
}

/** The object of names, which comes last. */
function namesOf(given: readonly unknown[]): Readonly<Record<string, unknown>> | null {
  const last = given.at(-1);
  const kind: unknown = typeof last === "object" && last !== null && Object.getPrototypeOf(last);
  // Plain objects of any realm: nothing stands above what they inherit from.
  const isPlain =
    typeof kind === "object" && (kind === null || Object.getPrototypeOf(kind) === null);
  return isPlain ? (last as Readonly<Record<string, unknown>>) : null;
}

function checkUsed(
  given: readonly unknown[],
  names: Readonly<Record<string, unknown>> | null,
  used: ReadonlySet<unknown>,
): void {
  const usesNames = [...used].some((place) => typeof place === "string");
  const count = usesNames ? given.length - 1 : given.length;
  for (let index = 0; index < count; index++) {
    if (!used.has(index)) throw new ProgrammingError(`there is no place for argument ${index}`);
  }
  const unused = usesNames ? Object.keys(names ?? {}).find((name) => !used.has(name)) : undefined;
  if (unused !== undefined) throw new ProgrammingError(`there is no place {${unused}}`);
}
