/**
 * How the rows of one COPY are written and read: by its format, its options and its columns' types.
 *
 * Types are the program's when it names them, else the server's, which is asked along with the statement;
 * without either, text is written by the values' looks and read as text.
 */
import { CopyBinaryReader, CopyBinaryWriter } from "../adapt/copy-binary.ts";
import type { CopyRowReader, CopyRowWriter } from "../adapt/copy-rows.ts";
import { CopyTextReader, CopyTextWriter } from "../adapt/copy-text.ts";
import { builtin } from "../adapt/oids.ts";
import type { AdaptersMap } from "../adapt/registry.ts";
import { ProgrammingError } from "../errors.ts";
import type { CopyReply } from "../protocol/copy-reply.ts";
import type { Session } from "../protocol/session.ts";
import type { CopyStatement } from "./copy-statement.ts";
import type { CopyType } from "./copy-types.ts";
import { TypesQuestion, typeOids } from "./copy-types.ts";

/** What a column is read as when nobody says of which type it is, by format. */
const UNTYPED = [builtin("text").oid, builtin("bytea").oid] as const;

/** The form of one COPY's rows. */
export class CopyFormat {
  readonly #adapters: AdaptersMap;
  readonly #statement: CopyStatement | null;
  #types: readonly number[] | null = null;

  /** Takes what the statement says; null when it isn't understood. */
  constructor(adapters: AdaptersMap, statement: CopyStatement | null) {
    this.#adapters = adapters;
    this.#statement = statement;
  }

  /** Takes the program's types; `count` is the number of columns once it is known. */
  setTypes(types: readonly CopyType[], count: number | null): void {
    const oids = typeOids(types, this.#adapters);
    if (count !== null) checkCount(oids, count);
    this.#types = oids;
  }

  /** Asks the server for the types, if that is of use. */
  ask(session: Session): TypesQuestion | null {
    const statement = this.#statement;
    if (statement === null || this.#types !== null) return null;
    if (statement.query === null && statement.table === null) return null;
    return new TypesQuestion(session, statement);
  }

  /** Takes the server's answer. */
  learn(question: TypesQuestion | null, count: number): void {
    this.#types ??= question?.types(count) ?? null;
  }

  /** Refuses rows in a form that isn't known. */
  #check({ format, columnCount }: CopyReply): void {
    const special = format === 0 ? (this.#statement?.special ?? null) : null;
    if (special !== null) {
      throw new ProgrammingError(
        `rows can only be copied in PostgreSQL's plain text format or in binary, and this statement says ${special}; ` +
          "copy raw data with read() and write(), or leave the option out",
      );
    }
    if (this.#types) checkCount(this.#types, columnCount);
  }

  /** What writes rows for the given answer of the server. */
  writer(reply: CopyReply): CopyRowWriter {
    this.#check(reply);
    if (reply.format === 0) {
      const types = this.#types ?? Array.from({ length: reply.columnCount }, () => 0);
      return new CopyTextWriter(types, this.#adapters);
    }
    if (this.#types === null) {
      throw new ProgrammingError(
        "the types of the columns aren't known, and nothing is converted in binary; name them with setTypes()",
      );
    }
    return new CopyBinaryWriter(this.#types, this.#adapters);
  }

  /** What reads rows for the given answer of the server. */
  reader(reply: CopyReply): CopyRowReader {
    this.#check(reply);
    const { format, columnCount } = reply;
    const types = this.#types ?? Array.from({ length: columnCount }, () => UNTYPED[format]);
    return format === 0
      ? new CopyTextReader(types, this.#adapters)
      : new CopyBinaryReader(types, this.#adapters);
  }
}

function checkCount(types: readonly number[], count: number): void {
  if (types.length !== count)
    throw new ProgrammingError(`${types.length} types were given for ${count} columns`);
}
