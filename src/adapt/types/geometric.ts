/**
 * The geometric types, as string: `(1,2.5)`, `[(0,0),(1,1)]`, `<(1,2),3>`.
 *
 * JavaScript has no such types, and every program that has points has a class for them: a dumper and a loader of
 * ten lines make it the one of `point`. The binary form is asked for: its coordinates are exact, where those of
 * the text depend on the session's `extra_float_digits`. PostgreSQL manual, 8.8.
 */
import { int32 } from "../../protocol/bytes.ts";
import type { Writer } from "../../protocol/writer.ts";
import { BINARY } from "../format.ts";
import type { Codec } from "../registry.ts";
import { float8, printFloat8 } from "./float.ts";
import { malformed, wrongLength } from "./refuse.ts";
import { stringCodec } from "./string-codec.ts";

const POINT_SIZE = 16;

/** The coordinate at `at`, as the server prints it. */
function coordinate(bytes: Buffer, at: number): string {
  return printFloat8(float8.loadBinary(bytes, at, at + 8) as number);
}

function point(bytes: Buffer, at: number): string {
  return `(${coordinate(bytes, at)},${coordinate(bytes, at + 8)})`;
}

function points(bytes: Buffer, at: number, count: number): string {
  return Array.from({ length: count }, (_, index) => point(bytes, at + index * POINT_SIZE)).join();
}

const NUMBER = "-?(?:Infinity|NaN|\\d+(?:\\.\\d+)?(?:e[+-]\\d+)?)";
const PAIR = `\\(${NUMBER},${NUMBER}\\)`;
const NUMBERS = new RegExp(NUMBER, "g");

/** Writes all coordinates of a text, in their order. */
function writeNumbers(text: string, out: Writer): void {
  for (const [digits] of text.matchAll(NUMBERS)) out.float64(Number(digits));
}

/** A type with always the same count of coordinates. */
function fixed(
  type: string,
  count: number,
  pattern: string,
  print: (bytes: Buffer, at: number) => string,
  delimiter: string = ",",
): Codec {
  const whole = new RegExp(`^${pattern}$`);
  const codec = stringCodec(type, {
    takes: `a string of its text form`,
    results: BINARY,
    loadBinary(bytes, start, end) {
      if (end - start !== count * 8) throw wrongLength(type, count * 8, end - start);
      return print(bytes, start);
    },
    write(text, out) {
      if (!whole.test(text)) return false;
      writeNumbers(text, out);
      return true;
    },
  });
  return { ...codec, delimiter };
}

/** A type with any count of points, after a head of `headSize` bytes that ends with their count. */
function listed(
  type: string,
  pattern: string,
  headSize: number,
  print: (list: string, first: number) => string,
): Codec {
  const whole = new RegExp(`^${pattern}$`);
  return stringCodec(type, {
    takes: `a string of its text form`,
    results: BINARY,
    loadBinary(bytes, start, end) {
      const at = start + headSize;
      const count = at <= end ? int32(bytes, at - 4) : -1;
      // The server has no such value without points.
      if (count < 1 || end - at !== count * POINT_SIZE) {
        throw malformed(type, "not as many points as it says");
      }
      return print(points(bytes, at, count), bytes[start] as number);
    },
    write(text, out) {
      if (!whole.test(text)) return false;
      if (headSize > 4) out.int8(text.startsWith("(") ? 1 : 0);
      const mark = out.length;
      out.int32(0);
      writeNumbers(text, out);
      out.setInt32(mark, (out.length - mark - 4) / POINT_SIZE);
      return true;
    },
  });
}

/** point, as string: `(x,y)`. */
export const pointCodec: Codec = fixed("point", 2, PAIR, point);

/** line, as string: `{A,B,C}` of the equation Ax + By + C = 0. */
export const line: Codec = fixed(
  "line",
  3,
  `\\{${NUMBER},${NUMBER},${NUMBER}\\}`,
  (bytes, at) =>
    `{${coordinate(bytes, at)},${coordinate(bytes, at + 8)},${coordinate(bytes, at + 16)}}`,
);

/** lseg, as string: `[(x1,y1),(x2,y2)]`. */
export const lseg: Codec = fixed(
  "lseg",
  4,
  `\\[${PAIR},${PAIR}\\]`,
  (bytes, at) => `[${points(bytes, at, 2)}]`,
);

/** box, as string: `(x1,y1),(x2,y2)`, the upper right corner first; its arrays have `;` between elements. */
export const box: Codec = fixed(
  "box",
  4,
  `${PAIR},${PAIR}`,
  (bytes, at) => points(bytes, at, 2),
  ";",
);

/** circle, as string: `<(x,y),r>`. */
export const circle: Codec = fixed(
  "circle",
  3,
  `<${PAIR},${NUMBER}>`,
  (bytes, at) => `<${point(bytes, at)},${coordinate(bytes, at + 16)}>`,
);

/** path, as string: `((x1,y1),...)` when it is closed, `[(x1,y1),...]` when it is open. */
export const path: Codec = listed(
  "path",
  `(?:\\(${PAIR}(?:,${PAIR})*\\)|\\[${PAIR}(?:,${PAIR})*\\])`,
  5,
  (list, isClosed) => (isClosed ? `(${list})` : `[${list}]`),
);

/** polygon, as string: `((x1,y1),...)`. */
export const polygon: Codec = listed(
  "polygon",
  `\\(${PAIR}(?:,${PAIR})*\\)`,
  4,
  (list) => `(${list})`,
);
