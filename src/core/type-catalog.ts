/**
 * What the server's catalog says of a type, and of all types that it consists of: one question.
 *
 * It is asked apart from whatever the connection is doing, as the driver's own business: it begins no
 * transaction where autocommit is off, and no adapter reads the answer. Within a transaction it sees what that
 * has created. (Manual, 52.64 "pg_type", 52.7 "pg_attribute", 52.20 "pg_enum", 52.40 "pg_range".)
 */
import { type MahoutError, ProgrammingError } from "../errors.ts";
import type { Conversation } from "../protocol/effects.ts";
import { writeQuery } from "../protocol/encode.ts";
import { QueryReply } from "../protocol/replies.ts";
import type { Session } from "../protocol/session.ts";
import { quoteLiteral } from "../sql/literal.ts";
import { errorFromDiagnostic } from "../sqlstate.ts";
import type { ConnectionCore } from "./connection.ts";
import { rowsOf } from "./text-rows.ts";

/** pg_type's letters for kinds of types, and `a` for arrays. */
export type TypeKind = "a" | "b" | "c" | "d" | "e" | "m" | "p" | "r";

/** What types are called in errors. */
export const KINDS: Readonly<Record<TypeKind, string>> = {
  a: "an array type",
  b: "a base type",
  c: "a composite type",
  d: "a domain",
  e: "an enum",
  m: "a multirange type",
  p: "a pseudo-type",
  r: "a range type",
};

/** What the catalog says of one type; oids are 0 where there is no such thing. */
export interface TypeFacts {
  readonly oid: number;
  readonly name: string;
  readonly schema: string;
  /** The name as SQL has to write it, with the schema where the search path doesn't lead to it. */
  readonly regtype: string;
  readonly arrayOid: number;
  readonly delimiter: string;
  readonly kind: TypeKind;
  /** Of a domain, what it is over; of an array, its elements; of a range, its subtype; of a multirange, its range. */
  readonly baseOid: number;
  /** Of an enum, in their order. */
  readonly labels: readonly string[];
  /** Of a composite, in their order, without dropped ones. */
  readonly fields: readonly { readonly name: string; readonly oid: number }[];
}

/** A type by its oid, or by its name as SQL writes it; or what makes such a name, an `Identifier` for example. */
export type TypeName = string | number | { asString(): string };

const UNKNOWN_TYPE = "ERR_MAHOUT_UNKNOWN_TYPE";

const FACTS = `with recursive needed(oid) as (
    select ROOT
  union
    select part.oid
    from needed
    join pg_catalog.pg_type t on t.oid = needed.oid
    cross join lateral (
      select t.typbasetype where t.typtype = 'd'
      union all
      select e.oid from pg_catalog.pg_type e where e.typarray = t.oid
      union all
      select a.atttypid from pg_catalog.pg_attribute a
      where t.typtype = 'c' and a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped
      union all
      select r.rngsubtype from pg_catalog.pg_range r where r.rngtypid = t.oid
      union all
      select r.rngtypid from pg_catalog.pg_range r where r.rngmultitypid = t.oid
    ) part(oid)
)
select t.oid, t.typname, n.nspname, pg_catalog.format_type(t.oid, null), t.typarray, t.typdelim,
  case when e.oid is null then t.typtype else 'a' end,
  coalesce(nullif(t.typbasetype, 0), e.oid, r.rngsubtype, m.rngtypid, 0),
  (select pg_catalog.json_agg(l.enumlabel order by l.enumsortorder)
   from pg_catalog.pg_enum l where l.enumtypid = t.oid),
  (select pg_catalog.json_agg(pg_catalog.json_build_array(a.attname, a.atttypid::int8) order by a.attnum)
   from pg_catalog.pg_attribute a
   where t.typtype = 'c' and a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped)
from needed
join pg_catalog.pg_type t on t.oid = needed.oid
join pg_catalog.pg_namespace n on n.oid = t.typnamespace
left join pg_catalog.pg_type e on e.typarray = t.oid
left join pg_catalog.pg_range r on r.rngtypid = t.oid
left join pg_catalog.pg_range m on m.rngmultitypid = t.oid
order by t.oid is distinct from ROOT`;

/**
 * Asks for a type and those that it consists of.
 *
 * @throws ProgrammingError when there is no such type, or none that the search path leads to.
 */
export function* fetchFacts<Row>(
  core: ConnectionCore<Row>,
  type: TypeName,
): Conversation<[TypeFacts, ...TypeFacts[]]> {
  const root = rootOf(type);
  const text = FACTS.replaceAll("ROOT", () => `${root}::pg_catalog.oid`);
  yield* core.pipeline.settle();
  const [first, ...others] = yield* askFacts(core.session, text);
  if (first === undefined) throw unknownType(type, core.info.dbname);
  return [first, ...others];
}

/** Asks a session for facts, in the order of FACTS' columns. */
export function* askFacts(session: Session, text: string): Conversation<TypeFacts[]> {
  const reply = new QueryReply();
  writeQuery(session.outbox, text);
  yield session.owe(reply);
  if (reply.error) throw errorFromDiagnostic(reply.error, { statement: text });
  return reply.results.flatMap(rowsOf).map(factsOf);
}

function rootOf(type: TypeName): string {
  if (typeof type === "number") {
    if (Number.isInteger(type) && type > 0 && type <= 0xffffffff) return String(type);
    throw new ProgrammingError(`${type} is not the oid of a type`);
  }
  return `pg_catalog.to_regtype(${quoteLiteral(nameOf(type))})`;
}

function nameOf(type: Exclude<TypeName, number>): string {
  const isMaker = typeof type === "object" && type !== null && typeof type.asString === "function";
  const name: unknown = isMaker ? type.asString() : type;
  if (typeof name === "string" && !name.includes("\0")) return name;
  throw new ProgrammingError(
    `a type is named by a string as SQL writes it, an Identifier or an oid, not by ${typeof name}`,
  );
}

function unknownType(type: TypeName, database: string): MahoutError {
  if (typeof type === "number")
    return new ProgrammingError(
      `the database ${JSON.stringify(database)} has no type with the oid ${type}`,
      {
        code: UNKNOWN_TYPE,
      },
    );
  return new ProgrammingError(
    `the database ${JSON.stringify(database)} has no type ${nameOf(type)} that the search_path leads to; name ` +
      `its schema, and quote what isn't in lower case, as SQL does`,
    { code: UNKNOWN_TYPE },
  );
}

function factsOf(row: readonly (string | null)[]): TypeFacts {
  const [oid, name, schema, regtype, arrayOid, delimiter, kind, baseOid, labels, fields] = row;
  const listed = JSON.parse(fields ?? "[]") as [string, number][];
  return {
    oid: Number(oid),
    name: name ?? "",
    schema: schema ?? "",
    regtype: regtype ?? "",
    arrayOid: Number(arrayOid),
    delimiter: delimiter ?? ",",
    kind: kind as TypeKind,
    baseOid: Number(baseOid),
    labels: JSON.parse(labels ?? "[]") as string[],
    fields: listed.map(([field, type]) => ({ name: field, oid: type })),
  };
}
