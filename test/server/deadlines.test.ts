// Limits of a connection and of its calls, through a network that does not do its part: what each error
// says of the statement, and what of the connection.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import {
  type AsyncConnection,
  CancellationTimeout,
  type ConnectOptions,
  errors,
  OperationalError,
  ProgrammingError,
} from "../../src/index.ts";
import { FaultProxy } from "../support/fault-proxy.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { eventually, expectUsable, failureOf, type Shell, shells } from "../support/shells.ts";

const FOREVER = "select pg_sleep(60)";
const TIMED_OUT = {
  name: "QueryCanceled",
  sqlstate: "57014",
  code: "ERR_MAHOUT_STATEMENT_TIMEOUT",
};
const GIVEN_UP = { name: "CancellationTimeout", code: "ERR_MAHOUT_CANCELLATION_TIMEOUT" };

let server: TestServer;
let proxy: FaultProxy;

beforeAll(async () => {
  server = await startServer({ tls: true });
}, 60_000);

afterAll(async () => {
  await server.stop();
});

beforeEach(async () => {
  proxy = await FaultProxy.start(server);
});

afterEach(async () => {
  await proxy.closed();
  await proxy.stop();
});

function reach(shell: Shell, options: ConnectOptions = {}): Promise<AsyncConnection> {
  // What was frozen arrives in the end, and its sender is gone by then: the server shall look.
  const settings = "-c client_connection_check_interval=50";
  return shell.Connection.connect(
    proxy.conninfo({ sslmode: "disable", options: settings }),
    options,
  );
}

describe.each(shells)("$name shell", (shell) => {
  test("statementTimeout is for every statement whose call names no other", async () => {
    await using conn = await reach(shell, { statementTimeout: 30 });
    expect(conn.statementTimeout).toBe(30);
    for (const run of [
      () => conn.query(FOREVER),
      () => conn.execute("select pg_sleep($1)", [60]),
      () => conn.cursor().execute(FOREVER),
    ]) {
      const error = await failureOf(run);
      expect(error).toMatchObject({ ...TIMED_OUT, outcome: "cancelled" });
      expect(error.message).toContain("timeout of 30 ms");
    }
    const own = await failureOf(() => conn.query(FOREVER, [], { timeout: 10 }));
    expect(own.message).toContain("timeout of 10 ms");
    const text = "select 1 as n from pg_sleep(0.1)";
    for (const timeout of [10_000, Infinity]) {
      expect(await conn.query(text, [], { timeout })).toEqual([{ n: 1 }]);
    }
    conn.statementTimeout = null;
    expect(await conn.query(text)).toEqual([{ n: 1 }]);
    await expectUsable(conn);
  });

  test.each([undefined, null, Infinity])(
    "statementTimeout %p is none",
    async (statementTimeout) => {
      const options = statementTimeout === undefined ? {} : { statementTimeout };
      await using conn = await reach(shell, options);
      expect(await conn.query("select 1 as n from pg_sleep(0.05)")).toEqual([{ n: 1 }]);
    },
  );

  test.each([
    ["statementTimeout", -1],
    ["statementTimeout", "5"],
    ["cancelTimeout", NaN],
    ["cancelTimeout", "x"],
  ])("%s of %p is refused", async (name, value) => {
    const error = await failureOf(() => reach(shell, { [name]: value } as ConnectOptions));
    expect(error).toBeInstanceOf(ProgrammingError);
    expect(error.message).toMatch(`${name} must be a number of milliseconds, not `);
  });

  test("in a transaction the block goes on to its rollback", async () => {
    await using conn = await reach(shell, { statementTimeout: 30 });
    await conn.execute("begin");
    expect(await failureOf(() => conn.query(FOREVER))).toMatchObject(TIMED_OUT);
    await conn.execute("rollback");
    await expectUsable(conn);
  });

  // The request arrives while the server waits for the second half of a statement: it is forgotten there.
  test("a cancel request that comes too early is made again", async () => {
    await using conn = await reach(shell);
    await proxy.arm("endless", { do: "delay", milliseconds: 150 }, { direction: "toClient" });
    const text = "select pg_sleep($1) as endless";
    const error = await failureOf(() => conn.query(text, [60], { timeout: 40 }));
    expect(error).toMatchObject({ ...TIMED_OUT, outcome: "cancelled" });
    await proxy.heal();
    await expectUsable(conn);
  });

  test.each(["freeze", "hole"] as const)(
    "a server that does not answer (%s) costs cancelTimeout, and the connection",
    async (kind) => {
      await using conn = await reach(shell, { cancelTimeout: 80 });
      await proxy.inflict({ do: kind }, { newcomers: true });
      const error = await failureOf(() => conn.query(FOREVER, [], { timeout: 30 }));
      expect(error).toBeInstanceOf(CancellationTimeout);
      expect(error.outcome).toBe("unknown");
      expect([conn.closed, conn.broken, conn.disconnected.aborted]).toEqual([true, true, true]);
      const next = await failureOf(() => conn.query("select 1"));
      expect(next).toMatchObject({ code: "ERR_MAHOUT_CONNECTION_CLOSED", outcome: "not sent" });
      expect(next.cause).toBeInstanceOf(CancellationTimeout);
    },
  );

  test("no way to cancel: the error says so, and why", async () => {
    await using conn = await reach(shell, { cancelTimeout: 60 });
    await proxy.admit("refuse");
    const error = await failureOf(() => conn.query(FOREVER, [], { timeout: 20 }));
    expect(error).toMatchObject({ ...GIVEN_UP, outcome: "unknown" });
    expect(error.message).toMatch(/^a statement could not be cancelled in time; /);
    expect(error.cause).toBeInstanceOf(OperationalError);
    expect(error.cause).toMatchObject({ code: "ERR_MAHOUT_CONNECT" });
  });

  test("a lost connection leaves open what became of the statement", async () => {
    await using conn = await reach(shell);
    await proxy.arm("lost", { do: "reset" }, { direction: "toServer" });
    const error = await failureOf(() => conn.query("select pg_sleep(0.02) as lost"));
    expect(error).toMatchObject({ code: "ERR_MAHOUT_CONNECTION_LOST", outcome: "unknown" });
  });

  test("other errors say nothing of it", async () => {
    await using conn = await reach(shell);
    expect((await failureOf(() => conn.query("select 1/0"))).outcome).toBeNull();
    await conn.execute("set statement_timeout = 10");
    const error = await failureOf(() => conn.query(FOREVER));
    expect(error).toMatchObject({ name: "QueryCanceled", code: "57014", outcome: "cancelled" });
  });

  test.each(["disable", "require"])(
    "tcp_user_timeout finds a peer that takes nothing (sslmode %s)",
    async (sslmode) => {
      const conninfo = proxy.conninfo({ sslmode, tcp_user_timeout: 1_000 });
      await using conn = await shell.Connection.connect(conninfo);
      const much = "x".repeat(32 * 1024 * 1024);
      expect(await conn.query("select length($1) as n", [much])).toEqual([{ n: much.length }]);
      await proxy.inflict({ do: "deaf" }, { direction: "toServer" });
      const error = await failureOf(() => conn.query("select length($1) as n", [much]));
      expect(error).toMatchObject({ code: "ERR_MAHOUT_CONNECTION_LOST", outcome: "unknown" });
      expect(error.message).toMatch(/tcp_user_timeout allows \(1000 ms\)/);
      expect(error.cause).toMatchObject({ code: "ETIMEDOUT" });
      expect([conn.closed, conn.broken]).toEqual([true, true]);
    },
  );

  test("tcp_user_timeout does not mind a peer that is slow", async () => {
    await using conn = await shell.Connection.connect(
      proxy.conninfo({ sslmode: "disable", tcp_user_timeout: 300 }),
    );
    await proxy.inflict({ do: "delay", milliseconds: 20 }, { direction: "toServer" });
    const much = "x".repeat(4 * 1024 * 1024);
    const start = performance.now();
    expect(await conn.query("select length($1) as n", [much])).toEqual([{ n: much.length }]);
    expect(performance.now() - start).toBeGreaterThan(300);
    await expectUsable(conn);
  });
});

const [shell, blocking] = shells as [Shell, Shell];

describe("async shell: limits", () => {
  test("what waits is withdrawn untouched by its own limit", async () => {
    await using conn = await reach(shell, { statementTimeout: 200 });
    await conn.execute("create temp table t (n int)");
    const first = conn.query("select 1 as n from pg_sleep(0.1)");
    const second = conn.query("insert into t values (2)", [], { timeout: 10 });
    const third = conn.query("insert into t values (3)", [], { signal: AbortSignal.timeout(10) });
    expect(await failureOf(() => second)).toMatchObject({ ...TIMED_OUT, outcome: "not sent" });
    expect(await failureOf(() => third)).toMatchObject({
      name: "QueryCanceled",
      code: "ERR_MAHOUT_ABORTED",
      outcome: "not sent",
    });
    expect(await first).toEqual([{ n: 1 }]);
    expect(await conn.query("select n from t")).toEqual([]);
  });

  test("those behind a statement that took the connection with it were not sent", async () => {
    await using conn = await reach(shell, { cancelTimeout: 50 });
    await proxy.inflict({ do: "freeze" }, { newcomers: true });
    const calls = [
      conn.query("select 1", [], { timeout: 20 }),
      conn.query("select 2"),
      conn.query("select 3", [], { timeout: 10_000 }),
    ];
    const failures = await Promise.all(calls.map((call) => failureOf(() => call)));
    expect(failures.map(({ name, outcome }) => [name, outcome])).toEqual([
      ["CancellationTimeout", "unknown"],
      ["CancellationTimeout", "not sent"],
      ["CancellationTimeout", "not sent"],
    ]);
  });

  test("a cancel request that could not be made is made again", async () => {
    await using conn = await reach(shell);
    await proxy.admit("drop");
    const healed = proxy.until(() => proxy.accepted >= 3).then(() => proxy.admit("pass"));
    const error = await failureOf(() => conn.query(FOREVER, [], { timeout: 20 }));
    expect(error).toMatchObject({ ...TIMED_OUT, outcome: "cancelled" });
    await healed;
    await expectUsable(conn);
  });

  // The COPY has ended before the request has: who is told that it has may use the connection, or may not.
  test("a COPY that took too long has ended, and the cancel request with it, when its call has", async () => {
    await using conn = await reach(shell, { cancelTimeout: 200 });
    await conn.execute("create temp table t (n int)");
    const newcomers = "only" as const;
    await proxy.inflict({ do: "hole" }, { direction: "toClient", newcomers });
    const error = await failureOf(() =>
      conn.cursor().copy("copy t from stdin", [], { timeout: 30 }, async (copy) => {
        for (;;) {
          await copy.write("1\n");
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      }),
    );
    expect(error).toBeInstanceOf(OperationalError);
    expect([conn.closed, conn.broken]).toEqual([true, true]);
  });

  test("a signal says who cancelled, and that it was cancelled", async () => {
    await using conn = await reach(shell);
    const error = await failureOf(() =>
      conn.query(FOREVER, [], { signal: AbortSignal.timeout(30) }),
    );
    expect(error).toBeInstanceOf(errors.QueryCanceled);
    expect(error).toMatchObject({ code: "ERR_MAHOUT_ABORTED", outcome: "cancelled" });
  });
});

describe("async shell: the idle probe", () => {
  const probe = { interval: 20, timeout: 60 };
  /** For a peer that answers, however busy the machine is. */
  const patient = { ...probe, timeout: 10_000 };
  const connectProbing = (options = probe): Promise<AsyncConnection> =>
    shell.Connection.connect(proxy.conninfo({ sslmode: "disable" }), { probe: options });

  test("asks an idle connection, which goes on, in every state", async () => {
    await using conn = await connectProbing(patient);
    const asked = async (): Promise<void> => {
      const { answered } = proxy;
      // ReadyForQuery has six bytes.
      await eventually(() => proxy.answered >= answered + 12);
    };
    await asked();
    await expectUsable(conn);
    await conn.execute("begin");
    await failureOf(() => conn.query("select 1/0"));
    await asked();
    expect(conn.info.transactionStatus).toBe("inError");
    await conn.execute("rollback");
    await expectUsable(conn);
  });

  test("leaves a pipeline alone, whose series a Sync would end", async () => {
    await using conn = await connectProbing(patient);
    await conn.execute("create temp table t (n int)");
    const error = await failureOf(() =>
      conn.pipeline(async (pipe) => {
        await pipe.query("insert into t values (1)");
        const { answered } = proxy;
        await new Promise((resolve) => setTimeout(resolve, 4 * probe.interval));
        expect(proxy.answered).toBe(answered);
        await pipe.query("select 1/0");
      }),
    );
    expect(error).toBeInstanceOf(errors.DivisionByZero);
    expect(await conn.query("select n from t")).toEqual([]);
  });

  test("leaves a connection alone that is being used", async () => {
    await using conn = await connectProbing();
    await proxy.inflict({ do: "delay", milliseconds: 150 }, { direction: "toClient" });
    expect(await conn.query("select 1 as n from pg_sleep(0.1)")).toEqual([{ n: 1 }]);
    await proxy.heal();
    await expectUsable(conn);
  });

  test.each(["freeze", "hole"] as const)("gives up a peer that is silent (%s)", async (kind) => {
    await using conn = await connectProbing();
    const { disconnected } = conn;
    await proxy.inflict({ do: kind });
    await eventually(() => disconnected.aborted);
    expect(disconnected.reason).toBeInstanceOf(OperationalError);
    expect(disconnected.reason).toMatchObject({ code: "ERR_MAHOUT_PROBE" });
    expect([conn.closed, conn.broken]).toEqual([true, true]);
    expect((await failureOf(() => conn.query("select 1"))).cause).toMatchObject({
      code: "ERR_MAHOUT_PROBE",
    });
  });

  test.each([{ interval: 0, timeout: 5 }, { interval: 5 }, { interval: 5, timeout: "x" }])(
    "%p is refused",
    async (wrong) => {
      const error = await failureOf(() => reach(shell, { probe: wrong } as ConnectOptions));
      expect(error).toBeInstanceOf(ProgrammingError);
      expect(error.message).toMatch("probe must be { interval, timeout }, both in milliseconds");
    },
  );

  test("is refused for a blocking connection", async () => {
    const error = await failureOf(() => reach(blocking, { probe } as ConnectOptions));
    expect(error).toBeInstanceOf(ProgrammingError);
    expect(error.message).toMatch("a blocking connection cannot probe itself");
  });
});
