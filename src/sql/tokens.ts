/**
 * Cuts SQL text into tokens, as far as is needed to see where strings, names and comments begin and end.
 *
 * Knows the lexical rules of PostgreSQL (manual, 4.1) and no grammar: quoted names, the kinds of string
 * constants, dollar quoting, nested comments, parameters. Does no I/O.
 */

/** What a token is; `word` is a keyword or a name without quotes, `parameter` is `$1` and `named` is `$name`. */
export type TokenKind = "word" | "name" | "string" | "parameter" | "named" | "number" | "sign";

/** One token; comments and blanks are none. */
export interface Token {
  readonly kind: TokenKind;
  /** Where it begins in the text. */
  readonly start: number;
  /** Where it ends. */
  readonly end: number;
}

// The server's blanks: a no-break space, for one, is a letter to it.
const BLANK = /[ \t\n\r\f\v]+/y;
const LINE_COMMENT = /--[^\r\n]*/y;
const COMMENT_MARK = /\/\*|\*\//g;
const WORD = /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y;
const NUMBER = /\d[\w.]*|\.\d[\w.]*/y;
const PARAMETER = /\$\d+/y;
const NAMED = /\$[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*/y;
const DOLLAR_QUOTE = /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y;
const QUOTE_OR_BACKSLASH = /['\\]/g;
/** After a line break a string goes on, by the rules that it began with. */
const CONTINUATION = /[ \t\f\v]*(?:--[^\r\n]*)?[\r\n](?:[ \t\n\r\f\v]|--[^\r\n]*[\r\n])*(?=')/y;
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
  const match = (pattern: RegExp): number => matchAt(text, pattern, at);
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
      const isName = text[quote] === '"' && prefix.length === 2;
      if (PREFIX.test(prefix) && (isName || text[quote] === "'")) {
        const hasEscapes = /^e$/i.test(prefix) || (!standardStrings && /^n$/i.test(prefix));
        end = isName ? nameEnd(text, quote) : stringEnd(text, quote, hasEscapes);
        if (end < 0) return null;
        add(isName ? "name" : "string", end);
      } else {
        add("word", end);
      }
    } else if (text[at] === "'") {
      end = stringEnd(text, at, !standardStrings);
      if (end < 0) return null;
      add("string", end);
    } else if (text[at] === '"') {
      end = nameEnd(text, at);
      if (end < 0) return null;
      add("name", end);
    } else if ((end = match(PARAMETER)) > 0) {
      add("parameter", end);
    } else if ((end = match(DOLLAR_QUOTE)) > 0) {
      const close = text.indexOf(text.slice(at, end), end);
      if (close < 0) return null;
      add("string", close + end - at);
    } else if ((end = match(NAMED)) > 0) {
      add("named", end);
    } else if ((end = match(NUMBER)) > 0) {
      add("number", end);
    } else {
      add("sign", at + 1);
    }
  }
  return tokens;
}

/** Where the match at exactly this place ends; -1 when there is none. */
function matchAt(text: string, pattern: RegExp, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : -1;
}

/** Where the string ends whose quote stands at `start`, with all that continues it; -1 when it doesn't. */
function stringEnd(text: string, start: number, hasEscapes: boolean): number {
  for (let quote = start; ;) {
    const end = hasEscapes ? escapeStringEnd(text, quote) : quotedEnd(text, quote, "'");
    if (end < 0) return -1;
    const next = matchAt(text, CONTINUATION, end);
    if (next < 0) return end;
    quote = next;
  }
}

function nameEnd(text: string, start: number): number {
  return quotedEnd(text, start, '"');
}

/** Loops and no pattern: a value of many megabytes would be too much for one. */
function quotedEnd(text: string, start: number, quote: string): number {
  let at = text.indexOf(quote, start + 1);
  while (at >= 0 && text[at + 1] === quote) at = text.indexOf(quote, at + 2);
  return at < 0 ? -1 : at + 1;
}

function escapeStringEnd(text: string, start: number): number {
  QUOTE_OR_BACKSLASH.lastIndex = start + 1;
  for (let found = QUOTE_OR_BACKSLASH.exec(text); found; found = QUOTE_OR_BACKSLASH.exec(text)) {
    const { index } = found;
    if (found[0] === "'" && text[index + 1] !== "'") return index + 1;
    QUOTE_OR_BACKSLASH.lastIndex = index + 2;
  }
  return -1;
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
