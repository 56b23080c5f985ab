/**
 * Enums: as their labels, or as values of the program that stand for them.
 *
 * A value that is no label is refused before anything is sent. A label that was added to the type since it was
 * fetched is read as it is, unless values stand for labels: nobody knows which stands for it. PostgreSQL manual,
 * 8.7; both forms are the label.
 */
import { DataError, ProgrammingError } from "../../errors.ts";
import type { Writer } from "../../protocol/writer.ts";
import { TEXT } from "../format.ts";
import type { TypeIdentity } from "../oids.ts";
import type { Codec, Load } from "../registry.ts";
import { shown, wrongKind } from "./refuse.ts";
import { readUtf8 } from "./utf8.ts";

/** Values and the labels that they stand for. */
export type EnumMapping = Iterable<readonly [value: unknown, label: string]>;

/** An object like an enum of TypeScript's: labels as its keys, or as its values. */
export type EnumObject = Readonly<Record<string, unknown>>;

/** So many labels are listed in an error. */
const MOST_SHOWN = 10;

/** The codec of an enum; `mapping` is null where labels stand for themselves. */
export function enumCodec(
  type: TypeIdentity,
  labels: readonly string[],
  mapping: ReadonlyMap<unknown, string> | null,
): Codec {
  const { name } = type;
  const known = new Set(labels);
  const load = mapping ? mappedLoad(name, mapping) : readUtf8;

  function labelOf(value: unknown): string {
    const mapped = mapping?.get(value);
    if (mapped !== undefined) return mapped;
    if (typeof value === "string") {
      if (known.has(value)) return value;
    } else if (mapping === null) {
      throw wrongKind(name, "a string that is one of its labels", value);
    }
    const listed = labels.slice(0, MOST_SHOWN).map((label) => JSON.stringify(label));
    const others = labels.length > MOST_SHOWN ? ` and ${labels.length - MOST_SHOWN} others` : "";
    throw new DataError(
      `${shown(value)} is not a label of the enum ${name}, which has ${listed.join(", ")}${others}; ` +
        `fetch the type again if it was added`,
      { code: "ERR_MAHOUT_NO_SUCH_LABEL" },
    );
  }

  return {
    name,
    oid: type.oid,
    arrayOid: type.arrayOid,
    results: TEXT,
    loadText: load,
    loadBinary: load,
    dumpText: labelOf,
    dumpBinary(value: unknown, out: Writer): boolean {
      out.utf8(labelOf(value));
      return true;
    },
  };
}

function mappedLoad(name: string, mapping: ReadonlyMap<unknown, string>): Load {
  const values = new Map([...mapping].map(([value, label]) => [label, value]));
  return (bytes, start, end) => {
    const label = readUtf8(bytes, start, end);
    if (values.has(label)) return values.get(label);
    throw new DataError(
      `no value was registered for the label ${shown(label)} of the enum ${name}; fetch the type and ` +
        `register it again`,
      { code: "ERR_MAHOUT_NO_SUCH_LABEL" },
    );
  };
}

/**
 * Which value stands for which label.
 *
 * @param given pairs of value and label, or an object whose keys, or else whose values, are the labels.
 * @throws ProgrammingError for labels that nothing stands for, and for pairs whose label there isn't.
 */
export function enumMapping(
  name: string,
  labels: readonly string[],
  given: EnumMapping | EnumObject,
): ReadonlyMap<unknown, string> {
  const pairs = Symbol.iterator in given ? [...(given as EnumMapping)] : pairsOf(labels, given);
  const mapping = new Map<unknown, string>();
  for (const [value, label] of pairs) {
    if (!labels.includes(label))
      throw new ProgrammingError(`${shown(label)} is not a label of the enum ${name}`);
    if (mapping.has(value))
      throw new ProgrammingError(`${shown(value)} stands for two labels of the enum ${name}`);
    mapping.set(value, label);
  }
  const mapped = new Set(mapping.values());
  const missing = labels.filter((label) => !mapped.has(label));
  if (missing.length === 0) return mapping;
  throw new ProgrammingError(
    `nothing stands for ${missing.map((label) => JSON.stringify(label)).join(", ")} of the enum ${name}`,
  );
}

function pairsOf(
  labels: readonly string[],
  object: EnumObject,
): readonly (readonly [unknown, string])[] {
  const isByName = labels.every((label) => Object.hasOwn(object, label));
  if (isByName) return labels.map((label) => [object[label], label]);
  const values = new Set(Object.values(object));
  return labels.filter((label) => values.has(label)).map((label) => [label, label]);
}
