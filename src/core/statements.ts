/**
 * What a connection remembers of the statements it ran: descriptions, and names of prepared ones.
 *
 * A statement with parameters is described by the server once, so that its values are written as the types
 * that it expects; after `prepareThreshold` executions it is prepared under a name and only bound from then
 * on. Both memories are one list, least recently used first, and what falls out is closed on the server
 * too. A rollback forgets nothing, because the server doesn't; DISCARD and DEALLOCATE do.
 */
import { randomBytes } from "node:crypto";
import type { Format } from "../adapt/format.ts";
import { isOwnLoad } from "../adapt/own-loads.ts";
import type { Parameters } from "../adapt/parameters.ts";
import type { AdaptersMap } from "../adapt/registry.ts";
import { typesSaid } from "../adapt/types/typed-values.ts";
import { BindFrame } from "../protocol/encode.ts";
import type { ColumnDescription } from "../protocol/messages.ts";
import type { ExtendedReply } from "../protocol/extended-reply.ts";
import { keepShape } from "../shapes.ts";
import { Description } from "./description.ts";
import { Recency } from "./recency.ts";
import type { Remembered } from "./recency.ts";

/** A text longer than this is neither remembered nor prepared: it is unlikely to come again. */
const LONGEST_TEXT = 64 * 1024;
/** A COPY takes what follows it for data, the others make what follows them unprepared. */
const EXCLUSIVE_ANYWHERE = /\b(?:copy|discard|deallocate)\b/i;
/** These can change what the descriptions of others say; whoever comes next should know. */
const EXCLUSIVE_AT_START = /^(?:alter|drop|create|set|reset)\b/i;
/** These begin and end transactions, at the start of a text or of a statement in it. */
const CONTROLLING = /(?:^|;\s*)(?:begin|start|commit|end|rollback|abort|prepare\s+transaction)\b/i;
/** What may precede the first word. */
const BLANK = /^(?:\s|--[^\n]*(?:\n|$)|\/\*[^]*?\*\/)+/;
/** Tags of commands after which the server knows no prepared statement any more. */
const FORGOTTEN = /^(?:DISCARD|DEALLOCATE) ALL$/;
/** Tags of commands that can change what statements return. */
const CHANGING = /^(?:ALTER|DROP)\b/;
/** Tags of statements that are worth describing and preparing. */
const PREPARABLE = /^(?:SELECT|INSERT|UPDATE|DELETE|MERGE|VALUES)\b/;

/** How one execution's results are asked for. */
export interface ResultShape {
  /** A format for each column; null when all are text. */
  readonly formats: readonly Format[] | null;
  /** The columns in these formats; null when the statement gives no rows. */
  readonly columns: readonly ColumnDescription[] | null;
  /** The same with what reads them. */
  readonly description: Description | null;
  /** Whether reading its rows runs no code of the program's, but for what the row factory runs. */
  readonly isOwn: boolean;
}

/** What is known of one statement. */
export class Statement implements Remembered {
  /** Its text. */
  readonly text: string;
  /** What errors show of it: the text, but for values that were put into it. */
  readonly shown: string;
  /** The types of parameters that the program said, 0 for others; mostly empty. */
  readonly typesSaid: readonly number[];
  /** What it is remembered under: the same text with other types is another statement. */
  readonly key: string;
  /** Whether nothing may follow it on the wire before it has ended. */
  readonly exclusive: boolean;
  /** Whether it may begin or end a transaction. */
  readonly controls: boolean;
  /** How often it was executed, an execution under way included. */
  uses = 0;
  /** The name it is prepared under; null while it isn't. */
  name: string | null = null;
  /** Its parameters' types; null until it was described. */
  parameterOids: readonly number[] | null = null;
  /** Its columns, null when it gives no rows; meaningless until it was described. */
  columns: readonly ColumnDescription[] | null = null;
  /** Whether it proved to be no statement that can be prepared. */
  unpreparable = false;
  /** See {@link Remembered}. */
  newer: Remembered | null = null;
  /** See {@link Remembered}. */
  older: Remembered | null = null;

  #shape: ResultShape | null = null;
  #adapters: AdaptersMap | null = null;
  #version = -1;
  #binary: boolean | undefined;
  #frame: BindFrame | null = null;

  /** Remembers nothing yet of `text`. */
  constructor(text: string, shown: string = text, types: readonly number[] = NO_TYPES) {
    this.text = text;
    this.shown = shown;
    this.typesSaid = types;
    this.key = keyOf(text, types);
    const words = text.replace(BLANK, "");
    this.controls = CONTROLLING.test(words);
    this.exclusive =
      this.controls || EXCLUSIVE_ANYWHERE.test(text) || EXCLUSIVE_AT_START.test(words);
  }

  /** Takes the server's description. */
  describe(parameterOids: readonly number[], columns: readonly ColumnDescription[] | null): void {
    this.parameterOids = parameterOids;
    this.columns = columns;
    this.#shape = null;
  }

  /** The description that goes with columns: the shared one when they are its own. */
  descriptionOf(columns: readonly ColumnDescription[]): Description {
    const shared = this.#shape?.description;
    return shared?.columns === columns ? shared : new Description(columns);
  }

  /** Takes the description that came with an execution. One that says what was known changes nothing. */
  confirm(shape: ResultShape, reply: ExtendedReply): void {
    const { columns } = reply;
    if (columns && shape.description?.equals(columns)) {
      for (const result of reply.results) result.columns = shape.columns;
    } else if (columns || shape.columns) {
      this.describe(this.parameterOids as readonly number[], columns);
    }
  }

  /** Forgets description and name. */
  forget(): void {
    this.name = null;
    this.parameterOids = null;
    this.columns = null;
    this.#shape = null;
  }

  /** What its Binds have in common; it is prepared, and asked for in these formats. */
  frame({ formats }: ResultShape): BindFrame {
    const { length } = this.parameterOids as readonly number[];
    const kept = this.#frame;
    if (kept?.name === this.name && kept?.resultFormats === formats && kept?.count === length)
      return kept;
    return (this.#frame = new BindFrame(this.name as string, length, formats));
  }

  /** The formats to ask for: the types' own choice, or all text or binary when `binary` says so. */
  shape(adapters: AdaptersMap, binary: boolean | undefined): ResultShape {
    const kept = this.#shape;
    if (
      kept &&
      this.#adapters === adapters &&
      this.#version === adapters.version &&
      this.#binary === binary
    )
      return kept;
    const { columns } = this;
    const formats = columns?.map(({ typeOid }) => formatOf(typeOid, adapters, binary)) ?? [];
    const shaped =
      columns?.map((column, index) => ({ ...column, format: formats[index] as Format })) ?? null;
    const shape: ResultShape = {
      formats: formats.includes(1) ? formats : null,
      columns: shaped,
      description: shaped && new Description(shaped),
      isOwn:
        shaped?.every(({ typeOid, format }) => isOwnLoad(adapters.codec(typeOid), format)) ?? true,
    };
    this.#shape = shape;
    this.#adapters = adapters;
    this.#version = adapters.version;
    this.#binary = binary;
    return shape;
  }
}

function formatOf(oid: number, adapters: AdaptersMap, binary: boolean | undefined): Format {
  const codec = adapters.codec(oid);
  if (binary === undefined) return codec.results;
  // Who only registered how the text is read gets text, as for a type that nobody registered.
  return binary && codec.isTextOnly !== true ? 1 : 0;
}

/** What a statement is looked up by. */
interface StatementRequest {
  readonly text: string;
  readonly shown: string | null;
  readonly parameters: Parameters;
}

/** The statements of one connection. */
export class StatementCache {
  /** Executions before a statement is prepared; 0 prepares at once, null never. */
  threshold: number | null;
  /** How many statements are remembered. */
  max: number;
  readonly #statements = new Recency<Statement>();
  /** Chosen when the first name is: many connections need none. */
  #prefix = "";
  #serial = 0;
  #toClose: string[] = [];

  /** An empty memory with the given policy. */
  constructor(threshold: number | null, max: number) {
    this.threshold = threshold;
    this.max = max;
  }

  /** What is known of the statement of a request; one with values in its text is not remembered. */
  of({ text, shown, parameters }: StatementRequest): Statement {
    return shown === null ? this.get(text, typesSaid(parameters)) : new Statement(text, shown);
  }

  /** What is known of a text, with the types said for it; something new and empty when that is nothing. */
  get(text: string, types: readonly number[] = NO_TYPES): Statement {
    const known = this.#statements.use(keyOf(text, types));
    if (known !== undefined) return known;
    const statement = new Statement(text, text, types);
    if (text.length > LONGEST_TEXT || this.max < 1) return statement;
    this.#statements.add(statement);
    this.resize(this.max);
    return statement;
  }

  /** Makes the memory smaller, or allows it to grow. */
  resize(max: number): void {
    this.max = max;
    while (this.#statements.size > max) this.drop(this.#statements.forgetOldest() as Statement);
  }

  /** Whether the statement is to be prepared under a name now. */
  wants(statement: Statement, prepare: boolean | undefined): boolean {
    if (prepare === false || !this.#statements.has(statement)) return false;
    return prepare === true || (this.threshold !== null && statement.uses > this.threshold);
  }

  /** A name that no other connection uses, also behind a pooler that mixes them. */
  newName(): string {
    this.#prefix ||= `_mahout_${randomBytes(4).toString("hex")}_`;
    return `${this.#prefix}${this.#serial++}`;
  }

  /** Names of statements that are to be closed on the server; they are given out once. */
  takeToClose(): readonly string[] {
    if (this.#toClose.length === 0) return NONE;
    const names = this.#toClose;
    this.#toClose = [];
    return names;
  }

  /** Takes back names that could not be closed. */
  closeLater(names: readonly string[]): void {
    this.#toClose.push(...names);
  }

  /** Forgets a name that is to be closed on the server. */
  drop(statement: Statement): void {
    if (statement.name !== null) this.#toClose.push(statement.name);
    statement.forget();
  }

  /** Follows what a completed command did to prepared statements. */
  completed(tag: string): void {
    const first = tag.charCodeAt(0);
    if (first !== 0x41 && first !== 0x44) return; // neither A nor D: by far the most
    if (FORGOTTEN.test(tag)) this.clear();
    else if (CHANGING.test(tag))
      for (const statement of this.#statements.values()) this.drop(statement);
  }

  /** Forgets everything, because the server has. */
  clear(): void {
    for (const statement of this.#statements.values()) statement.forget();
    this.#statements.clear();
    this.#toClose = [];
  }
}

const NONE: readonly string[] = Object.freeze([]);
const NO_TYPES: readonly number[] = Object.freeze([]);

function keyOf(text: string, types: readonly number[]): string {
  return types.length === 0 ? text : `${types.join()} ${text}`;
}

/** Whether a statement that ended with this tag is worth preparing. */
export function isPreparable(tag: string): boolean {
  return PREPARABLE.test(tag);
}

keepShape(new Statement(""));
