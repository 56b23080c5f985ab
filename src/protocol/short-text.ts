/**
 * Short strings out of received bytes, faster than the runtime's decoder.
 *
 * A call into the decoder costs some 65 ns whatever the length. A string of so and so many ASCII characters can be
 * made in one go by a function that is written out for that number, in half of the time and less, and with nothing
 * else allocated; so such functions are compiled, each when its length comes for the first time. The text that is
 * compiled depends on the length and on nothing else. Where the program runs with
 * `--disallow-code-generation-from-strings` there is a loop instead. (Measured on Node 20.)
 */

/** Reads a string that begins at `start` and ends at `end`. */
export type ReadText = (bytes: Buffer, start: number, end: number) => string;

/**
 * What `toString("utf8")` and `toString("latin1")` call in the end. Undocumented but stable since the first
 * releases of Node, present in Bun and Deno, and about 12 ns cheaper than the documented way.
 */
export interface Slices {
  utf8Slice(start: number, end: number): string;
  latin1Slice(start: number, end: number): string;
}

/** From here on the decoder is as fast. */
export const SHORT_TEXT = 32;
/** As many characters may be put together one by one: longer ones the engine would keep as a tree. */
const LOOPED = 12;

/** What reads UTF-8 of so many bytes, as far as the decoder isn't as fast. */
export const shortReaders: ReadText[] = readers(
  (units) => `(${units.join(" | ")}) > 0x7f ? b.utf8Slice(s, e) : C(${units.join(", ")})`,
  readByLoop,
);

/** The same for text of one byte a character. */
export const shortLatin1Readers: ReadText[] = readers(
  (units) => `C(${units.join(", ")})`,
  (bytes, start, end) => (bytes as Buffer & Slices).latin1Slice(start, end),
);

/** Readers by length, each compiled when it is needed first; `otherwise` reads where code can't be compiled. */
function readers(result: (units: string[]) => string, otherwise: ReadText): ReadText[] {
  const compileFirst: ReadText = (bytes, start, end) => {
    const reader = compile(end - start, result) ?? otherwise;
    made[end - start] = reader;
    return reader(bytes, start, end);
  };
  const made: ReadText[] = Array.from({ length: SHORT_TEXT + 1 }, (_, length) =>
    length === 0 ? () => "" : compileFirst,
  );
  return made;
}

/** A reader of so many bytes, `b[s]` to `b[e - 1]`; null where code can't be compiled. */
function compile(length: number, result: (units: string[]) => string): ReadText | null {
  const units = Array.from({ length }, (_, index) => `a${index}`);
  const loads = units.map((unit, index) => `${unit} = b[s + ${index}]`).join(", ");
  const text = `"use strict"; return function readShort(b, s, e) { const ${loads}; return ${result(units)}; }; // ${length}`;
  try {
    // eslint-disable-next-line typescript/no-implied-eval -- no input but a length reaches the text, see above
    return new Function("C", text)(String.fromCharCode) as ReadText;
  } catch {
    return null;
  }
}

/** Reads without a compiled function. */
export function readByLoop(bytes: Buffer, start: number, end: number): string {
  if (end - start > LOOPED) return (bytes as Buffer & Slices).utf8Slice(start, end);
  let text = "";
  for (let at = start; at < end; at++) {
    const unit = bytes[at] as number;
    if (unit > 0x7f) return (bytes as Buffer & Slices).utf8Slice(start, end);
    text += String.fromCharCode(unit);
  }
  return text;
}
