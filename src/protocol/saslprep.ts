/**
 * A password as SCRAM hashes it: prepared with SASLprep (RFC 4013), exactly as the server does it.
 *
 * Whoever types a letter with a mark gets in however their keyboard composes it. A password that the
 * rules refuse is used as it is, by server and client alike, so every rule counts: one more or less and
 * a password that works in psql would be wrong here.
 */
import { DROPPED, LEFT_TO_RIGHT, REFUSED, RIGHT_TO_LEFT, SPACES } from "./saslprep-tables.ts";

/** Prepares a password, or gives it back as it is where the rules refuse it. */
export function preparePassword(password: string): string {
  // Printable ASCII is left alone.
  if (/^[\x20-\x7e]*$/.test(password)) return password;
  const mapped = Array.from(password).map(mapCharacter).join("");
  // PostgreSQL looks for what is refused before it normalizes, the RFC after.
  const characters = Array.from(mapped);
  const isRefused =
    mapped === "" ||
    characters.some((character) => isIn("refused", character)) ||
    mixesDirections(characters);
  return isRefused ? password : mapped.normalize("NFKC");
}

/** The zero-width space is in both tables; PostgreSQL reads it as a space. */
function mapCharacter(character: string): string {
  if (isIn("spaces", character)) return " ";
  return isIn("dropped", character) ? "" : character;
}

/** What holds anything written from right to left must begin and end so, and hold nothing else (RFC 3454, 6). */
function mixesDirections(characters: readonly string[]): boolean {
  const isRight = (character: string | undefined): boolean => isIn("right", character ?? "");
  if (!characters.some(isRight)) return false;
  if (!isRight(characters[0]) || !isRight(characters.at(-1))) return true;
  return characters.some((character) => isIn("left", character));
}

const texts = {
  spaces: SPACES,
  dropped: DROPPED,
  refused: REFUSED,
  right: RIGHT_TO_LEFT,
  left: LEFT_TO_RIGHT,
} as const;
/** The tables in use, as first and last code points in a row; most programs need none. */
const tables = new Map<keyof typeof texts, readonly number[]>();

function isIn(name: keyof typeof texts, character: string): boolean {
  let table = tables.get(name);
  if (table === undefined) {
    table = texts[name].split(" ").flatMap((range) => {
      const [first = "", last = first] = range.split("-");
      return [Number.parseInt(first, 16), Number.parseInt(last, 16)];
    });
    tables.set(name, table);
  }
  const code = character.codePointAt(0) ?? 0;
  for (let index = 0; index < table.length; index += 2) {
    if (code < (table[index] as number)) return false;
    if (code <= (table[index + 1] as number)) return true;
  }
  return false;
}
