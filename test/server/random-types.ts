// Random types of a database: enums, composites, domains, ranges and arrays of each other, with names that
// somebody would choose to do harm, and values of them as they are in JavaScript. Each value that went to the
// server has to come back the same in every format, and to be what the server itself makes of its text.

import { inspect, isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import {
  type AsyncConnection,
  Multirange,
  Range,
  registerTypes,
  TypeInfo,
} from "../../src/index.ts";
import { seed, seeded } from "../support/seed.ts";
import type { Shell } from "../support/shells.ts";

/** What a random type is made of. */
type Node =
  | { readonly kind: "leaf"; readonly type: string }
  | { readonly kind: "enum"; readonly labels: readonly string[] }
  | { readonly kind: "array" | "domain"; readonly of: Node }
  | {
      readonly kind: "composite";
      readonly fields: readonly [string, Node][];
      readonly drops: boolean;
    }
  | { readonly kind: "range" | "multirange"; readonly of: "float8" | "int4" | "enum" };

/** A type that was created. */
interface Made {
  readonly sql: string;
  readonly values: fc.Arbitrary<unknown>;
  /** Whether a JavaScript array is one value of it, so that it has no arrays of two dimensions here. */
  readonly takesArrays: boolean;
  readonly isArray: boolean;
}

const HARD = [
  "__proto__",
  "constructor",
  "a b",
  'q"q',
  "x.y",
  "Upper",
  "select",
  "naïve",
  "'; --",
  "a\\b",
  "$1",
  "{",
  "(,)",
];
const text = fc
  .oneof(
    fc.string({ unit: "grapheme", maxLength: 12 }),
    fc.constantFrom("", "NULL", "null", " ", '"', "\\", "a,b", "(x)", "{y}", "[z)", "\t\n", "''"),
  )
  .filter((value) => !/[\0\ud800-\udfff]/u.test(value));

const digits = fc.stringMatching(/^(0|[1-9]\d{0,20})(\.\d{1,12})?$/);
const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
const LEAVES: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  int4: fc.integer(),
  int8: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  bool: fc.boolean(),
  text,
  numeric: digits,
  float8: finite,
  bytea: fc.uint8Array({ maxLength: 9 }).map((bytes) => Buffer.from(bytes)),
  timestamptz: fc.date({
    min: new Date("0001-01-02"),
    max: new Date("9999-12-30"),
    noInvalidDate: true,
  }),
  date: fc
    .date({ min: new Date("0001-01-02"), max: new Date("9999-12-30"), noInvalidDate: true })
    .map((date) => date.toISOString().slice(0, 10)),
  uuid: fc.uuid(),
  int4range: fc
    .tuple(fc.integer(), fc.integer({ min: 1, max: 1000 }))
    .map(
      ([from, count]) =>
        new Range(Math.min(from, 2 ** 31 - 1001), Math.min(from, 2 ** 31 - 1001) + count),
    ),
};

const nodes = fc.letrec<{ node: Node; below: Node }>((tie) => ({
  below: fc.oneof(
    { maxDepth: 3, depthSize: "small" },
    fc.constantFrom(...Object.keys(LEAVES)).map((type): Node => ({ kind: "leaf", type })),
    tie("node"),
  ),
  node: fc.oneof(
    fc
      .uniqueArray(fc.oneof(text, fc.constantFrom(...HARD)), { minLength: 1, maxLength: 5 })
      .map((labels): Node => ({ kind: "enum", labels })),
    tie("below").map((of): Node => ({ kind: "array", of })),
    tie("below").map((of): Node => ({ kind: "domain", of })),
    fc
      .tuple(
        fc.uniqueArray(fc.tuple(fc.constantFrom(...HARD, "plain", "x", "y"), tie("below")), {
          maxLength: 4,
          selector: ([name]) => name,
        }),
        fc.boolean(),
      )
      .map(([fields, drops]): Node => ({ kind: "composite", fields, drops })),
    fc.record({
      kind: fc.constantFrom("range" as const, "multirange" as const),
      of: fc.constantFrom("float8" as const, "int4" as const, "enum" as const),
    }),
  ),
}));

/** Any type that isn't built in. */
const randomType: fc.Arbitrary<Node> = nodes.node;

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** Creates random types in a schema of their own. */
class Creator {
  readonly statements: string[] = [];
  readonly #schema: string;
  #count = 0;

  constructor(schema: string) {
    this.#schema = schema;
  }

  #name(): string {
    const number = this.#count++;
    return `${quoted(this.#schema)}.${quoted(`${HARD[number % HARD.length]} ${number}`)}`;
  }

  make(node: Node): Made {
    switch (node.kind) {
      case "leaf":
        return {
          sql: node.type,
          values: LEAVES[node.type] as fc.Arbitrary<unknown>,
          takesArrays: false,
          isArray: false,
        };
      case "enum":
        return this.#enum(node.labels);
      case "array":
        return arrayOf(this.make(node.of));
      case "domain":
        return this.#domain(this.make(node.of));
      case "composite":
        return this.#composite(
          node.fields.map(([name, of]) => [name, this.make(of)]),
          node.drops,
        );
      case "range":
      case "multirange":
        return this.#range(node.of, node.kind === "multirange");
    }
  }

  #create(what: string): string {
    const name = this.#name();
    this.statements.push(what.replace("NAME", () => name));
    return name;
  }

  #enum(labels: readonly string[]): Made {
    const list = labels.map((label) => `'${label.replaceAll("'", "''")}'`).join();
    const sql = this.#create(`create type NAME as enum (${list})`);
    return { sql, values: fc.constantFrom(...labels), takesArrays: false, isArray: false };
  }

  #domain(of: Made): Made {
    const sql = this.#create(`create domain NAME as ${of.sql}`);
    return { ...of, sql, takesArrays: of.takesArrays || of.isArray, isArray: false };
  }

  #composite(fields: readonly [string, Made][], drops: boolean): Made {
    const list = fields.map(([name, { sql }]) => `${quoted(name)} ${sql}`);
    const sql = this.#create(
      `create type NAME as (${[...(drops ? ["dropped int"] : []), ...list].join()})`,
    );
    if (drops) this.statements.push(`alter type ${sql} drop attribute dropped`);
    const values = fc.tuple(...fields.map(([, { values: of }]) => fc.option(of, { freq: 4 })));
    const made = values.map((list) =>
      Object.fromEntries(list.map((value, index) => [fields[index]?.[0] ?? "", value])),
    );
    return { sql, values: made, takesArrays: false, isArray: false };
  }

  #range(of: "float8" | "int4" | "enum", isMulti: boolean): Made {
    const labels = ["a", "b,c", 'd"', "(e]"];
    const subtype = of === "enum" ? this.#enum(labels).sql : of;
    const multirange = this.#name();
    const sql = this.#create(
      `create type NAME as range (subtype = ${subtype}, multirange_type_name = ${multirange})`,
    );
    const place =
      of === "enum"
        ? fc.nat(labels.length - 1)
        : of === "int4"
          ? fc.integer()
          : finite.map((value) => value + 0);
    const valueAt = (at: number): unknown => (of === "enum" ? labels[at] : at);
    const ranges = fc
      .tuple(
        fc.option(place),
        fc.option(place),
        fc.constantFrom("[)" as const, "[]" as const, "(]" as const, "()" as const),
      )
      .map(([one, other, bounds]) => {
        if (one === null || other === null)
          return new Range(
            one === null ? null : valueAt(one),
            other === null ? null : valueAt(other),
            bounds,
          );
        // Equal bounds would be normalized; so would -0 and 0 in the wrong order.
        if (one === other) return new Range(valueAt(one), null, bounds);
        return new Range(valueAt(Math.min(one, other)), valueAt(Math.max(one, other)), bounds);
      });
    if (!isMulti)
      return {
        sql,
        values: fc.oneof(ranges, fc.constant(Range.empty())),
        takesArrays: false,
        isArray: false,
      };
    const values = fc.option(ranges).map((range) => new Multirange(range === null ? [] : [range]));
    return { sql: multirange, values, takesArrays: false, isArray: false };
  }
}

function arrayOf(of: Made): Made {
  // There are no arrays of arrays.
  if (of.isArray) return of;
  const element = fc.option(of.values, { freq: 4 });
  const lists = fc.array(element, { maxLength: 3 });
  const tables = fc
    .tuple(
      fc.nat(2),
      fc.array(fc.array(element, { minLength: 3, maxLength: 3 }), { minLength: 1, maxLength: 2 }),
    )
    .map(([cut, rows]) => rows.map((row) => row.slice(0, cut + 1)));
  return {
    sql: `${of.sql}[]`,
    values: of.takesArrays ? lists : fc.oneof(lists, tables),
    takesArrays: false,
    isArray: true,
  };
}

/** How a connection comes to know a type: it is named, or all there are were fetched. */
export type Knowing = "by name" | "with all others";

/** The ways, to be given to `test.each`. */
export const knowings: readonly [Knowing][] = [["by name"], ["with all others"]];

/** Tries so many random types in a shell. */
export async function checkRandomTypes(
  { name, connect }: Shell,
  knowing: Knowing,
  numRuns: number,
): Promise<void> {
  await using conn = await connect({ prepareThreshold: null });
  await conn.execute("set client_min_messages = warning");
  const property = fc.asyncProperty(randomType, (node) =>
    checkType(conn, { shell: name, knowing }, node),
  );
  await seeded(() => fc.assert(property, { seed, numRuns }));
  await conn.execute(`drop schema if exists ${quoted(schemaOf(name))} cascade`);
}

const schemaOf = (shell: string): string => `Rändom "types".${shell}`;

/** Creates a random type, registers it, and sends values of it in all ways there are; the schema is dropped. */
async function checkType(
  conn: AsyncConnection,
  { shell, knowing }: { readonly shell: Shell["name"]; readonly knowing: Knowing },
  node: Node,
): Promise<void> {
  const schema = schemaOf(shell);
  const creator = new Creator(schema);
  const { sql, values } = creator.make(node);
  await conn.execute(
    `drop schema if exists ${quoted(schema)} cascade; create schema ${quoted(schema)}`,
  );
  for (const statement of creator.statements) await conn.execute(statement);
  const info = await TypeInfo.fetch(conn, sql);
  if (knowing === "by name") info.register(conn);
  else registerTypes(await TypeInfo.fetchAll(conn), conn);
  const sample = fc.sample(values, { numRuns: 12, seed });
  for (const value of sample) await checkValue(conn, sql, info.oid, value);
  await checkCopy(conn, shell, { sql, oid: info.oid }, sample);
}

/** jest takes a field named constructor for a constructor. */
function expectSame(about: string, received: unknown, expected: unknown): void {
  if (isDeepStrictEqual(received, expected)) return;
  const [is, shouldBe] = [received, expected].map((value) => inspect(value, { depth: null }));
  throw new Error(`${about} is not the same: ${is} instead of ${shouldBe}`);
}

async function checkValue(
  conn: AsyncConnection,
  sql: string,
  oid: number,
  value: unknown,
): Promise<void> {
  const own = conn.adapters.codec(oid).dumpText(value);
  const say = `select $1::${sql} as v, $1::${sql}::text = $2::text::${sql}::text as same, $1::${sql}::text as t`;
  const [sent] = await conn.query(say, [value, own]);
  expectSame(own, [sent?.v, sent?.same], [value, true]);
  const print = `select $1::text::${sql} as v`;
  for (const binary of [true, false]) {
    const [read] = await conn.query(print, [sent?.t], { binary });
    expectSame(own, [binary, read?.v], [binary, value]);
  }
  if (!sql.endsWith("[]") && !Array.isArray(value)) {
    const [listed] = await conn.query(`select $1::${sql}[] as v`, [[value, null]]);
    expectSame(own, listed?.v, [value, null]);
  }
}

async function checkCopy(
  conn: AsyncConnection,
  shell: Shell["name"],
  { sql, oid }: { readonly sql: string; readonly oid: number },
  sample: readonly unknown[],
): Promise<void> {
  await conn.execute(`create temp table copied (id int, v ${sql})`);
  const rows = sample.map((value, index) => [index, value]);
  const texts = sample.map((value) => conn.adapters.codec(oid).dumpText(value));
  const [expected] = await conn.query(
    `select array_agg(t::${sql}::text order by n) as texts from unnest($1::text[]) with ordinality _ (t, n)`,
    [texts],
  );
  for (const format of ["text", "binary"]) {
    await conn
      .cursor()
      .copy(`copy copied from stdin (format ${format})`, (copy) => copy.writeRows(rows));
    const [stored] = await conn.query("select array_agg(v::text order by id) as texts from copied");
    expectSame(format, stored, expected);
    const text = `copy (select * from copied order by id) to stdout (format ${format})`;
    const read = await conn.cursor().copy(text, (copy) => {
      copy.setTypes(["int4", oid]);
      return shell === "async"
        ? allOf(copy.rows())
        : [...(copy.rows() as unknown as Iterable<unknown>)];
    });
    expectSame(format, read, rows);
    await conn.execute("truncate copied");
  }
  await conn.execute("drop table copied");
}

async function allOf(rows: AsyncIterable<unknown>): Promise<unknown[]> {
  const all: unknown[] = [];
  for await (const row of rows) all.push(row);
  return all;
}
