// The types of a database, made known without naming them when connecting: to every kind of connection, without a
// trace, and what becomes of a server that doesn't let itself be asked.

import { describe, expect, test } from "@jest/globals";
import { type AsyncConnection, errors, ProgrammingError, TypeInfo } from "../../src/index.ts";
import { administer, eventually, expectUsable, failureOf, running } from "../support/shells.ts";
import { fetchTypesStage, knowingTypes } from "./fetch-types-stage.ts";

const stage = fetchTypesStage();

describe.each(stage.shells)("in the $name shell", (each) => {
  const { name: shell, connect } = each;
  const connectTo = knowingTypes(each);

  describe("when connecting", () => {
    test("a value without it is text, or refused", async () => {
      await using conn = await connect();
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
      await stage.administer("revoke select on pg_catalog.pg_enum from public");
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
        await stage.administer("grant select on pg_catalog.pg_enum to public");
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
    await using killer = await stage.shells[0]?.connect();
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
});
