/**
 * A text under construction: what is put into it has to stay what it is.
 *
 * A value, a name or a literal that lands inside of a string, a comment or a name would be something else
 * there, and in the worst case text of somebody else's that the server executes. So a draft notes where it
 * put them, and when it is done cuts the whole text into tokens: each must begin and end with a token, and no
 * placeholder may be there besides those it wrote. That also catches what only the neighbourhood makes wrong,
 * such as two strings that continue each other. PostgreSQL manual, 4.1.
 */
import type { AdaptersMap, Codec } from "../adapt/registry.ts";
import { ProgrammingError } from "../errors.ts";
import { quoteIdentifier } from "./identifier.ts";
import { literalOf } from "./literal.ts";
import { tokensOf } from "./tokens.ts";

/** What a text is composed with: a connection or a cursor has all of it. */
export interface DraftContext {
  /** What turns objects into values. */
  readonly adapters: AdaptersMap;
  /** The session's `standard_conforming_strings`. */
  readonly standardStrings: boolean;
}

/** So many texts are remembered as being in order, none longer than this. */
const MOST_CHECKED = 500;
const LONGEST_CHECKED = 16 * 1024;
const checked = new Set<string>();

/** What may stand right before a literal without a blank, and right behind one. */
const OPENS = /[\s(,[]$/;
const CLOSES = /^(?:[\s),;\]]|::)/;
/** What binds tighter than a minus. */
const BINDS_TIGHTER = /^(?:\s|--[^\r\n]*(?=[\r\n]|$)|\/\*(?:[^*]|\*(?!\/))*\*\/)*(?:::|\[|\.)/;

/** A text that is being written. */
export class Draft {
  /** What was written so far. */
  text = "";
  /** The values of its placeholders, in order. */
  readonly values: unknown[] = [];
  /** How many placeholders it has whose values come later. */
  open = 0;
  readonly #context: DraftContext;
  /** Beginnings and ends of what has to be tokens. */
  readonly #marks: number[] = [];
  #numbers = 0;
  #hasLiterals = false;
  /** Where a literal begins that was written last, and whether it is a number below zero. */
  #literal: { readonly start: number; readonly isNegative: boolean } | null = null;

  constructor(context: DraftContext) {
    this.#context = context;
  }

  /** Writes SQL. */
  sql(text: string): void {
    if (text === "") return;
    const literal = this.#literal;
    if (literal !== null) {
      this.#literal = null;
      if (literal.isNegative && BINDS_TIGHTER.test(text)) {
        this.text = `${this.text.slice(0, literal.start)}(${this.text.slice(literal.start)})`;
        this.#marks[this.#marks.length - 1] = this.text.length;
      } else if (!CLOSES.test(text)) this.text += " ";
    }
    this.text += text;
  }

  /** Writes a name of one or several parts. */
  name(parts: readonly string[]): void {
    this.#token(parts.map(quoteIdentifier).join("."));
  }

  /** Writes a placeholder for this value. */
  value(value: unknown): void {
    this.values.push(value);
    this.#token(`$${++this.#numbers}`);
  }

  /** Writes a placeholder whose value comes later: by its name, or by the next number. */
  placeholder(name: string | null): void {
    this.open++;
    this.#token(name === null ? `$${++this.#numbers}` : `$${name}`);
  }

  /** Writes a value as a literal, of the type that it is cast to if that is known. */
  literal(value: unknown, type: Codec | null = null): void {
    const literal = literalOf(value, this.#context.adapters, type);
    if (!OPENS.test(this.text.slice(-1)) && this.text !== "") this.sql(" ");
    this.#hasLiterals = true;
    const start = this.text.length;
    this.#token(literal);
    this.#literal = { start, isNegative: literal.startsWith("-") };
  }

  #token(text: string): void {
    if (this.#literal !== null) this.sql(" ");
    this.#marks.push(this.text.length, this.text.length + text.length);
    this.text += text;
  }

  /**
   * Ends the text.
   *
   * @throws ProgrammingError when something was put where it can't be told from what is around it.
   */
  finish(): void {
    if (this.#marks.length === 0) return;
    const { standardStrings } = this.#context;
    if (this.#hasLiterals || this.text.length > LONGEST_CHECKED) return this.#check();
    // Names differ, and so do texts: values don't.
    const key = `${standardStrings ? "" : "\\"}${this.values.length} ${this.open} ${this.#marks.join()} ${this.text}`;
    if (checked.has(key)) return;
    this.#check();
    if (checked.size >= MOST_CHECKED) checked.clear();
    checked.add(key);
  }

  #check(): void {
    const { text } = this;
    const tokens = tokensOf(text, this.#context.standardStrings);
    if (tokens === null) {
      throw new ProgrammingError("a string, name or comment in the statement has no end", {
        code: "ERR_MAHOUT_SQL_MISPLACED",
      });
    }
    const ends = new Set<number>();
    const starts = new Set<number>();
    let placeholders = 0;
    for (const { kind, start, end } of tokens) {
      starts.add(start);
      ends.add(end);
      if (kind === "parameter" || kind === "named") placeholders++;
    }
    const marks = this.#marks;
    for (let index = 0; index < marks.length; index += 2) {
      const [start, end] = [marks[index] as number, marks[index + 1] as number];
      if (starts.has(start) && ends.has(end)) continue;
      throw new ProgrammingError(
        `number ${index / 2 + 1} of what was put into the statement is inside of a string, a name or a comment, or touches one: it can't be a part of them`,
        { code: "ERR_MAHOUT_SQL_MISPLACED" },
      );
    }
    if (this.values.length > 0 && (this.open > 0 || placeholders > this.#numbers)) {
      throw new ProgrammingError(
        "a statement with values of its own can't have other placeholders",
        { code: "ERR_MAHOUT_PARAMETERS_MIXED" },
      );
    }
  }
}
