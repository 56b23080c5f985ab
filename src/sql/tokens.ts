/**
 * Cuts SQL text into tokens, as far as is needed to see where strings, names and comments begin and end.
 *
 * Knows the lexical rules of PostgreSQL (manual, 4.1) and no grammar: quoted names, the kinds of string
 * constants, dollar quoting, nested comments, parameters. Does no I/O.
 */

/** What a token is; `word` is a keyword or a name without quotes. */
export type TokenKind = "word" | "name" | "string" | "parameter" | "number" | "sign";

/** One token; comments and blanks are none. */
export interface Token {
  readonly kind: TokenKind;
  /** Where it begins in the text. */
  readonly start: number;
  /** Where it ends. */
  readonly end: number;
}

const BLANK = /\s+/y;
const LINE_COMMENT = /--[^\r\n]*/y;
const COMMENT_MARK = /\/\*|\*\//g;
const WORD = /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y;
const NUMBER = /\d[\w.]*|\.\d[\w.]*/y;
const PARAMETER = /\$\d+/y;
const DOLLAR_QUOTE = /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y;
const QUOTED_NAME = /"(?:[^"]|"")*"/y;
const PLAIN_STRING = /'(?:[^']|'')*'/y;
const ESCAPE_STRING = /'(?:[^'\\]|''|\\[^])*'/y;
/** What may stand right before a quote and belongs to the string. */
const PREFIX = /^(?:[ebxn]|u&)$/i;

/**
 * The tokens of `text`.
 *
 * @param standardStrings whether a backslash in a plain string is just that: the session's
 * `standard_conforming_strings`.
 * @returns null when something has no end: the server will say what is wrong with it.
 */
export function tokensOf(text: string, standardStrings: boolean = true): Token[] | null {
  const tokens: Token[] = [];
  let at = 0;
  const match = (pattern: RegExp): number => {
    pattern.lastIndex = at;
    return pattern.test(text) ? pattern.lastIndex : -1;
  };
  const add = (kind: TokenKind, end: number): void => {
    tokens.push({ kind, start: at, end });
    at = end;
  };
  while (at < text.length) {
    const blank = Math.max(match(BLANK), match(LINE_COMMENT));
    if (blank > 0) {
      at = blank;
      continue;
    }
    if (text.startsWith("/*", at)) {
      at = commentEnd(text, at);
      if (at < 0) return null;
      continue;
    }
    let end: number;
    if ((end = match(WORD)) > 0) {
      const prefix = text[end] === "&" ? text.slice(at, end + 1) : text.slice(at, end);
      const quote = at + prefix.length;
      if (
        PREFIX.test(prefix) &&
        (text[quote] === "'" || (text[quote] === '"' && prefix.length === 2))
      ) {
        const start = at;
        at = quote;
        const isEscape = /^e$/i.test(prefix) || (!standardStrings && /^n$/i.test(prefix));
        const isName = text[quote] === '"';
        end = match(isName ? QUOTED_NAME : isEscape ? ESCAPE_STRING : PLAIN_STRING);
        if (end < 0) return null;
        at = start;
        add(isName ? "name" : "string", end);
      } else {
        add("word", end);
      }
    } else if (text[at] === "'") {
      end = match(standardStrings ? PLAIN_STRING : ESCAPE_STRING);
      if (end < 0) return null;
      add("string", end);
    } else if (text[at] === '"') {
      end = match(QUOTED_NAME);
      if (end < 0) return null;
      add("name", end);
    } else if ((end = match(PARAMETER)) > 0) {
      add("parameter", end);
    } else if ((end = match(DOLLAR_QUOTE)) > 0) {
      const close = text.indexOf(text.slice(at, end), end);
      if (close < 0) return null;
      add("string", close + end - at);
    } else if ((end = match(NUMBER)) > 0) {
      add("number", end);
    } else {
      add("sign", at + 1);
    }
  }
  return tokens;
}

/** Where the comment that begins at `start` ends; -1 when it doesn't. Comments nest. */
function commentEnd(text: string, start: number): number {
  let depth = 0;
  COMMENT_MARK.lastIndex = start;
  for (let found = COMMENT_MARK.exec(text); found; found = COMMENT_MARK.exec(text)) {
    depth += found[0] === "/*" ? 1 : -1;
    if (depth === 0) return found.index + 2;
  }
  return -1;
}
