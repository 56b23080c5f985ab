// Pools on servers that go away, freeze, refuse, or change their role; and many users on few connections.

import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { AsyncConnection, PoolEvent } from "../../src/index.ts";
import { ConnectionPool, errors, MahoutError, PoolTimeout } from "../../src/index.ts";
import { FaultProxy } from "../support/fault-proxy.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { eventually, expectUsable, failureOf } from "../support/shells.ts";
import { newGate, newPool, pidOf, untilSize } from "./pools.ts";

let server: TestServer;

beforeAll(async () => {
  server = await startServer();
}, 60_000);

afterAll(async () => {
  await server.stop();
});

/** Users who go on for ever, each with one statement after the other; errors are theirs to see. */
class Load {
  served = 0;
  readonly errors: Error[] = [];
  #over = false;
  readonly #users: Promise<void>[];

  constructor(pool: ConnectionPool, count: number) {
    this.#users = Array.from({ length: count }, () => this.#use(pool));
  }

  async #use(pool: ConnectionPool): Promise<void> {
    while (!this.#over) {
      try {
        await pool.connection((conn) => conn.query("select 1 as n"));
        this.served++;
      } catch (error) {
        this.errors.push(error as Error);
        await sleep(5);
      }
    }
  }

  /** Waits until every user has been served about once more. */
  async untilServing(): Promise<void> {
    const before = this.served;
    await eventually(() => this.served > before + this.#users.length);
  }

  async stop(): Promise<void> {
    this.#over = true;
    await Promise.all(this.#users);
  }
}

describe("a server that restarts", () => {
  test.each(["fast", "immediate"] as const)(
    "(%s) under the load of 200 users: only what was in flight fails, and service is back within 1 s",
    async (mode) => {
      const pool = newPool({ minSize: 2, maxSize: 10 }, server);
      const load = new Load(pool, 200);
      await load.untilServing();
      await server.restart({ mode });
      const accepting = Date.now();
      await eventually(async () => (await failureOfProbe(server)) === null);
      await load.untilServing();
      const took = Date.now() - accepting;
      const again = Date.now();
      await load.untilServing();
      // On a busy machine serving everybody takes its time, outage or not.
      const usual = Date.now() - again;
      await load.stop();
      expect(took).toBeLessThan(1_000 + 4 * usual);
      // One statement at a time on ten connections, and perhaps one that was lent in the same moment.
      expect(load.errors.length).toBeLessThanOrEqual(20);
      for (const error of load.errors) expect(error).toBeInstanceOf(MahoutError);
      expect(load.errors.filter((error) => error instanceof PoolTimeout)).toEqual([]);
      expect(pool.getStats()).toMatchObject({ requestsWaiting: 0 });
      await untilSize(pool, 10);
    },
    60_000,
  );

  test("all sessions killed at once", async () => {
    const pool = newPool({ minSize: 5, maxSize: 5 }, server);
    await pool.open({ wait: true });
    const load = new Load(pool, 50);
    await load.untilServing();
    await server.administer(
      "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and backend_type = 'client backend'",
    );
    await load.untilServing();
    await load.stop();
    expect(load.errors.length).toBeLessThanOrEqual(10);
    await untilSize(pool, 5);
    expect(pool.getStats().connectionsLost).toBeGreaterThan(0);
  });

  test("idle connections are replaced without anybody asking", async () => {
    const pool = newPool({ minSize: 3, maxSize: 5 }, server);
    await pool.open({ wait: true });
    const old = await pidOf(pool);
    await server.restart();
    await eventually(() => pool.getStats().connectionsLost === 3);
    await untilSize(pool, 3);
    expect(await pidOf(pool)).not.toBe(old);
  });

  test("gives up after reconnectTimeout while nobody asks, and goes on when somebody does", async () => {
    let calls = 0;
    const pool = newPool(
      { minSize: 1, maxSize: 2, reconnectTimeout: 1_000, reconnectFailed: () => void calls++ },
      server,
    );
    const events: PoolEvent[] = [];
    pool.watch((event) => events.push(event));
    await pool.open({ wait: true });
    const { exited } = server;
    server.kill("SIGINT");
    await exited;
    await eventually(() => calls === 1);
    const attempts = pool.getStats().connectionsErrors;
    await sleep(200);
    expect(pool.getStats().connectionsErrors).toBe(attempts);
    expect(events.filter(({ kind }) => kind === "reconnectFailed")).toHaveLength(1);
    const served = pool.connection((conn) => expectUsable(conn));
    await eventually(() => pool.getStats().connectionsErrors > attempts);
    await server.start();
    await served;
    expect(calls).toBe(1);
  });
});

async function failureOfProbe(target: TestServer): Promise<Error | null> {
  return await target.administer("select 1").then(
    () => null,
    (error: Error) => error,
  );
}

describe("a server that is frozen", () => {
  test("costs those who wait their own timeout, and nothing is lost when it thaws", async () => {
    const pool = newPool({ minSize: 1, maxSize: 3, timeout: 150 }, server);
    await pool.open({ wait: true });
    const proxyless = await pool.getConn();
    server.kill("SIGSTOP");
    try {
      const failures = await Promise.all(
        [1, 2, 3, 4].map(() => failureOf(() => pool.connection(() => {}))),
      );
      for (const error of failures) expect(error).toBeInstanceOf(PoolTimeout);
      expect(pool.getStats().requestsWaiting).toBe(0);
    } finally {
      server.kill("SIGCONT");
    }
    await pool.putConn(proxyless);
    await Promise.all(
      [1, 2, 3].map(() => pool.connection((conn) => expectUsable(conn), { timeout: 10_000 })),
    );
    // Those that were asked for during the frost have come late, and are kept.
    await eventually(() => pool.getStats().poolConnecting === 0);
    expect(pool.getStats().poolAvailable).toBe(pool.getStats().poolSize);
  });

  test("closing is bounded", async () => {
    await using proxy = await FaultProxy.start(server);
    const pool = new ConnectionPool(proxy.conninfo(), { minSize: 2, maxSize: 2 });
    await pool.open({ wait: true });
    const conn = await pool.getConn();
    await proxy.inflict({ do: "freeze" }, { newcomers: true });
    const running = failureOf(() => conn.query("select 1"));
    const began = Date.now();
    await pool.close(50);
    expect(Date.now() - began).toBeLessThan(15_000);
    expect(await running).toBeInstanceOf(MahoutError);
    await proxy.closed();
  });

  test("a failover behind silent connections costs one check, not one each", async () => {
    await using proxy = await FaultProxy.start(server);
    const pool = new ConnectionPool(proxy.conninfo(), {
      minSize: 4,
      maxSize: 4,
      checkTimeout: 100,
      check: ConnectionPool.checkConnection,
    });
    await pool.open({ wait: true });
    await proxy.inflict({ do: "freeze" });
    await pool.connection((conn) => expectUsable(conn), { timeout: 10_000 });
    expect(pool.getStats()).toMatchObject({ checksFailed: 1, connectionsRetired: 3 });
    await proxy.heal();
    await pool.close();
    await proxy.closed();
  });
});

describe("a server that refuses", () => {
  test("more than max_connections: what there is is shared, and nobody fails", async () => {
    await using small = await startServer({
      settings: { max_connections: "8", superuser_reserved_connections: "0" },
    });
    const pool = newPool({ minSize: 0, maxSize: 20 }, small);
    const users = Array.from({ length: 60 }, () =>
      pool.connection(async (conn) => {
        await conn.query("select pg_sleep(0.01)");
        return 1;
      }),
    );
    expect((await Promise.all(users)).length).toBe(60);
    expect(pool.getStats().connectionsErrors).toBeGreaterThan(0);
    const { poolSize, poolConnecting } = pool.getStats();
    expect(poolSize - poolConnecting).toBeLessThanOrEqual(8);
    await pool.close();
  });

  test("a password that is wrong from now on: those who wait are told at once", async () => {
    await using strict = await startServer({ hba: ["host all strict 127.0.0.1/32 scram-sha-256"] });
    await strict.administer("create role strict login superuser password 'first'");
    let password = "first";
    const pool = new ConnectionPool(() => strict.conninfo({ user: "strict", password }), {
      minSize: 0,
    });
    await pool.connection((conn) => expectUsable(conn));
    password = "second";
    pool.drain();
    await eventually(() => pool.getStats().poolClosing === 0);
    const failures = await Promise.all([1, 2, 3].map(() => failureOf(() => pool.getConn())));
    for (const error of failures) expect(error).toBeInstanceOf(errors.InvalidPassword);
    password = "first";
    await eventually(() =>
      pool.getConn().then(
        (conn) => pool.putConn(conn).then(() => true),
        () => false,
      ),
    );
    await pool.close();
  });

  test("a primary that was switched over is found by the check", async () => {
    await using other = await startServer();
    const [one, two] = [server.conninfo(), other.conninfo()];
    const pool = new ConnectionPool(
      {
        ...one,
        host: `${String(one["host"])},${String(two["host"])}`,
        port: `${String(one["port"])},${String(two["port"])}`,
        target_session_attrs: "read-write",
      },
      {
        minSize: 3,
        maxSize: 3,
        check: async (conn) => {
          const [row] = await conn.query<{ isOn: string }>(
            "select current_setting('transaction_read_only') as \"isOn\"",
          );
          if (row?.isOn !== "off") throw new Error("it is no primary any more");
        },
      },
    );
    const port = (conn: AsyncConnection): number => conn.info.port;
    await pool.open({ wait: true });
    expect(await pool.connection(port)).toBe(one["port"]);
    const set = (to: string): Promise<unknown> =>
      server.administer(`alter system set default_transaction_read_only to ${to}`);
    await set("on");
    try {
      await server.administer("select pg_reload_conf()");
      await eventually(async () => (await pool.connection(port)) === two["port"]);
      await untilSize(pool, 3);
      expect(pool.getStats()).toMatchObject({ checksFailed: 1, connectionsRetired: 2 });
    } finally {
      await pool.close();
      await server.administer("alter system reset default_transaction_read_only");
      await server.administer("select pg_reload_conf()");
    }
  });
});

describe("many users", () => {
  test("5,000 on 10 connections, in their order", async () => {
    const pool = newPool({ minSize: 10, maxSize: 10 }, server);
    await pool.open({ wait: true });
    const order: number[] = [];
    const users = Array.from({ length: 5_000 }, (_, n) =>
      pool.connection((conn) => {
        order.push(n);
        return conn.query<{ n: number }>("select $1::int as n", [n]);
      }),
    );
    const answers = await Promise.all(users);
    expect(answers.map(([row]) => row?.n)).toEqual(answers.map((_, n) => n));
    expect(order).toEqual(answers.map((_, n) => n));
    expect(pool.getStats()).toMatchObject({ poolSize: 10, requestsNum: 5_000, connectionsNum: 10 });
  });

  test("some of whom give up: nothing is lost", async () => {
    const pool = newPool({ minSize: 3, maxSize: 3 }, server);
    const gate = newGate();
    const holders = [1, 2, 3].map(() => pool.connection(() => gate.passed));
    const users = Array.from({ length: 1_000 }, (_, n) =>
      pool
        .connection((conn) => conn.query("select 1"), { timeout: n % 3 === 0 ? 5 : 10_000 })
        .then(
          () => "served",
          (error: Error) => error.name,
        ),
    );
    await eventually(() => pool.getStats().requestsErrors >= 334);
    gate.open();
    await Promise.all(holders);
    const outcomes = await Promise.all(users);
    expect(outcomes.filter((one) => one === "served")).toHaveLength(666);
    expect(outcomes.filter((one) => one === "PoolTimeout")).toHaveLength(334);
    expect(pool.getStats()).toMatchObject({ poolSize: 3, poolAvailable: 3 });
  });
});
