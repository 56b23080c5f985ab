/**
 * SQL as it is written here, and as a server takes it: with the schema's name in it.
 *
 * Templates name the schema as `{schema}`, what notifications go through as `{channel}`, and quote the bodies of functions with `$body$`.
 * Any name will do for a schema, so the quotes are chosen after it.
 */
import { quoteIdentifier } from "../../sql/identifier.ts";
import { quoteLiteral } from "../../sql/literal.ts";

/**
 * Settings of the functions that must be as fast on any day as on the first. Their plans are made once in a session, maybe while the tables are
 * empty, and kept when there are millions of rows. So each statement is written to have one sensible plan, and these settings rule out the others. In
 * such statements rows are found by `id = ANY (...)`, or in a LATERAL subquery with LIMIT or OFFSET, and never by a join, whose order would be the planner's to
 * choose; and `state::text` keeps it from walking one of the partial indexes instead.
 */
export const STEADY: string = `
  SET search_path = pg_catalog, pg_temp
  SET plan_cache_mode = force_generic_plan
  SET enable_seqscan = off
  SET enable_bitmapscan = off
  SET enable_hashjoin = off
  SET enable_mergejoin = off
  SET enable_sort = off
  SET jit = off`;

/** Puts the name of a schema into a template. */
export function rendered(template: string, schema: string): string {
  let tag = "body";
  while (schema.includes(`$${tag}$`)) tag += "_";
  const name = quoteIdentifier(schema);
  const values: Readonly<Record<string, string>> = {
    "{schema}": name,
    "{channel}": quoteLiteral(schema),
    "{turns}": quoteLiteral(`${name}.turns`),
    "{version}": quoteLiteral(`${name}.version`),
    "{ids}": quoteLiteral(`${name}.jobs_id_seq`),
    $body$: `$${tag}$`,
  };
  return template.replaceAll(
    /\{(?:schema|channel|turns|version|ids)\}|\$body\$/g,
    (found) => values[found] ?? found,
  );
}
