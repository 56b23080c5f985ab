/**
 * All types of a database: the question for those that aren't built in, and for what they consist of.
 *
 * There may be thousands, since each table, view and partition has a row type; so there is no recursion in it and
 * nothing that is asked for each type: the planner's estimate, which is what begins just-in-time compilation on
 * servers that have it, grows with their number only. What is built in is asked for as well, unless it is rare,
 * because it is less than what a search for the used ones takes. Types of other sessions' temporary tables are
 * nobody else's business. (Manual, 52.64 "pg_type", 52.7 "pg_attribute", 52.20 "pg_enum", 52.40 "pg_range".)
 */
import type { TypeKind } from "./type-catalog.ts";

/** The first oid that isn't given to what is built in. */
const FIRST_OWN = 16_384;

/** The question; its columns are those of a question for one type. */
export const ALL_FACTS: string = `with used(oid) as materialized (
  select a.atttypid from pg_catalog.pg_attribute a
  where a.attrelid >= ${FIRST_OWN} and a.attnum > 0 and not a.attisdropped
  union
  select d.typbasetype from pg_catalog.pg_type d where d.typtype = 'd'
), wanted as materialized (
  select t.oid, t.typname, t.typnamespace, t.typarray, t.typdelim, t.typtype, t.typrelid, t.typbasetype,
    e.oid as element
  from pg_catalog.pg_type t
  left join pg_catalog.pg_type e on e.typarray = t.oid
  where t.typtype in ('b', 'c', 'd', 'e', 'm', 'r') and t.typisdefined
    and not pg_catalog.pg_is_other_temp_schema(t.typnamespace)
    and case
      when t.oid >= ${FIRST_OWN} or t.typtype = 'd'
        then e.oid is null or t.oid in (select oid from used)
      else coalesce(e.typtype, t.typtype) in ('b', 'm', 'r')
        or t.oid in (select oid from used) or t.typarray in (select oid from used)
    end
)
select t.oid, t.typname, n.nspname, pg_catalog.format_type(t.oid, null), t.typarray, t.typdelim,
  case when t.element is null then t.typtype else 'a' end,
  coalesce(nullif(t.typbasetype, 0), t.element, r.rngsubtype, m.rngtypid, 0), l.labels, f.fields
from wanted t
join pg_catalog.pg_namespace n on n.oid = t.typnamespace
left join pg_catalog.pg_range r on r.rngtypid = t.oid
left join pg_catalog.pg_range m on m.rngmultitypid = t.oid
left join (
  select enumtypid, pg_catalog.json_agg(enumlabel order by enumsortorder)
  from pg_catalog.pg_enum group by enumtypid
) l(oid, labels) on l.oid = t.oid
left join (
  select c.oid,
    pg_catalog.json_agg(pg_catalog.json_build_array(a.attname, a.atttypid::int8) order by a.attnum)
  from wanted c
  join pg_catalog.pg_attribute a on a.attrelid = c.typrelid
  where c.typtype = 'c' and a.attnum > 0 and not a.attisdropped group by c.oid
) f(oid, fields) on f.oid = t.oid
order by t.oid`;

/** Whether a type is neither built in nor an array: rows of system catalogs and the standard's domains aren't. */
export function isOfDatabase({
  oid,
  kind,
}: {
  readonly oid: number;
  readonly kind: TypeKind;
}): boolean {
  if (kind === "a" || kind === "p") return false;
  return oid >= FIRST_OWN || kind === "c" || kind === "d";
}
