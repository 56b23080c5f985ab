/**
 * Pieces of SQL that can be put together: psycopg's `SQL`, `Identifier`, `Literal`, `Placeholder` and
 * `Composed`, and what the tagged template makes.
 *
 * A piece is data; text comes of it only when it is used, by writing itself into a draft (draft.ts). Values
 * stay values to the end: they become parameters, and never part of the text unless they are asked to, as
 * literals.
 */
import { isPromise } from "node:util/types";
import { globalAdapters } from "../adapt/builtins.ts";
import type { AdaptersMap } from "../adapt/registry.ts";
import { ProgrammingError } from "../errors.ts";
import type { DraftContext } from "./draft.ts";
import { Draft } from "./draft.ts";
import { fieldsOf } from "./format.ts";

/** What composing asks of a connection or cursor. */
export interface ComposeContext {
  /** What turns objects into values. */
  readonly adapters: AdaptersMap;
}

/** A piece of SQL. */
export abstract class Composable {
  /** Writes the piece. @internal */
  abstract writeTo(draft: Draft): void;

  /**
   * The piece as text; values are shown as `$1`, `$2`, ...
   *
   * @param context a connection or a cursor, whose adapters are used for literals; the global ones without it.
   * @throws ProgrammingError for pieces that can't be told from what is around them.
   */
  asString(context?: ComposeContext): string {
    const draft = new Draft({
      adapters: context?.adapters ?? globalAdapters,
      standardStrings: true,
    });
    this.writeTo(draft);
    draft.finish();
    return draft.text;
  }

  /** Refuses to be a value: `JSON.stringify` would send something that nobody meant. */
  toJSON(): never {
    throw new ProgrammingError(
      `${this.constructor.name} is a piece of SQL and no value; put it into a sql template`,
    );
  }

  /** Shows the kind of the piece, and no value. */
  toString(): string {
    return `<${this.constructor.name}>`;
  }
}

// As for connections: the symbol is no part of the API.
Object.defineProperty(Composable.prototype, Symbol.for("nodejs.util.inspect.custom"), {
  value(this: Composable): string {
    return this.toString();
  },
});

/** A piece of text that is SQL as it is. Never make one of text that somebody else wrote. */
export class SQL extends Composable {
  readonly #text: string;

  /** Takes the text. */
  constructor(text: string) {
    super();
    if (typeof text !== "string") {
      throw new ProgrammingError(`SQL is made of a string, not ${typeof text}`);
    }
    this.#text = text;
  }

  /** See {@link Composable.writeTo}. @internal */
  override writeTo(draft: Draft): void {
    draft.sql(this.#text);
  }

  /**
   * Puts pieces in the places of `{}`, `{0}` or `{name}`; what is no piece becomes a literal. `{{` and `}}` are
   * braces.
   *
   * @param given the pieces in order; for names, one object.
   * @throws ProgrammingError for places without a piece, pieces without a place, and `{}` beside `{0}`.
   */
  format(...given: unknown[]): Composed {
    const pieces = fieldsOf(this.#text, given).map(({ text, field }) =>
      text === undefined ? field : new SQL(text),
    );
    return new Composed(pieces);
  }

  /** Puts this between the pieces of a list; what is no piece becomes a literal. */
  join(pieces: Iterable<unknown>): Composed {
    return new Composed(interspersed([...pieces], this));
  }
}

/** A name: of a table, a column, a role, with as many parts as it has. */
export class Identifier extends Composable {
  /** The parts, a schema and a table for example. */
  readonly parts: readonly string[];

  /**
   * Takes the parts.
   *
   * @throws ProgrammingError for no parts, empty ones, and such as PostgreSQL would cut.
   */
  constructor(...parts: readonly string[]) {
    super();
    if (parts.length === 0) throw new ProgrammingError("a name needs at least one part");
    this.parts = Object.freeze([...parts]);
    // What is no name is refused where it is made.
    new Draft(NO_CONTEXT).name(this.parts);
  }

  /** See {@link Composable.writeTo}. @internal */
  override writeTo(draft: Draft): void {
    draft.name(this.parts);
  }
}

/** A value that becomes part of the text, for statements that take no parameters. */
export class Literal extends Composable {
  readonly #value: unknown;

  /** Takes the value. */
  constructor(value: unknown) {
    super();
    this.#value = checkValue(value);
  }

  /** See {@link Composable.writeTo}. @internal */
  override writeTo(draft: Draft): void {
    draft.literal(this.#value);
  }
}

/** A placeholder whose value is given when the statement is executed. */
export class Placeholder extends Composable {
  /** The name of its value; null for the next number. */
  readonly name: string | null;

  /**
   * Takes a name, for parameters by name.
   *
   * @throws ProgrammingError for what is no name of a placeholder: letters, digits and `_`.
   */
  constructor(name?: string) {
    super();
    if (name !== undefined && !PLACEHOLDER_NAME.test(name)) {
      throw new ProgrammingError(
        `${JSON.stringify(name) ?? typeof name} can't be the name of a placeholder: letters, digits and _ can`,
      );
    }
    this.name = name ?? null;
  }

  /** See {@link Composable.writeTo}. @internal */
  override writeTo(draft: Draft): void {
    draft.placeholder(this.name);
  }
}

/** A value that is sent as a parameter. */
class Bound extends Composable {
  readonly #value: unknown;

  constructor(value: unknown) {
    super();
    this.#value = value;
  }

  override writeTo(draft: Draft): void {
    draft.value(this.#value);
  }
}

/** Several pieces, one after the other. */
export class Composed extends Composable {
  readonly #pieces: readonly Composable[];

  /** Takes the pieces; what is none becomes a literal. */
  constructor(pieces: Iterable<unknown>) {
    super();
    this.#pieces = Array.from(pieces, (piece) =>
      piece instanceof Composable ? piece : new Literal(piece),
    );
  }

  /** See {@link Composable.writeTo}. @internal */
  override writeTo(draft: Draft): void {
    for (const piece of this.#pieces) piece.writeTo(draft);
  }

  /** Puts a separator between the pieces. */
  join(separator: string | Composable): Composed {
    return new Composed(interspersed(this.#pieces, separatorOf(separator)));
  }

  /** Goes through the pieces. */
  [Symbol.iterator](): IterableIterator<Composable> {
    return this.#pieces[Symbol.iterator]();
  }
}

const PLACEHOLDER_NAME = /^[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*$/;
const NO_CONTEXT: DraftContext = { adapters: globalAdapters, standardStrings: true };

/** A piece, or a value that is to be a parameter. */
export function pieceOf(value: unknown): Composable {
  return value instanceof Composable ? value : new Bound(checkValue(value));
}

/** What separates: text of the program's own, or a piece without values. */
export function separatorOf(separator: string | Composable): Composable {
  const piece = typeof separator === "string" ? new SQL(separator) : separator;
  if (!(piece instanceof Composable)) {
    throw new ProgrammingError("a separator is a string or a piece of SQL");
  }
  const draft = new Draft(NO_CONTEXT);
  piece.writeTo(draft);
  if (draft.values.length > 0) {
    throw new ProgrammingError(
      "a separator can't have values: they would be sent again and again",
      {
        code: "ERR_MAHOUT_SQL_VALUES",
      },
    );
  }
  return piece;
}

/** The pieces with a separator between any two. */
export function interspersed(pieces: readonly unknown[], separator: Composable): unknown[] {
  return pieces.flatMap((piece, index) => (index === 0 ? [piece] : [separator, piece]));
}

/**
 * Refuses what can't be meant as a value.
 *
 * @throws ProgrammingError for functions, symbols, promises, `undefined` and lists of pieces.
 */
function checkValue(value: unknown): unknown {
  const refuse = (message: string): never => {
    throw new ProgrammingError(message, { code: "ERR_MAHOUT_SQL_VALUES" });
  };
  if (typeof value === "function") refuse("a function can't be a value in SQL; call it");
  if (typeof value === "symbol") refuse("a symbol can't be a value in SQL");
  if (value === undefined) refuse("undefined can't be a value in SQL; pass null for SQL's NULL");
  if (isPromise(value)) refuse("a promise can't be a value in SQL; await it");
  if (Array.isArray(value) && value.some((element) => element instanceof Composable)) {
    refuse("a list of pieces of SQL is no value; put them together with sql.join()");
  }
  return value;
}
