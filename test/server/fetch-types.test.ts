// The types of a database, made known without naming them: when connecting, and later, in both shells.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { globalAdapters } from "../../src/adapt/builtins.ts";
import {
  AdaptersMap,
  type AsyncConnection,
  type AsyncConnectOptions,
  CompositeInfo,
  type DictRow,
  EnumInfo,
  errors,
  Multirange,
  ProgrammingError,
  Range,
  registerComposite,
  registerEnum,
  registerTypes,
  tupleRow,
  TypeInfo,
} from "../../src/index.ts";
import {
  administer,
  eventually,
  expectUsable,
  failureOf,
  running,
  shells,
} from "../support/shells.ts";

const DATABASE = "fetch_types";
const TYPES = `
  create schema app;
  create schema "Far Away";
  create type mood as enum ('sad', 'it''s "fine"', '');
  create type "Far Away"."Mood ""x""" as enum ('A', 'b');
  create type app.point2 as (x int, y int);
  create domain positive as int check (value > 0);
  create domain matrix as int[];
  create domain words as text check (value <> '');
  create type app.person as (
    name text, feels mood, age positive, gone int, at app.point2, seen timestamptz, tags text[], grid matrix);
  alter type app.person drop attribute gone;
  create type family as (people app.person[], moods mood[], far "Far Away"."Mood ""x""");
  create domain parent as app.person;
  create type floats as range (subtype = float8, multirange_type_name = manyfloats);
  create type "Far Away".moods as range (subtype = mood);
  create type "__proto__" as ("__proto__" text, "constructor" int);
  create type nothing as ();
  create table items (id int primary key, gone text, label words, size app.point2);
  alter table items drop column gone;
  insert into items values (1, 'one', (1, 2)), (2, 'two', null);
  create view seen as select c as relation, array[label] as labels from items, pg_class c;
  create extension hstore;
  create extension citext;
`;

/** Values as SQL and as JavaScript. */
const VALUES: readonly [sql: string, type: string, value: unknown][] = [
  [`'{sad,""}'::mood[]`, "mood[]", ["sad", ""]],
  [`'b'::"Far Away"."Mood ""x"""`, `"Far Away"."Mood ""x"""`, "b"],
  ["(1, null)::app.point2", "app.point2", { x: 1, y: null }],
  ["array[(1, 2), null]::app.point2[]", "app.point2[]", [{ x: 1, y: 2 }, null]],
  [
    `('Ada', 'sad', 3, (1, 2), '2024-01-02Z', '{a,null}', '{1,2}')::app.person`,
    "app.person",
    {
      name: "Ada",
      feels: "sad",
      age: 3,
      at: { x: 1, y: 2 },
      seen: new Date("2024-01-02T00:00:00Z"),
      tags: ["a", null],
      grid: [1, 2],
    },
  ],
  [
    `(array[('Ada', null, null, null, null, null, null)]::app.person[], '{sad}', 'A')::family`,
    "family",
    {
      people: [
        { name: "Ada", feels: null, age: null, at: null, seen: null, tags: null, grid: null },
      ],
      moods: ["sad"],
      far: "A",
    },
  ],
  [
    `array[('x', null, null, null, null, null, null)]::parent[]`,
    "parent[]",
    [{ name: "x", feels: null, age: null, at: null, seen: null, tags: null, grid: null }],
  ],
  ["'{1,2}'::positive[]", "positive[]", [1, 2]],
  ["'[1.5,2)'::floats", "floats", new Range(1.5, 2)],
  ["'{[1.5,2)}'::manyfloats", "manyfloats", new Multirange([new Range(1.5, 2)])],
  [
    `'[sad,"it''s \\"fine\\""]'::"Far Away".moods`,
    `"Far Away".moods`,
    new Range("sad", `it's "fine"`, "[]"),
  ],
  [
    `('p', 1)::"__proto__"`,
    `"__proto__"`,
    Object.fromEntries([
      ["__proto__", "p"],
      ["constructor", 1],
    ]),
  ],
  ["row()::nothing", "nothing", {}],
  ["(1, 'one', (1, 2))::items", "items", { id: 1, label: "one", size: { x: 1, y: 2 } }],
  ["'a=>1,b=>NULL'::hstore", "hstore", { a: "1", b: null }],
  [`array['a=>1'::hstore]`, "hstore[]", [{ a: "1" }]],
  ["'{Aa,Bb}'::citext[]", "citext[]", ["Aa", "Bb"]],
  ["array['a']::information_schema.sql_identifier[]", "information_schema.sql_identifier[]", ["a"]],
];

beforeAll(async () => {
  await administer(`drop database if exists ${DATABASE} with (force)`);
  await administer(`create database ${DATABASE}`);
  await administer(TYPES, { dbname: DATABASE });
});

afterAll(async () => {
  await administer(`drop database ${DATABASE} with (force)`);
});

async function allOf<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const row of rows) all.push(row);
  return all;
}

describe.each(shells)("in the $name shell", ({ name: shell, connect }) => {
  const before = new AdaptersMap(globalAdapters);
  afterEach(() => globalAdapters.assume(before));

  function connectTo(
    options: AsyncConnectOptions<DictRow> = {},
  ): Promise<AsyncConnection<DictRow>> {
    return connect({ dbname: DATABASE, fetchTypes: true, ...options });
  }

  /** What a query for one value gives, by each way that there is to run it. */
  async function readings(conn: AsyncConnection, sql: string): Promise<Map<string, unknown>> {
    const text = `select ${sql} as v`;
    const found = new Map<string, unknown>();
    for (const binary of [undefined, true, false]) {
      const options = binary === undefined ? {} : { binary };
      found.set(`binary ${binary}`, (await conn.query(text, [], options))[0]?.v);
      for (const again of [1, 2, 3]) {
        const [row] = await conn.query(text, [], { ...options, prepare: true });
        found.set(`prepared ${binary} ${again}`, row?.v);
      }
      const rows = await allOf(conn.cursor().stream(text, [], options));
      found.set(`stream ${binary}`, rows[0]?.v);
    }
    {
      await using _ = await conn.pipeline();
      const cursor = await conn.execute(text);
      found.set("pipeline", (await cursor.fetchOne())?.v);
    }
    const tx = await conn.transaction();
    for (const binary of [true, false]) {
      const cur = await conn.cursor("c").execute(text, [], { binary });
      found.set(`server cursor ${binary}`, (await cur.fetchOne())?.v);
      await cur.close();
    }
    await tx.commit();
    for (const format of ["text", "binary"]) {
      const [type] = await conn.query(`select pg_typeof(${sql})::oid as oid`);
      const copied: unknown[] = [];
      {
        await using copy = await conn.cursor().copy(`copy (${text}) to stdout (format ${format})`);
        copy.setTypes([type?.oid as number]);
        for await (const row of copy.rows()) copied.push(row);
      }
      found.set(`copy ${format}`, (copied[0] as unknown[])[0]);
    }
    return found;
  }

  describe("when connecting", () => {
    test.each(VALUES)("%s is read as its type however it is run", async (sql, _type, value) => {
      await using conn = await connectTo();
      for (const [how, read] of await readings(conn, sql)) {
        // Compared with an array around it, as jest takes a property named constructor for a constructor.
        expect([how, JSON.stringify([read]), read]).toEqual([how, JSON.stringify([value]), value]);
      }
    });

    test.each(VALUES)("%s is written as its type", async (sql, type, value) => {
      await using conn = await connectTo();
      const text = `select ${sql}::text as sql, $1::${type}::text as js, $1::${type} as v`;
      for (const binary of [undefined, true, false]) {
        const options = binary === undefined ? {} : { binary };
        const [row] = await conn.query(text, [value], options);
        expect(row?.js).toBe(row?.sql);
        expect(JSON.stringify(row?.v)).toBe(JSON.stringify(value));
      }
      await conn.execute(`create temp table copied (v ${type})`);
      // The server reads a name by different rules in binary, so it is written as text only.
      const formats = type.includes("sql_identifier") ? ["text", "text"] : ["text", "binary"];
      for (const format of formats) {
        await conn
          .cursor()
          .copy(`copy copied from stdin (format ${format})`, (copy) => copy.writeRows([[value]]));
      }
      await conn.cursor().executeMany("insert into copied values ($1)", [[value], [value]]);
      const stored = await conn.query(`select v::text as js, ${sql}::text as sql from copied`);
      expect(stored).toHaveLength(4);
      for (const row of stored) expect(row.js).toBe(row.sql);
    });

    test("a value without it is text, or refused", async () => {
      await using conn = await connect({ dbname: DATABASE });
      expect(await conn.query("select '{sad}'::mood[] as m, (1, 2)::app.point2 as p")).toEqual([
        { m: "{sad}", p: "(1,2)" },
      ]);
      await using other = await connectTo({ fetchTypes: false });
      expect(await other.query("select '{sad}'::mood[] as m")).toEqual([{ m: "{sad}" }]);
    });

    test("rows of tables, views and catalogs are objects", async () => {
      await using conn = await connectTo();
      expect(await conn.query("select i from items i order by id")).toEqual([
        { i: { id: 1, label: "one", size: { x: 1, y: 2 } } },
        { i: { id: 2, label: "two", size: null } },
      ]);
      const [row] = await conn.query("select s from seen s where (relation).relname = 'pg_type'");
      expect(row?.s).toMatchObject({ relation: { relname: "pg_type" }, labels: ["one"] });
    });

    test("names of types are known", async () => {
      await using conn = await connectTo();
      const cur = await conn.execute("select null::app.person, null::mood[], null::hstore");
      expect(cur.description?.map(({ typeDisplay }) => typeDisplay)).toEqual([
        "app.person",
        "mood[]",
        "hstore",
      ]);
      const client = conn.cursor({ binding: "client" });
      await client.execute("select $1::items as v", [{ id: 1, label: "x", size: null }]);
      expect(await client.fetchOne()).toEqual({ v: { id: 1, label: "x", size: null } });
      const error = await failureOf(() => conn.query("select $1::mood", ["glad"]));
      expect(error.message).toMatch(/"glad" is not a label of the enum mood/);
    });

    test("leaves no trace: no transaction, whatever the connection is like", async () => {
      for (const options of [
        { autocommit: false },
        { options: "-c default_transaction_read_only=on" },
        { readOnly: true, isolationLevel: "serializable" as const },
        { target_session_attrs: "read-write" },
        { options: "-c search_path=pg_temp,app" },
        { options: "-c client_encoding=LATIN1" },
        { prepareThreshold: 0 },
        { replication: "database" },
      ]) {
        await using conn = await connectTo(options);
        expect(conn.info.transactionStatus).toBe("idle");
        // Over a connection for replication there are simple queries only.
        const value = "replication" in options ? null : "sad";
        if (value === null) continue;
        const rows = await conn.query("select array['sad']::public.mood[] as v");
        expect(rows).toEqual([{ v: ["sad"] }]);
      }
    });

    test("doesn't know temporary types of other sessions", async () => {
      await using other = await connectTo();
      await other.execute("create temp table elsewhere (n int)");
      await using conn = await connectTo();
      const infos = await TypeInfo.fetchAll(conn);
      expect(infos.some(({ name }) => name === "elsewhere")).toBe(false);
      const own = await TypeInfo.fetchAll(other);
      expect(own.some(({ name }) => name === "elsewhere")).toBe(true);
    });

    test.each([1, "yes", null, {}])("case %#: %j is no choice", async (fetchTypes) => {
      const error = await failureOf(() => connectTo({ fetchTypes } as object));
      expect(error).toBeInstanceOf(ProgrammingError);
      expect(error.message).toMatch(/^fetchTypes must be true or false, not /);
    });

    test.each(["f", "FALS", "n", "of", "off", "0", ""])(
      "is done with replication=%j, which says no",
      async (replication) => {
        await using conn = await connectTo({ replication });
        expect(await conn.query("select 'sad'::mood as m, $1::int4 as n", [1])).toEqual([
          { m: "sad", n: 1 },
        ]);
      },
    );

    test.each(["true", "on", "1", "yes", "t"])(
      "is refused with replication=%s",
      async (replication) => {
        const error = await failureOf(() => connectTo({ replication }));
        expect(error).toBeInstanceOf(ProgrammingError);
        expect(error.message).toMatch(/^fetchTypes needs SQL, which .* replication=/);
      },
    );
  });

  describe("when the server doesn't let itself be asked", () => {
    const asking = "select pid from pg_stat_activity where application_name = 'asks for types'";
    const named = { application_name: "asks for types" };

    test("for want of a privilege, connecting fails, and says what for", async () => {
      await administer(`
        drop role if exists blind;
        create role blind login`);
      await administer("revoke select on pg_catalog.pg_enum from public", { dbname: DATABASE });
      try {
        const error = await failureOf(() => connectTo({ user: "blind", ...named }));
        expect(error).toBeInstanceOf(errors.InsufficientPrivilege);
        expect(error.message).toMatch(
          /^fetchTypes could not ask for the types of the database: .*pg_enum/,
        );
        expect([error.code, error.diag.sqlstate]).toEqual(["42501", "42501"]);
        await eventually(async () => (await administer(asking)).length === 0);
        await using conn = await connectTo({ user: "blind", fetchTypes: false });
        await expectUsable(conn);
      } finally {
        await administer("grant select on pg_catalog.pg_enum to public", { dbname: DATABASE });
        await administer("drop role blind");
      }
    });

    test("in time, limits hold", async () => {
      await using other = await connectTo({ autocommit: false, fetchTypes: false });
      await other.execute("lock table pg_catalog.pg_enum in access exclusive mode");
      const options = { options: "-c statement_timeout=100", ...named };
      const error = await failureOf(() => connectTo(options));
      expect(error).toBeInstanceOf(errors.QueryCanceled);
      expect(error.message).toMatch(/^fetchTypes could not ask for .*statement timeout/);
      const late = await failureOf(() => connectTo({ connectTimeout: 300, ...named }));
      expect(late).toBeInstanceOf(errors.ConnectionTimeout);
      expect(late.message).toMatch(/longer than 300 ms/);
      if (shell === "async") {
        const stop = new AbortController();
        const connecting = failureOf(() => connectTo({ signal: stop.signal, ...named }));
        await eventually(async () => (await administer(asking)).length > 0);
        stop.abort();
        expect((await connecting).code).toBe("ERR_MAHOUT_ABORTED");
      }
      await other.rollback();
      await eventually(async () => (await administer(asking)).length === 0);
    });
  });

  test("a connection that is lost meanwhile is an error, and not a wait", async () => {
    const named = { application_name: `loses ${shell}` };
    await using other = await connectTo({ autocommit: false, fetchTypes: false });
    await other.execute("lock table pg_catalog.pg_enum in access exclusive mode");
    await using killer = await shells[0]?.connect({ dbname: DATABASE });
    // On the server, because one of the shells will have stopped the world here.
    const killing = killer?.execute(`do $$ begin
      for i in 1..1000 loop
        perform pg_sleep(0.01), pg_stat_clear_snapshot();
        perform pg_terminate_backend(pid) from pg_stat_activity
          where application_name = '${named.application_name}' and wait_event_type = 'Lock';
        exit when found;
      end loop;
    end $$`);
    await running(killer as AsyncConnection);
    const error = await failureOf(() => connectTo(named));
    expect(error).toBeInstanceOf(errors.OperationalError);
    expect(error.message).toMatch(/terminating connection/);
    await killing;
    await other.rollback();
  });

  describe("fetchAll", () => {
    test("gives what fetch gives for each type", async () => {
      await using conn = await connect({ dbname: DATABASE });
      const infos = await TypeInfo.fetchAll(conn);
      const expected = await conn.query<[number]>(
        `select oid from pg_type t where typtype in ('b', 'c', 'd', 'e', 'm', 'r')
          and (oid >= 16384 and not exists (select from pg_type e where e.typarray = t.oid)
            or typtype = 'd' or oid = 'pg_class'::regtype) order by oid`,
        [],
        { rowFactory: tupleRow as never },
      );
      expect(infos.map(({ oid }) => oid)).toEqual(expected.map(([oid]) => oid));
      for (const info of infos) expect(info).toStrictEqual(await TypeInfo.fetch(conn, info.oid));
      await expectUsable(conn);
    });

    test("of a class gives those of this class", async () => {
      await using conn = await connect({ dbname: DATABASE });
      const enums = await EnumInfo.fetchAll(conn);
      expect(enums.map(({ regtype }) => regtype)).toEqual(["mood", `"Far Away"."Mood ""x"""`]);
      expect(enums[0]?.labels).toEqual(["sad", `it's "fine"`, ""]);
      const composites = await CompositeInfo.fetchAll(conn, { timeout: 30_000 });
      expect(composites.map(({ name }) => name)).toEqual(
        expect.arrayContaining(["point2", "person", "items", "seen", "pg_class"]),
      );
    });

    test("works in a transaction, and is refused on a closed connection", async () => {
      await using conn = await connect({ dbname: DATABASE });
      const tx = await conn.transaction();
      await conn.execute("create type late as enum ('x')");
      expect((await EnumInfo.fetchAll(conn)).map(({ name }) => name)).toContain("late");
      expect(conn.info.transactionStatus).toBe("inTransaction");
      await tx.rollback();
      expect((await EnumInfo.fetchAll(conn)).map(({ name }) => name)).not.toContain("late");
      await conn.close();
      expect((await failureOf(() => TypeInfo.fetchAll(conn))).code).toBe(
        "ERR_MAHOUT_CONNECTION_CLOSED",
      );
    });
  });

  describe("what the program registers counts", () => {
    const text =
      "select 'sad'::mood as one, '{sad}'::mood[] as list, ('x', 'sad', 1, null, null, null, null)::app.person as who";
    const values = { sad: 1, [`it's "fine"`]: 2, "": 3 };

    async function expectMapped(conn: AsyncConnection): Promise<void> {
      const [row] = await conn.query(text);
      expect(row).toMatchObject({ one: 1, list: [1], who: { name: "x", feels: 1 } });
      expect(await conn.query("select $1::mood[]::text as v", [[3, 1]])).toEqual([
        { v: '{"",sad}' },
      ]);
    }

    async function mood(): Promise<EnumInfo> {
      await using conn = await connect({ dbname: DATABASE });
      return await EnumInfo.fetch(conn, "mood");
    }

    test("before, for the program or in a map", async () => {
      const info = await mood();
      const adapters = new AdaptersMap(globalAdapters);
      registerEnum(info, adapters, values);
      await using conn = await connectTo({ adapters });
      await expectMapped(conn);
      registerEnum(info, undefined, values);
      await using other = await connectTo();
      await expectMapped(other);
    });

    test("after, for the connection, the cursor and by name", async () => {
      await using conn = await connectTo();
      registerEnum(await mood(), conn, values);
      await expectMapped(conn);
      registerTypes(await TypeInfo.fetchAll(conn), conn);
      await expectMapped(conn);

      await using other = await connectTo();
      const cur = other.cursor();
      registerEnum(await mood(), cur, values);
      expect(await (await cur.execute(text)).fetchOne()).toMatchObject({ one: 1, list: [1] });
      expect(await other.query("select 'sad'::mood as one")).toEqual([{ one: "sad" }]);
      other.adapters.registerLoader("mood", () => "loaded");
      other.adapters.registerDumper("app.point2", (value) => [value, value]);
      expect(await other.query(text)).toMatchObject([
        { one: "loaded", list: ["loaded"], who: { feels: "loaded" } },
      ]);
      expect(await other.query("select $1::app.point2::text as v", [7])).toEqual([{ v: "(7,7)" }]);
    });

    test("a class for a composite, in others too", async () => {
      class Point {
        readonly x: number;
        constructor({ x }: { x: number }) {
          this.x = x;
        }
      }
      await using conn = await connectTo();
      registerComposite(await CompositeInfo.fetch(conn, "app.point2"), conn, { factory: Point });
      const [row] = await conn.query("select i from items i where id = 1");
      expect((row as { i: { size: unknown } }).i.size).toBeInstanceOf(Point);
    });

    test("registering what consists of others leaves these as they are", async () => {
      await using conn = await connectTo();
      await conn.execute("create type pg_temp.bag as (h hstore, c citext[])");
      (await TypeInfo.fetch(conn, "pg_temp.bag")).register(conn);
      (await TypeInfo.fetch(conn, "hstore")).register(conn);
      expect(await conn.query("select ('a=>1', '{x}')::pg_temp.bag as b")).toEqual([
        { b: { h: { a: "1" }, c: ["x"] } },
      ]);
    });
  });

  describe("types that come and go", () => {
    test("later ones are known once they were fetched", async () => {
      await using conn = await connectTo();
      await conn.execute("create type later as enum ('a'); create table lately (l later[])");
      try {
        await conn.execute("insert into lately values ('{a}')");
        const text = "select l, lately as r from lately";
        expect(await conn.query(text)).toEqual([{ l: "{a}", r: "({a})" }]);
        registerTypes(await TypeInfo.fetchAll(conn), conn);
        expect(await conn.query(text)).toEqual([{ l: ["a"], r: { l: ["a"] } }]);
        await conn.execute("alter type later add value 'b'");
        const error = await failureOf(() => conn.query("select $1::later", ["b"]));
        expect(error.code).toBe("ERR_MAHOUT_NO_SUCH_LABEL");
        registerTypes(await EnumInfo.fetchAll(conn), conn);
        expect(await conn.query("select $1::later as l", ["b"])).toEqual([{ l: "b" }]);
        await conn.execute("alter table lately add column n int default 1");
        expect((await failureOf(() => conn.query(text))).code).toBe("ERR_MAHOUT_TYPE_CHANGED");
        registerTypes(await TypeInfo.fetchAll(conn), conn);
        expect(await conn.query(text)).toEqual([{ l: ["a"], r: { l: ["a"], n: 1 } }]);
      } finally {
        await conn.execute("drop table lately; drop type later");
      }
      expect(await conn.query("select 'sad'::mood as m, array['sad']::mood[] as l")).toEqual([
        { m: "sad", l: ["sad"] },
      ]);
      await expectUsable(conn);
    });

    test("one that is registered by itself brings what it consists of as it is by then", async () => {
      await using conn = await connectTo();
      await conn.execute("create type lately as enum ('a'); create type holder as (l lately)");
      try {
        registerTypes(await TypeInfo.fetchAll(conn), conn);
        await conn.execute("alter type lately add value 'b'");
        (await TypeInfo.fetch(conn, "holder")).register(conn);
        expect(
          await conn.query("select $1::holder as h, $2::lately as l", [{ l: "b" }, "b"]),
        ).toEqual([{ h: { l: "b" }, l: "b" }]);
      } finally {
        await conn.execute("drop type holder, lately");
      }
    });

    test("some of them can be registered, for the program too, and for maps", async () => {
      await using conn = await connect({ dbname: DATABASE });
      const infos = await TypeInfo.fetchAll(conn);
      registerTypes(infos.filter(({ name }) => name === "person"));
      await using other = await connect({ dbname: DATABASE });
      // With what it consists of, but nothing else.
      expect(
        await other.query(
          "select null::app.person[] as p, '{sad}'::mood[] as m, '[1,2)'::floats as f",
        ),
      ).toEqual([{ p: null, m: ["sad"], f: "[1,2)" }]);
      const map = new AdaptersMap(globalAdapters);
      registerTypes([], map);
      registerTypes(infos, map);
      await using third = await connect({ dbname: DATABASE, adapters: map });
      expect(await third.query("select '[1,2)'::floats as f")).toEqual([{ f: new Range(1, 2) }]);
    });

    test.each([[null], [7], ["mood"], [[1]], [[undefined]], [{}]])(
      "case %#: %j is no list of them",
      (infos) => {
        expect(() => registerTypes(infos as never, globalAdapters)).toThrow(ProgrammingError);
      },
    );

    test("what has no adapters is refused", async () => {
      await using conn = await connect({ dbname: DATABASE });
      const infos = await TypeInfo.fetchAll(conn);
      expect(() => registerTypes(infos, {} as never)).toThrow(/types are registered for/);
    });
  });
});
