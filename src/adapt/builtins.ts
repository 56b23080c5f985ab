/**
 * The process-wide registry, with the codecs of all built-in types that have one.
 *
 * Connections inherit it when they connect. To change a type for the whole program, register another codec
 * here before connecting; for one connection or cursor, on its own `adapters`.
 */
import { AdaptersMap, type Codec } from "./registry.ts";
import { bool } from "./types/bool.ts";
import { bytea } from "./types/bytea.ts";
import { date } from "./types/date.ts";
import { float4, float8 } from "./types/float.ts";
import { int2, int4, int8, oid } from "./types/integer.ts";
import { json, jsonb } from "./types/json.ts";
import { numeric } from "./types/numeric.ts";
import { bpchar, char, name, text, unknownLiteral, varchar, xml } from "./types/text.ts";
import { time, timetz } from "./types/time.ts";
import { timestamp } from "./types/timestamp.ts";
import { timestamptz } from "./types/timestamptz.ts";
import { uuid } from "./types/uuid.ts";

const builtins: readonly Codec[] = [
  bool,
  int2,
  int4,
  int8,
  oid,
  float4,
  float8,
  numeric,
  text,
  varchar,
  bpchar,
  name,
  char,
  xml,
  unknownLiteral,
  bytea,
  json,
  jsonb,
  uuid,
  date,
  time,
  timetz,
  timestamp,
  timestamptz,
];

function withBuiltins(): AdaptersMap {
  const adapters = new AdaptersMap();
  for (const codec of builtins) adapters.register(codec);
  return adapters;
}

/** The registry that every connection inherits. */
export const globalAdapters: AdaptersMap = withBuiltins();
