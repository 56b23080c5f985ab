// The table of docs/types.md against pg_type of the server, and against what the codecs do: every built-in type is
// in it once, is read as the row says, and takes what the row says and nothing else.

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { Temporal } from "temporal-polyfill";
import { connect, Interval, MahoutError, scalarRow } from "../../src/index.ts";
import { codecOf } from "../adapt/forms.ts";
import { samples } from "../adapt/samples.ts";
import { defaultServer } from "../support/default-server.ts";
import { defaultMajor } from "../support/server.ts";

interface TypeRow {
  readonly types: readonly string[];
  readonly reads: string;
  readonly takes: string;
}

const page = readFileSync(resolve(__dirname, "../../docs/types.md"), "utf8");
const rows = page
  .slice(page.indexOf("## The table"), page.indexOf("A **string** is taken"))
  .split("\n")
  .filter(
    (line) => line.startsWith("| ") && !line.startsWith("| PostgreSQL") && !line.startsWith("| --"),
  )
  .map((line): TypeRow => {
    const [, types = "", reads = "", takes = ""] = line.split("|").map((cell) => cell.trim());
    return { types: types.split(", "), reads, takes };
  });
/** Rows of single types; the others speak of kinds of types. */
const builtins = rows.filter(({ types }) => types.every((type) => /^\w+$/.test(type)));

test("lists every built-in type that a column or a result can have", async () => {
  if (defaultMajor !== 18) return;
  await using conn = await connect(defaultServer().conninfo(), { rowFactory: scalarRow });
  const known = await conn.query(`
    select typname::text from pg_type
     where oid < 10000 and typnamespace = 'pg_catalog'::regnamespace
       and (typtype in ('b', 'r', 'm') or typname in ('record', 'void', 'cstring'))
       and typcategory <> 'A' or typname in ('int2vector', 'oidvector')`);
  const listed = builtins.flatMap(({ types }) => types);
  expect(new Set(listed)).toEqual(new Set(known));
  expect(new Set(listed).size).toBe(listed.length);
});

test("has a reason for each string", () => {
  for (const { types, reads } of rows) {
    if (/^string\b/.test(reads)) {
      expect([types, reads]).toEqual([types, expect.stringMatching(/^string\b[^]{12,}/)]);
    }
  }
});

/** The word that a row's second cell begins with, for a value. */
function wordOf(value: unknown): string {
  if (typeof value !== "object" || value === null) return typeof value;
  if (Array.isArray(value)) return "array";
  return (Object.getPrototypeOf(value) as { constructor: { name: string } }).constructor.name;
}

const readable = builtins.filter(
  ({ types }) => types.some((type) => samples[type]) && !types.includes("json"),
);

test.each(readable)("$types: is read as it says", ({ types, reads }) => {
  for (const type of types) {
    for (const [, , value] of samples[type] ?? []) {
      const word = wordOf(value);
      // Infinities of instants are numbers, and are listed with what is taken.
      if (type === "timestamptz" && typeof value === "number") continue;
      expect([type, reads.replaceAll(/[`[\]]/g, "")]).toEqual([
        type,
        expect.stringMatching(`^${word}\\b`),
      ]);
    }
  }
});

const PROBES: readonly [word: RegExp, value: unknown][] = [
  [/\bboolean\b/, true],
  [/\bnumber\b|whole numbers/, 1],
  [/\bbigints?\b/, 1n],
  [/\bDate\b/, new Date(0)],
  [/\bBuffer\b/, Buffer.from("1")],
  [/\bUint8Array\b/, Uint8Array.of(1)],
  [/\barray\b/, [1]],
  [/\bInterval\b/, new Interval(1)],
  [/Temporal\.Duration/, Temporal.Duration.from("P1D")],
  [/Temporal\.Instant/, Temporal.Instant.fromEpochMilliseconds(0)],
  [/Temporal\.ZonedDateTime/, Temporal.ZonedDateTime.from("2024-01-01[UTC]")],
  [/Temporal\.PlainDate\b/, Temporal.PlainDate.from("2024-01-01")],
  [/Temporal\.PlainDateTime/, Temporal.PlainDateTime.from("2024-01-01T00:00")],
  [/Temporal\.PlainTime/, Temporal.PlainTime.from("00:00")],
  [/an object of any class/, { a: 1 }],
];

// JSON takes nearly everything, and ranges are made of others.
const refusing = builtins.filter(({ types }) => !/json$|range$|^record$/.test(types[0] ?? ""));

describe.each(refusing)("$types", ({ types, takes }) => {
  test.each(types)("%s takes what it says, and a string", (type) => {
    const codec = codecOf(type);
    expect(codec.dumpText("text")).toBe("text");
    for (const [word, value] of PROBES) {
      let isTaken = true;
      try {
        codec.dumpText(value);
      } catch (error) {
        expect(error).toBeInstanceOf(MahoutError);
        isTaken = false;
      }
      expect([wordOf(value), isTaken]).toEqual([wordOf(value), word.test(takes)]);
    }
  });
});
