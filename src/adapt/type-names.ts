/**
 * Types by the names that SQL has for them: aliases, modifiers and arrays understood.
 *
 * Knows what is built in and what is registered; asks no server.
 */
import { BUILTIN_TYPES } from "./oids.ts";
import type { AdaptersMap } from "./registry.ts";

/** Names that SQL has besides those in pg_type. */
const ALIASES: Readonly<Record<string, string>> = {
  bigint: "int8",
  bit: "bit",
  "bit varying": "varbit",
  boolean: "bool",
  character: "bpchar",
  "character varying": "varchar",
  decimal: "numeric",
  "double precision": "float8",
  int: "int4",
  integer: "int4",
  real: "float4",
  smallint: "int2",
  "time with time zone": "timetz",
  "time without time zone": "time",
  "timestamp with time zone": "timestamptz",
  "timestamp without time zone": "timestamp",
};

/** The oid of a type by its name as SQL writes it; 0 when it isn't known here. */
export function oidOfType(type: string, adapters: AdaptersMap): number {
  const isArray = type.endsWith("[]");
  const bare = (isArray ? type.slice(0, -2) : type)
    .replace(/\(\s*\d+\s*(?:,\s*-?\d+\s*)?\)/, "")
    .trim()
    .replaceAll(/\s+/g, " ");
  const name = Object.hasOwn(ALIASES, bare.toLowerCase()) ? ALIASES[bare.toLowerCase()] : bare;
  const oids = BUILTIN_TYPES.get(name as string) ?? BUILTIN_TYPES.get(bare.toLowerCase());
  if (oids) return isArray ? oids[1] : oids[0];
  return adapters.oidOf(type);
}
