/**
 * Parameters: the values of one execution, written as the server described them.
 *
 * The server's description decides what a value becomes, not the value's looks: a JavaScript array is JSON
 * for a jsonb parameter and an array for an int4[] one. Everything that cannot be sent is refused here,
 * naming the parameter, before a byte has left.
 */
import { DataError, ProgrammingError } from "../errors.ts";
import type { ParameterWriter } from "../protocol/encode.ts";
import { MOST_PARAMETERS } from "../protocol/writer.ts";
import type { Writer } from "../protocol/writer.ts";
import { keepShape, nobody } from "../shapes.ts";
import type { AdaptersMap } from "./registry.ts";
import { placed } from "./types/placed.ts";
import { unknownCodec } from "./types/unknown.ts";

/** From here on oids belong to one database; those below are the same in all. */
const FIRST_NORMAL_OID = 16384;

/** Values that can be bound; `undefined` cannot, null is SQL's NULL. */
export type Parameters = readonly unknown[];

/** Writes the parameters of one execution. */
export class BoundParameters implements ParameterWriter {
  readonly count: number;
  readonly #values: Parameters;
  readonly #oids: readonly number[];
  readonly #adapters: AdaptersMap;

  /** Binds `values` to parameters of the types `oids`, which the server described. */
  constructor(values: Parameters, oids: readonly number[], adapters: AdaptersMap) {
    checkCount(values, oids.length);
    this.count = values.length;
    this.#values = values;
    this.#oids = oids;
    this.#adapters = adapters;
  }

  /** See {@link ParameterWriter.write}. */
  write(index: number, out: Writer): 0 | 1 {
    const given = this.#values[index];
    if (given === null) {
      out.int32(-1);
      return 0;
    }
    const codec = this.#adapters.codec(this.#oids[index] as number);
    const value = this.#adapters.convert(given, codec);
    if (value === null) {
      out.int32(-1);
      return 0;
    }
    try {
      if (value === undefined) {
        throw new ProgrammingError("undefined cannot be sent; pass null for SQL's NULL");
      }
      const mark = out.length;
      out.int32(0);
      const binary = codec.dumpBinary(value, out);
      if (!binary) out.utf8(codec.dumpText(value));
      out.setInt32(mark, out.length - mark - 4);
      return binary ? 1 : 0;
    } catch (error) {
      const type = shownType(codec.name, this.#oids[index] as number);
      throw placed(error, `parameter $${index + 1} (${type})`);
    }
  }
}

/** Whether {@link checkParameters} has nothing to say against these values. */
export function areSendable(values: Parameters): boolean {
  return values.length <= MOST_PARAMETERS && !values.includes(undefined);
}

/** Refuses what no statement can take, before anything is asked of the server. */
export function checkParameters(values: Parameters): void {
  if (values.length > MOST_PARAMETERS) {
    throw new DataError(
      `a statement takes at most ${MOST_PARAMETERS} parameters, ${values.length} were given; pass an array and use any($1) or unnest($1)`,
    );
  }
  for (let index = 0; index < values.length; index++) {
    if (values[index] === undefined) {
      throw new ProgrammingError(`parameter $${index + 1} is undefined; pass null for SQL's NULL`);
    }
  }
}

function checkCount(values: Parameters, expected: number): void {
  if (values.length !== expected) {
    throw new ProgrammingError(
      `the statement has ${expected} parameter${expected === 1 ? "" : "s"}, but ${values.length} value${values.length === 1 ? " was" : "s were"} given`,
    );
  }
}

/** A type as errors name it. */
function shownType(name: string, oid: number): string {
  return name === unknownCodec.name && oid >= FIRST_NORMAL_OID
    ? `the unregistered type ${oid}`
    : name;
}

keepShape(new BoundParameters([], [], nobody));
