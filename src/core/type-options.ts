/**
 * Options for what types are read as, for those where more than one choice is sensible.
 *
 * They are codecs that are registered with the connection's adapters when it is made. What else can be registered
 * is not an option: see `adapters`.
 */
import { asOwn } from "../adapt/own-loads.ts";
import type { AdaptersMap, Codec } from "../adapt/registry.ts";
import { int8, int8AsNumber, int8AsString } from "../adapt/types/integer.ts";
import type { JsonFunctions } from "../adapt/types/json.ts";
import { jsonCodec } from "../adapt/types/json.ts";
import type { TemporalNamespace } from "../adapt/types/temporal.ts";
import { timestamptzAsTemporal } from "../adapt/types/temporal-instant.ts";
import { timestamptz, timestamptzAsString } from "../adapt/types/timestamptz.ts";
import { ProgrammingError } from "../errors.ts";

/** What some types are read as. */
export interface TypeOptions {
  /** What int8 is read as: `bigint` by default; `number` raises on values that a number can't hold. */
  readonly int8?: "bigint" | "number" | "string";
  /**
   * What timestamptz is read as: `date` by default, with milliseconds; `string` in UTC and `temporal`, a
   * Temporal.Instant, with microseconds.
   */
  readonly timestamptz?: "date" | "string" | "temporal";
  /** The Temporal for `timestamptz: "temporal"`; the runtime's by default. */
  readonly temporal?: TemporalNamespace;
  /** How json and jsonb are read and written: `JSON.parse` and `JSON.stringify` by default. */
  readonly json?: JsonFunctions;
  /**
   * Whether connecting asks for the types of the database that aren't built in, and makes them known: false by
   * default. What was registered counts instead. See {@link registerTypes} for types that are created later.
   */
  readonly fetchTypes?: boolean;
}

const INT8: Readonly<Record<string, Codec>> = {
  bigint: int8,
  number: int8AsNumber,
  string: int8AsString,
};

/**
 * Registers what the options choose.
 *
 * @throws ProgrammingError for a choice that there isn't.
 */
export function registerChoices(adapters: AdaptersMap, options: TypeOptions): void {
  const { int8: integers, timestamptz: instants, temporal, json } = options;
  if (integers !== undefined) adapters.register(choice("int8", integers, INT8));
  if (instants === "temporal") adapters.register(timestamptzAsTemporal(temporal));
  else if (instants !== undefined) adapters.register(choice("timestamptz", instants, INSTANTS));
  if (json === undefined) return;
  checkJson(json);
  adapters.register(jsonCodec("json", json));
  adapters.register(jsonCodec("jsonb", json));
}

const INSTANTS: Readonly<Record<string, Codec | null>> = {
  date: timestamptz,
  string: timestamptzAsString,
  // Made when it is asked for, as it needs a Temporal.
  temporal: null,
};

function choice(
  name: string,
  chosen: unknown,
  among: Readonly<Record<string, Codec | null>>,
): Codec {
  const codec = typeof chosen === "string" && Object.hasOwn(among, chosen) ? among[chosen] : null;
  if (codec) return asOwn(codec);
  const choices = Object.keys(among).map((key) => JSON.stringify(key));
  throw new ProgrammingError(
    `${name} can be read as ${choices.slice(0, -1).join(", ")} or ${choices.at(-1)}, not as ${JSON.stringify(chosen) ?? typeof chosen}`,
  );
}

function checkJson(json: unknown): void {
  const functions: readonly unknown[] =
    typeof json === "object" && json !== null
      ? [(json as JsonFunctions).parse, (json as JsonFunctions).stringify]
      : [0];
  if (functions.every((given) => given === undefined || typeof given === "function")) return;
  throw new ProgrammingError("json takes { parse, stringify }, functions as those of JSON are");
}
