/**
 * The process-wide registry, with the codecs of all built-in types that have one.
 *
 * Connections inherit it when they connect. To change a type for the whole program, register another codec
 * here before connecting; for one connection or cursor, on its own `adapters`.
 */
import { asOwn } from "./own-loads.ts";
import { AdaptersMap, type Codec } from "./registry.ts";
import { bool } from "./types/bool.ts";
import { bit, varbit } from "./types/bits.ts";
import { ranges } from "./types/builtin-ranges.ts";
import { bytea } from "./types/bytea.ts";
import { date } from "./types/date.ts";
import { float4, float8 } from "./types/float.ts";
import { box, circle, line, lseg, path, pointCodec, polygon } from "./types/geometric.ts";
import { int2, int4, int8, oid } from "./types/integer.ts";
import { interval } from "./types/interval.ts";
import { json, jsonb } from "./types/json.ts";
import { money } from "./types/money.ts";
import { cidr, inet, macaddr, macaddr8 } from "./types/network.ts";
import { numeric } from "./types/numeric.ts";
import { objectNames } from "./types/object-names.ts";
import { cid, pgLsn, pgSnapshot, tid, txidSnapshot, xid, xid8 } from "./types/system.ts";
import { bpchar, char, cstring, jsonpath, name, refcursor } from "./types/text.ts";
import { serverTexts, text, unknownLiteral, varchar, xml } from "./types/text.ts";
import { record } from "./types/record.ts";
import { time, timetz } from "./types/time.ts";
import { timestamp } from "./types/timestamp.ts";
import { timestamptz } from "./types/timestamptz.ts";
import { tsquery } from "./types/tsquery.ts";
import { tsvector } from "./types/tsvector.ts";
import { unknownCodec } from "./types/unknown.ts";
import { uuid } from "./types/uuid.ts";
import { int2vector, oidvector } from "./types/vectors.ts";

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
  interval,
  money,
  bit,
  varbit,
  inet,
  cidr,
  macaddr,
  macaddr8,
  pointCodec,
  line,
  lseg,
  box,
  path,
  polygon,
  circle,
  tsvector,
  tsquery,
  jsonpath,
  pgLsn,
  tid,
  xid,
  cid,
  xid8,
  pgSnapshot,
  txidSnapshot,
  int2vector,
  oidvector,
  refcursor,
  cstring,
  ...objectNames,
  ...serverTexts,
];

function withBuiltins(): AdaptersMap {
  const adapters = new AdaptersMap();
  for (const codec of builtins) adapters.register(asOwn(codec));
  asOwn(unknownCodec);
  for (const recipe of [...ranges, record]) adapters.registerRecipe(recipe);
  return adapters;
}

/** The registry that every connection inherits. */
export const globalAdapters: AdaptersMap = withBuiltins();
