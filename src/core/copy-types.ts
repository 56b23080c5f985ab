/**
 * The types of a COPY's columns: as the program names them, or as the server does when it is asked.
 *
 * The server says how many columns a COPY has and never of which types, but in binary nothing is converted,
 * and in text a value should be written as its type wants it. So the question goes along with the COPY, in
 * the same packet: for a table to the catalog, which can't fail and so can't end a transaction; for a query
 * its description, which fails only when the COPY would.
 */
import { AdaptersMap } from "../adapt/registry.ts";
import { oidOfType } from "../adapt/type-names.ts";
import { ProgrammingError } from "../errors.ts";
import { writeDescribeStatement, writeParse, writeQuery, writeSync } from "../protocol/encode.ts";
import { ExtendedReply } from "../protocol/extended-reply.ts";
import type { Reply } from "../protocol/replies.ts";
import { QueryReply } from "../protocol/replies.ts";
import type { Session } from "../protocol/session.ts";
import { tupleRow } from "../rows.ts";
import { quoteLiteral } from "../sql/literal.ts";
import type { CopyStatement } from "./copy-statement.ts";
import { Description } from "./description.ts";
import { RowWalk } from "./row-walk.ts";

/** A column's type: its oid, or its name as SQL writes it. */
export type CopyType = string | number;

/**
 * The oids of the types that the program named.
 *
 * @throws ProgrammingError for what is no type that is known here.
 */
export function typeOids(types: readonly CopyType[], adapters: AdaptersMap): number[] {
  if (!Array.isArray(types))
    throw new ProgrammingError("types must be an array of names or oids, one for each column");
  return types.map((type) => {
    if (typeof type === "number") {
      if (Number.isInteger(type) && type > 0 && type <= 0xffffffff) return type;
    } else if (typeof type === "string") {
      const oid = oidOfType(type, adapters);
      if (oid !== 0) return oid;
    }
    throw new ProgrammingError(
      `${JSON.stringify(type) ?? typeof type} is not the name of a type that is known here; give its oid instead`,
    );
  });
}

/** All columns of a table that COPY takes, with domains as the types below them. */
const COLUMNS = `select a.attname, (
    with recursive base as (
      select t.oid, t.typtype, t.typbasetype from pg_catalog.pg_type t where t.oid = a.atttypid
      union all
      select t.oid, t.typtype, t.typbasetype from base b
        join pg_catalog.pg_type t on b.typtype = 'd' and t.oid = b.typbasetype
    ) select oid from base where typtype <> 'd'
  ), a.attgenerated = ''
  from pg_catalog.pg_attribute a
  where a.attrelid = pg_catalog.to_regclass(TABLE) and a.attnum > 0 and not a.attisdropped
  order by a.attnum`;

/** A question for the types, under way. */
export class TypesQuestion {
  /** The server's answer. */
  readonly reply: Reply;
  readonly #statement: CopyStatement;

  /** Asks; what is written goes out with the COPY. */
  constructor(session: Session, statement: CopyStatement) {
    this.#statement = statement;
    if (statement.query !== null) {
      writeParse(session.outbox, "", statement.query, []);
      writeDescribeStatement(session.outbox, "");
      writeSync(session.outbox);
      this.reply = session.owe(new ExtendedReply("1tz"));
    } else {
      const text = COLUMNS.replace("TABLE", () => quoteLiteral(statement.table as string));
      writeQuery(session.outbox, text);
      this.reply = session.owe(new QueryReply());
    }
  }

  /** The types of `count` columns; null when the answer doesn't say them. */
  types(count: number): readonly number[] | null {
    const { reply } = this;
    if (reply.error) return null;
    if (reply instanceof ExtendedReply) {
      const { columns } = reply;
      return columns?.length === count ? columns.map(({ typeOid }) => typeOid) : null;
    }
    const [result] = (reply as QueryReply).results;
    if (!result?.columns) return null;
    // What is text by itself stays text, whatever the program has registered.
    const plan = new Description(result.columns).plan(new AdaptersMap(), tupleRow);
    const rows = new RowWalk(result).take(Infinity, plan.reader(result.rowCount));
    const { columns } = this.#statement;
    const types = columns
      ? columns.map((name) => Number(rows.find(([other]) => other === name)?.[1] ?? 0))
      : rows.filter(([, , isCopied]) => isCopied === "t").map(([, oid]) => Number(oid));
    return types.length === count && !types.includes(0) ? types : null;
  }
}
