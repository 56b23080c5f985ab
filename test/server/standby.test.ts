// target_session_attrs on a real primary and a standby that streams from it: all six values, in either order
// of the hosts, and again after the standby was promoted and the former primary has gone.

import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { AsyncConnection } from "../../src/index.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { askOnce } from "../support/sessions.ts";
import { eventually, failureOf, shells } from "../support/shells.ts";

let primary: TestServer;
let standby: TestServer;

beforeAll(async () => {
  primary = await startServer({ settings: { wal_keep_size: "64MB" } });
  standby = await startServer({ standbyOf: primary });
  await eventually(async () => {
    const rows = await primary.administer("select state from pg_stat_replication");
    return rows[0]?.[0] === "streaming";
  });
});

afterAll(async () => {
  await standby.stop();
  await primary.stop();
});

const PORT = "select inet_server_port()";
type Name = "primary" | "standby";

/** Both servers in that order, and a wish. */
function both(order: readonly Name[], wanted: string, more: object = {}): object {
  const ports = { primary: primary.port, standby: standby.port };
  return {
    ...primary.conninfo({ target_session_attrs: wanted }),
    host: "127.0.0.1,127.0.0.1",
    port: order.map((name) => ports[name]).join(),
    ...more,
  };
}

const orders: readonly (readonly [Name, Name])[] = [
  ["primary", "standby"],
  ["standby", "primary"],
];
const wishes: readonly (readonly [string, Name | "first"])[] = [
  ["any", "first"],
  ["read-write", "primary"],
  ["read-only", "standby"],
  ["primary", "primary"],
  ["standby", "standby"],
  ["prefer-standby", "standby"],
];
const cases = orders.flatMap((order) =>
  wishes.map(([wanted, found]) => ({ order, wanted, found: found === "first" ? order[0] : found })),
);

describe("a primary and its standby", () => {
  describe.each(shells)("$name", ({ Connection }) => {
    test.each(cases)("$wanted of $order: the $found", async ({ order, wanted, found }) => {
      const port = found === "primary" ? primary.port : standby.port;
      for (const more of [{}, { load_balance_hosts: "random" }]) {
        if (wanted === "any" && "load_balance_hosts" in more) continue;
        const connecting = Connection.connect(both(order, wanted, more));
        expect(await askOnce(connecting, PORT)).toBe(port);
      }
    });

    test.each([
      ["standby", "primary", "the server is not a standby"],
      ["read-only", "primary", "the session is not read-only"],
      ["primary", "standby", "the server is a standby"],
      ["read-write", "standby", "the session is read-only"],
    ] as const)("%s where there is only a %s: why not", async (wanted, only, reason) => {
      const target = both([only, only], wanted);
      const error = await failureOf(() => Connection.connect(target));
      expect(error.message).toContain(`${reason}, but target_session_attrs asks for ${wanted}`);
    });

    test("prefer-standby is content with a primary", async () => {
      const connecting = Connection.connect(both(["primary", "primary"], "prefer-standby"));
      expect(await askOnce(connecting, PORT)).toBe(primary.port);
    });

    // What goes before a statement goes alone before a text with several.
    test("a refused implicit BEGIN leaves the connection outside of transactions", async () => {
      const conn = await Connection.connect(standby.conninfo());
      try {
        conn.autocommit = false;
        conn.readOnly = false;
        const error = await failureOf(() => conn.execute("select 1; select 2"));
        expect(error.message).toContain("cannot set transaction read-write mode during recovery");
        conn.readOnly = null;
        await conn.execute("select 1");
        expect(conn.info.transactionStatus).toBe("inTransaction");
      } finally {
        await conn.close();
      }
    });

    test("a standby is pinged as any server", async () => {
      expect(await Connection.ping(standby.conninfo())).toBe("accepts");
    });
  });

  test("what the primary writes is read on the standby", async () => {
    await primary.administer("create table written as select 42 as n");
    await using conn = await AsyncConnection.connect(both(["primary", "standby"], "standby"));
    const exists = "select to_regclass('written') is not null as there";
    await eventually(async () => (await conn.query(exists))[0]?.["there"] === true);
    expect(await conn.query("select n from written")).toEqual([{ n: 42 }]);
    expect((await failureOf(() => conn.query("delete from written"))).sqlstate).toBe("25006");
  });
});

describe("after a promotion", () => {
  beforeAll(async () => {
    await standby.administer("select pg_promote()");
    primary.kill("SIGINT");
    await primary.exited;
  });

  describe.each(shells)("$name", ({ Connection }) => {
    test.each(["any", "read-write", "primary", "prefer-standby"])(
      "%s is the former standby",
      async (wanted) => {
        for (const order of orders) {
          const connecting = Connection.connect(both(order, wanted));
          expect(await askOnce(connecting, PORT)).toBe(standby.port);
        }
      },
    );

    test.each(["read-only", "standby"])("%s there is none any more", async (wanted) => {
      const error = await failureOf(() => Connection.connect(both(orders[0] ?? [], wanted)));
      expect(error.message).toMatch(/ECONNREFUSED[^]*asks for/);
    });
  });
});
