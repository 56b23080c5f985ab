// Client-side binding in both shells: what arrives is what was bound, whatever it is and wherever it stands.

import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  adapters,
  AsyncClientCursor,
  type AsyncConnection,
  ClientCursor,
  Json,
  Jsonb,
  type MahoutError,
  NotSupportedError,
  ProgrammingError,
  sql,
  tupleRow,
} from "../../src/index.ts";
import { samplesOf } from "../adapt/samples.ts";
import { seed } from "../support/seed.ts";
import { defaultMajor } from "../support/server.ts";
import { expectUsable, failureOf, type Shell, shells } from "../support/shells.ts";

const samples = samplesOf(defaultMajor);
const inSql = (type: string): string => (type === "char" ? '"char"' : type);

/** Values that have broken out of literals somewhere, or nearly. */
const NASTY = [
  "'",
  "''",
  "\\",
  "\\'",
  "\\\\'",
  "'; drop table t; --",
  "\n'; drop table t; --",
  "*/ '; drop table t; /*",
  "$1",
  "$a",
  "$$",
  "$$ $x$ '",
  "E'\\'",
  "\u00bf'",
  "\u00a0'\\",
  "\ud83d\udc18'",
  "\u2028' --\r",
  "%s ? :a {}",
  "${x}",
  "",
] as const;

describe.each(shells)("$name shell", ({ name, connect }: Shell) => {
  let standard: AsyncConnection;
  let escaping: AsyncConnection;

  beforeAll(async () => {
    standard = await connect();
    escaping = await connect();
    await escaping.execute(
      "set standard_conforming_strings = off; set escape_string_warning = off",
    );
    for (const conn of [standard, escaping]) await conn.execute("set timezone to 'UTC'");
  });
  afterAll(async () => {
    await standard.close();
    await escaping.close();
  });

  /** The values of the row that a client cursor gets. */
  async function row(
    conn: AsyncConnection,
    text: string,
    parameters: Parameters<AsyncConnection["query"]>[1],
  ): Promise<unknown> {
    const cursor = conn.cursor({ binding: "client", rowFactory: tupleRow });
    await cursor.execute(text, parameters);
    const found = await cursor.fetchAll();
    expect(found).toHaveLength(1);
    return found[0];
  }

  test("is made by cursor() and by its class", async () => {
    const Kind = (name === "async" ? AsyncClientCursor : ClientCursor) as typeof AsyncClientCursor;
    const made = standard.cursor({ binding: "client" });
    expect(made).toBeInstanceOf(Kind);
    const own = new Kind(standard);
    await own.execute("select $n::int as n", { n: 1 });
    expect(await own.fetchOne()).toEqual({ n: 1 });
    for (const options of [{ binding: "nobody" }, { bind: "client" }] as object[]) {
      expect(
        await failureOf(() => standard.cursor(options as { binding: "client" })),
      ).toBeInstanceOf(ProgrammingError);
    }
  });

  test("mogrify() shows what is sent", async () => {
    const cursor = standard.cursor({ binding: "client" });
    const table: [text: Parameters<typeof cursor.mogrify>[0], values: unknown, merged: string][] = [
      ["select $1, $2", [1, "x"], "select 1, 'x'"],
      ["select $b, $a, $b", { a: "it's", b: null }, "select NULL, 'it''s', NULL"],
      [sql`select ${true}, ${-5n}`, [], "select true, -5"],
      ["select 5 -$1, -$1", [-1], "select 5 - -1, - -1"],
      ["select $1::int2", [-32768], "select '-32768'::int2"],
      ["select $1 :: int8 [ 1 ]", [[1n]], "select '{1}' :: int8 [ 1 ]"],
      ["select $1::t", [-1], "select (-1)::t"],
      ["select $1/* ' */ -- ::\n ::t", [-1], "select (-1)/* ' */ -- ::\n ::t"],
      ["set x to $1 -- minus", [-1], "set x to -1 -- minus"],
      [`select $1 ${"-".repeat(5000)}`, [-1], `select -1 ${"-".repeat(5000)}`],
      [`select $1 ${"/**/".repeat(5000)}-1`, [-1], `select -1 ${"/**/".repeat(5000)}-1`],
      ["select $1::date", [new Date(0)], "select '1970-01-01'::date"],
      ["select $1", [new Date(0)], "select '1970-01-01 00:00:00+00'::timestamptz"],
      ["select $1", [Buffer.from("a")], "select E'\\\\x61'::bytea"],
      ["select $1::json", [{ a: "'" }], `select '{"a":"''"}'::json`],
      ["select $1", [new Json([1])], "select '[1]'"],
      ["select '$1', $1 /* $1 */", ["x"], "select '$1', 'x' /* $1 */"],
      ["select $1::double precision", [1.5], "select '1.5'::double precision"],
      ["select $1::timestamp with time zone", ["now"], "select 'now'::timestamp with time zone"],
    ];
    for (const [text, values, merged] of table) {
      expect(cursor.mogrify(text, values as [])).toBe(merged);
    }
  });

  test("statements that take no parameters take values", async () => {
    await using conn = await connect();
    const cursor = conn.cursor({ binding: "client" });
    await cursor.execute("create temp table t (a text default $1, b int check (b > $2))", [
      "it's\\",
      -5,
    ]);
    await cursor.execute("set application_name to $name", { name: "o'brien\\" });
    await cursor.execute("comment on table t is $1", ["a 'comment'"]);
    await cursor.execute(sql`alter table ${sql.identifier("t")} add column c text default ${"$1"}`);
    await cursor.execute("insert into t (b) values ($1); select a, b, c from t", [1]);
    expect(await cursor.setResult(1).fetchAll()).toEqual([{ a: "it's\\", b: 1, c: "$1" }]);
    expect(
      await conn.query(
        "select current_setting('application_name') as name, obj_description('t'::regclass) as comment",
      ),
    ).toEqual([{ name: "o'brien\\", comment: "a 'comment'" }]);
    await cursor.execute("set statement_timeout = $1", [5000]);
    await cursor.execute("create temp sequence s increment by $1 minvalue $1", [-7]);
    expect((await conn.query("select count(*)::int as n from pg_prepared_statements"))[0]).toEqual({
      n: 0,
    });
  });

  test("streams, transactions and pipelines", async () => {
    const cursor = standard.cursor({ binding: "client", rowFactory: tupleRow });
    const streamed: unknown[] = [];
    for await (const found of cursor.stream("select $1::text, generate_series(1, $2)", ["'", 2]))
      streamed.push(found);
    expect(streamed).toEqual([
      ["'", 1],
      ["'", 2],
    ]);
    {
      await using tx = await standard.transaction();
      expect(tx.status).toBe("active");
      await cursor.execute("set local work_mem = $1", ["1MB"]);
      expect(await row(standard, "select current_setting($1)", ["work_mem"])).toEqual(["1MB"]);
    }
    await using pipeline = await standard.pipeline();
    await cursor.execute("select $1::text", ["a\\'b"]);
    expect(await cursor.fetchAll()).toEqual([["a\\'b"]]);
    await pipeline.sync();
  });

  test("what it can't do, it refuses", async () => {
    const cursor = standard.cursor({ binding: "client" });
    const refused: [run: () => unknown, kind: new (message: string) => Error, message: string][] = [
      [
        () => cursor.execute("select 1", [], { prepare: true }),
        NotSupportedError,
        "has no prepare",
      ],
      [() => cursor.execute("select 1", [], { binary: true }), NotSupportedError, "has no binary"],
      [() => cursor.executeMany(), NotSupportedError, "has no executeMany"],
      [() => cursor.execute("select $1", []), ProgrammingError, "there is no parameter $1"],
      [() => cursor.execute("select $1", [1, 2]), ProgrammingError, "2 values were given"],
      [() => cursor.execute("select $1", [undefined]), ProgrammingError, "$1 is undefined"],
      [
        () => cursor.execute("select $1", [{}]),
        ProgrammingError,
        "parameter $1: there is no dumper",
      ],
      [() => cursor.execute("select $1::int2", [70000]), Error, "parameter $1: "],
      [() => cursor.mogrify("select $1", ["a\0b"]), Error, "NUL"],
      [() => cursor.mogrify("select $1", ["\ud83d"]), Error, "surrogate"],
      [
        () => cursor.mogrify("select 'x'\n$1", ["y"]),
        ProgrammingError,
        "it can't be a part of them",
      ],
      [
        () => cursor.mogrify("select $1\n'x'", ["y"]),
        ProgrammingError,
        "it can't be a part of them",
      ],
      [() => cursor.mogrify("select '$1", ["y"]), ProgrammingError, "has no end"],
      [() => cursor.mogrify("select $0, $1", ["y"]), ProgrammingError, "there is no parameter $0"],
    ];
    for (const [run, kind, message] of refused) {
      const error = await failureOf(run);
      expect(error.message).toContain(message);
      expect(error instanceof kind || message.startsWith("there is")).toBe(true);
    }
    await expectUsable(standard);
  });

  test("errors show the text as it was given, and no value", async () => {
    const cursor = standard.cursor({ binding: "client" });
    const error = await failureOf(() => cursor.execute("select $1::text / 2", ["hunter2"]));
    expect(error.sqlstate).toBe("42883");
    expect(error.statement).toBe("select $1::text / 2");
    expect(cursor.query).toBe("select $1::text / 2");
    const inPipeline = await failureOf(async () => {
      await using pipeline = await standard.pipeline();
      await cursor.execute("select $1::text / 2", ["hunter2"]);
      await pipeline.sync();
    });
    expect((inPipeline as MahoutError).statement).toBe("select $1::text / 2");
    expect(JSON.stringify(Object.entries(inPipeline))).not.toContain("hunter2");
  });

  test("the known ways to break out of a literal", async () => {
    for (const conn of [standard, escaping]) {
      for (const text of NASTY) {
        // Two on one line, the first behind a minus: a comment would swallow what ends the second one.
        expect(await row(conn, "select 1-$1::int, 1 -$1, $2::text", [-1, text])).toEqual([
          2,
          2,
          text,
        ]);
        expect(await row(conn, "select -$1, $2::text", [-1.5, `\n${text}`])).toEqual([
          "1.5",
          `\n${text}`,
        ]);
        expect(await row(conn, "select $1::text, $2::text", [text, text])).toEqual([text, text]);
        expect(
          await row(conn, "select $q$ $1 ' $q$, /* ' $1 /* $1 */ */ $1::text -- ' $1", [text]),
        ).toEqual([" $1 ' ", text]);
        expect(await row(conn, "select E'\\'$1', $1::text", [text])).toEqual(["'$1", text]);
        expect(await row(conn, "select length($1),$1::text||$1::text", [text])).toEqual([
          Array.from(text).length,
          text + text,
        ]);
        expect(await row(conn, "select $1::text[]", [[text, null, [text].join()]])).toEqual([
          [text, null, text],
        ]);
        expect(await row(conn, "select $1::jsonb", [{ [text]: text }])).toEqual([{ [text]: text }]);
        expect(await row(conn, "select $1::text", [new Jsonb(text)])).toEqual([
          JSON.stringify(text),
        ]);
        expect(await row(conn, "select $1", [Buffer.from(text)])).toEqual([Buffer.from(text)]);
        expect(await row(conn, sqlName(text), [text])).toEqual([text]);
      }
    }
    // In a plain string a backslash means what the session says; the placeholder stays where it is.
    expect(await row(standard, "select '\\', $1::text, ' $1 '", ["x"])).toEqual([
      "\\",
      "x",
      " $1 ",
    ]);
    expect(await row(escaping, "select '\\' $1 ', $1::text", ["x"])).toEqual(["' $1 ", "x"]);
  });

  test("huge values", async () => {
    for (const unit of ["'", "\\", "x", "\ud83d\udc18"]) {
      const text = unit.repeat(1 << 20);
      const [length, hash] = (await row(standard, "select length($1), md5($1)", [
        text,
      ])) as unknown[];
      expect(length).toBe(Array.from(text).length);
      const [same] = (await standard.query("select md5($1) as hash", [text])) as { hash: string }[];
      expect(hash).toBe(same?.hash);
    }
    const bytes = Buffer.alloc(1 << 20, 0x27);
    expect(await row(standard, "select length($1)", [bytes])).toEqual([1 << 20]);
  });

  test.each(Object.keys(samples))("%s arrives as with a parameter", async (type) => {
    const cursor = escaping.cursor({ binding: "client", rowFactory: tupleRow });
    for (const [text, , value] of samples[type] ?? []) {
      const sent =
        value === null || (type.startsWith("json") && typeof value === "string") ? text : value;
      const statement = `select $1::${inSql(type)}, ($1::${inSql(type)})::text`;
      const [expected] = await standard.query(statement, [sent], { rowFactory: tupleRow });
      await cursor.execute(statement, [sent]);
      expect([text, await cursor.fetchOne()]).toStrictEqual([text, expected]);
      // Without a cast, as far as the value says what it is: as text the server reads it itself.
      if (typeof sent !== "string") continue;
      await cursor.execute(`select ${inSql(type)} ${cursor.mogrify("$1", [sent])}`);
      expect([text, await cursor.fetchOne()]).toStrictEqual([text, [(expected as unknown[])[0]]]);
    }
  });

  test("whatever is drawn arrives", async () => {
    const piece = fc.oneof(
      fc.constantFrom(...NASTY),
      fc.string({ unit: "binary" }).filter((text) => !/[\0\p{Surrogate}]/u.test(text)),
    );
    const text = fc.array(piece, { maxLength: 5 }).map((pieces) => pieces.join(""));
    const json = fc
      .jsonValue()
      .filter((value) => !/\\u(?:0000|d[89a-f])/i.test(JSON.stringify(value)));
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          text,
          list: fc.array(fc.option(text)),
          int: fc.integer({ min: -2147483647 }),
          big: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
          float: fc.double(),
          bytes: fc.uint8Array().map((bytes) => Buffer.from(bytes)),
          json: json.filter((value) => value !== null && typeof value !== "string"),
          flag: fc.boolean(),
        }),
        fc.boolean(),
        async (values, isStandard) => {
          const found = (await row(
            isStandard ? standard : escaping,
            `select $text::text /* ' $text */, $list::text[], 0-$int::int4, $big::int8, - $float::float8,
              $bytes, $json::json, $flag, '$text', $text || 'x' -- ' $text`,
            values,
          )) as unknown[];
          const same = (value: unknown): unknown => JSON.parse(JSON.stringify(value)) as unknown;
          expect(found).toEqual([
            values.text,
            values.list,
            0 - values.int,
            values.big,
            -values.float,
            values.bytes,
            same(values.json),
            values.flag,
            "$text",
            `${values.text}x`,
          ]);
        },
      ),
      { seed, numRuns: 150 },
    );
  });

  test("adapters of the cursor are used", async () => {
    class Euro {
      readonly cents = 250;
    }
    const cursor = standard.cursor({ binding: "client", rowFactory: tupleRow });
    cursor.adapters.registerDumper(Euro, ({ cents }) => String(cents / 100));
    await cursor.execute("select $1::numeric", [new Euro()]);
    expect(await cursor.fetchOne()).toEqual(["2.5"]);
    expect(cursor.mogrify("select $1", [[new Euro()]])).toBe("select '{2.5}'");
    expect(sql.literal(new Euro()).asString(cursor)).toBe("'2.5'");
    expect(() => sql.literal(new Euro()).asString({ adapters })).toThrow("no dumper");
  });
});

/** A statement with a name that is as nasty as the value beside it. */
function sqlName(text: string): string {
  return text === "" || Buffer.byteLength(text) > 63
    ? "select $1::text"
    : `select $1::text as ${sql.identifier(text).asString()}`;
}
