/**
 * The type tsquery, as string, as the server prints it: `'fat' & ( 'cat' | 'rat':*A )`.
 *
 * The binary form is a list of operators and lexemes in prefix order, the right operand before the left one. It is
 * read from its end, so that no depth of nesting is too deep. PostgreSQL manual, 8.11.2.
 */
import { uint16, uint32 } from "../../protocol/bytes.ts";
import type { Writer } from "../../protocol/writer.ts";
import type { Codec } from "../registry.ts";
import { malformed } from "./refuse.ts";
import { stringCodec } from "./string-codec.ts";
import { bareLexeme, LEXEME, quoteLexeme } from "./tsvector.ts";
import { readUtf8 } from "./utf8.ts";

const VALUE = 1;
const OPERATOR = 2;
const NOT = 1;
const AND = 2;
const OR = 3;
const PHRASE = 4;
/** How tightly each operator binds, under its number; lexemes bind tightest. */
const BINDS = [5, 4, 2, 1, 3];
const MOST_DISTANCE = 16384;
/** The weights' letters, the highest bit first. */
const WEIGHTS = "ABCD";

/** A lexeme (operator 0) or an operator, as it stands in the binary form. */
interface Item {
  readonly operator: number;
  /** The lexeme with quotes and weights, or the operator's sign. */
  readonly text: string;
}

function readItems(bytes: Buffer, start: number, end: number): Item[] {
  if (end - start < 4) throw malformed("tsquery", "a count that is cut short");
  const count = uint32(bytes, start);
  if (count > (end - start - 4) / 2) throw malformed("tsquery", "more items than bytes");
  const items: Item[] = [];
  let at = start + 4;
  for (let index = 0; index < count; index++) {
    if (end - at < 2) throw malformed("tsquery", "an item that is cut short");
    const kind = bytes[at];
    const second = bytes[at + 1] as number;
    if (kind === VALUE) {
      const nul = at + 3 < end ? bytes.indexOf(0, at + 3) : -1;
      if (nul < 0 || nul >= end) throw malformed("tsquery", "a lexeme that is cut short");
      items.push({ operator: 0, text: operand(bytes, at, nul) });
      at = nul + 1;
    } else if (kind === OPERATOR && second >= NOT && second <= PHRASE) {
      const isPhrase = second === PHRASE;
      if (isPhrase && end - at < 4) throw malformed("tsquery", "an item that is cut short");
      const distance = isPhrase ? uint16(bytes, at + 2) : 0;
      items.push({ operator: second, text: signOf(second, distance) });
      at += isPhrase ? 4 : 2;
    } else {
      throw malformed("tsquery", "an item that does not exist");
    }
  }
  if (at !== end) throw malformed("tsquery", `${end - at} bytes too many`);
  return items;
}

function operand(bytes: Buffer, at: number, nul: number): string {
  const weights = bytes[at + 1] as number;
  let marks = bytes[at + 2] ? "*" : "";
  for (let index = 0; index < 4; index++) if (weights & (8 >> index)) marks += WEIGHTS[index];
  return quoteLexeme(readUtf8(bytes, at + 3, nul)) + (marks && `:${marks}`);
}

function signOf(operator: number, distance: number): string {
  if (operator === NOT) return "!";
  if (operator === AND) return " & ";
  if (operator === OR) return " | ";
  return distance === 1 ? " <-> " : ` <${distance}> `;
}

function readQuery(bytes: Buffer, start: number, end: number): string {
  const items = readItems(bytes, start, end);
  if (items.length === 0) return "";
  const stack: Item[] = [];
  const pop = (parent: number, isRight: boolean): string => {
    const item = stack.pop();
    if (!item) throw malformed("tsquery", "an operator without operands");
    const needsBrackets =
      (BINDS[item.operator] as number) < (BINDS[parent] as number) ||
      (isRight && parent === PHRASE && item.operator === PHRASE);
    return needsBrackets ? `( ${item.text} )` : item.text;
  };
  for (const { operator, text } of items.reverse()) {
    if (operator === 0) stack.push({ operator, text });
    else if (operator === NOT) stack.push({ operator, text: text + pop(NOT, false) });
    else {
      const right = pop(operator, true);
      stack.push({ operator, text: pop(operator, false) + text + right });
    }
  }
  const [whole] = stack;
  if (stack.length !== 1 || !whole) throw malformed("tsquery", "lexemes without an operator");
  return whole.text;
}

const TOKEN = new RegExp(
  `\\s*(?:([&|!()])|<(-|\\d{1,5})>|'(${LEXEME})'(?::(\\*?)([ABCD]*))?)`,
  "y",
);

/** A query, or a part of one, from its text. */
type Node =
  | { readonly operator: 0; readonly lexeme: string; readonly weights: number; prefix: boolean }
  | { readonly operator: number; readonly distance: number; left: Node | null; right: Node };

/** Reads what the server prints into what it sends; null for anything else. */
function parseQuery(text: string): Node[] | null {
  const output: Node[] = [];
  const waiting: { operator: number; distance: number }[] = [];
  let expectsOperand = true;
  const reduce = (binds: number): boolean => {
    for (let top = waiting.at(-1); top && top.operator !== 0; top = waiting.at(-1)) {
      if ((BINDS[top.operator] as number) < binds) return true;
      waiting.pop();
      const right = output.pop();
      const left = top.operator === NOT ? null : output.pop();
      if (!right || left === undefined) return false;
      output.push({ ...top, left, right });
    }
    return true;
  };
  TOKEN.lastIndex = 0;
  for (let at = 0; at < text.length; at = TOKEN.lastIndex) {
    const match = TOKEN.exec(text);
    if (!match) return null;
    const [, sign, between, lexeme, star, marks = ""] = match;
    const opens = sign === "(" || sign === "!" || lexeme !== undefined;
    if (opens !== expectsOperand) return null;
    if (lexeme !== undefined) {
      let weights = 0;
      for (const mark of marks) weights |= 8 >> WEIGHTS.indexOf(mark);
      const bare = bareLexeme(lexeme);
      if (bare === "") return null;
      output.push({ operator: 0, lexeme: bare, weights, prefix: star === "*" });
      expectsOperand = false;
    } else if (sign === "(" || sign === "!") {
      waiting.push({ operator: sign === "!" ? NOT : 0, distance: 0 });
    } else if (sign === ")") {
      if (!reduce(0) || waiting.pop() === undefined) return null;
    } else {
      const operator = sign === "&" ? AND : sign === "|" ? OR : PHRASE;
      const distance = operator !== PHRASE ? 0 : between === "-" ? 1 : Number(between);
      if (distance > MOST_DISTANCE || !reduce(BINDS[operator] as number)) return null;
      waiting.push({ operator, distance });
      expectsOperand = true;
    }
  }
  if (text !== "" && (expectsOperand || !reduce(0) || waiting.length > 0)) return null;
  return output.length <= 1 ? output : null;
}

function writeQuery(text: string, out: Writer): boolean {
  const nodes = parseQuery(text);
  // The server sends the empty query in binary and doesn't take it.
  if (nodes === null || nodes.length === 0) return false;
  const mark = out.length;
  let count = 0;
  out.int32(0);
  for (let node = nodes.pop(); node; node = nodes.pop()) {
    count++;
    if ("lexeme" in node) {
      out.int8(VALUE);
      out.int8(node.weights);
      out.int8(node.prefix ? 1 : 0);
      out.cstring(node.lexeme);
      continue;
    }
    out.int8(OPERATOR);
    out.int8(node.operator);
    if (node.operator === PHRASE) out.int16(node.distance);
    if (node.left) nodes.push(node.left);
    nodes.push(node.right);
  }
  out.setInt32(mark, count);
  return true;
}

/** tsquery, as string. */
export const tsquery: Codec = stringCodec("tsquery", {
  takes: "a string like 'fat' & 'cat'",
  loadBinary: readQuery,
  write: writeQuery,
});
