// What subscribers of the tracing channels are told: of which operations, when, and never a parameter.

import { AsyncLocalStorage } from "node:async_hooks";
import { tracingChannel } from "node:diagnostics_channel";
import { inspect } from "node:util";
import { describe, expect, test } from "@jest/globals";
import type { OperationContext } from "../../src/index.ts";
import { defaultServer } from "../support/default-server.ts";
import { expectUsable, failureOf, type Shell, shells } from "../support/shells.ts";

const SECRET = "hunter2";
const EVENTS = ["start", "end", "asyncStart", "asyncEnd", "error"] as const;

interface Heard {
  readonly event: (typeof EVENTS)[number];
  readonly context: OperationContext;
}

/** Collects what a channel tells while `run` runs; once it has ended nobody listens any more. */
async function heardOn(channel: string, run: () => unknown): Promise<Heard[]> {
  const heard: Heard[] = [];
  const { subscribers, unsubscribe } = listenTo(channel, (event, context) => {
    heard.push({ event, context });
  });
  try {
    await run();
  } finally {
    unsubscribe();
  }
  expect(Object.keys(subscribers)).toEqual([...EVENTS]);
  return heard;
}

function listenTo(
  channel: string,
  take: (event: Heard["event"], context: OperationContext) => void,
) {
  const channels = tracingChannel<OperationContext, OperationContext>(channel);
  const subscribers = Object.fromEntries(
    EVENTS.map((event) => [event, (context: OperationContext) => take(event, context)]),
  ) as unknown as Parameters<typeof channels.subscribe>[0];
  channels.subscribe(subscribers);
  return { subscribers, unsubscribe: () => channels.unsubscribe(subscribers) };
}

const eventsOf = (heard: readonly Heard[]): string[] => heard.map(({ event }) => event);

/** The events of one operation that succeeds, and of one that fails. */
const ORDER: Record<Shell["name"], { succeeds: string[]; fails: string[] }> = {
  async: {
    succeeds: ["start", "end", "asyncStart", "asyncEnd"],
    fails: ["start", "end", "error", "asyncStart", "asyncEnd"],
  },
  blocking: { succeeds: ["start", "end"], fails: ["start", "error", "end"] },
};

describe.each(shells)("$name shell", ({ name, connect, Connection: Kind }) => {
  const order = ORDER[name];
  const { host, port } = defaultServer();
  const server = {
    "db.system.name": "postgresql",
    "db.namespace": "postgres",
    "server.address": host,
    "server.port": port,
  };

  test("a statement is told with its text, and what it gave", async () => {
    await using conn = await connect();
    await conn.execute("create temp table t (n int)");
    const text = "insert into t select n from generate_series(1, $1::int) n returning n";
    const heard = await heardOn("mahout:query", () => conn.query(text, [3]));
    expect(eventsOf(heard)).toEqual(order.succeeds);
    const [{ context }] = heard as [Heard];
    expect(new Set(heard.map((one) => one.context)).size).toBe(1);
    expect(context).toMatchObject({
      shell: name,
      connectionId: expect.any(Number),
      backendPid: conn.info.backendPid,
    });
    expect(context.attributes).toEqual({
      ...server,
      "db.operation.name": "INSERT",
      "db.query.text": text,
      "db.response.returned_rows": 3,
      "mahout.affected_rows": 3,
    });
    expect(context).not.toHaveProperty("error");
  });

  test("an error is told with the stack of the call", async () => {
    await using conn = await connect();
    const stacks: (string | undefined)[] = [];
    const { unsubscribe } = listenTo("mahout:query", (event, { error }) => {
      if (event === "error") stacks.push((error as Error).stack);
    });
    const callsIt = async (): Promise<unknown> => await conn.execute("select 1 / $1::int", [0]);
    const error = await failureOf(callsIt);
    unsubscribe();
    expect(stacks).toEqual([expect.stringContaining("channels.test.ts")]);
    expect(error.stack).toContain("channels.test.ts");
  });

  test("what it gave is known at the end and not before", async () => {
    await using conn = await connect();
    const known: [string, boolean][] = [];
    const { unsubscribe } = listenTo("mahout:query", (event, { attributes }) => {
      known.push([event, "db.response.returned_rows" in attributes]);
    });
    await conn.execute("select 1");
    unsubscribe();
    const expected = { async: [false, false, true, true], blocking: [false, true] }[name];
    expect(known).toEqual(expected.map((fact, index) => [order.succeeds[index], fact]));
  });

  test("an error is told with its SQLSTATE, and is the one that is thrown", async () => {
    await using conn = await connect();
    let error: unknown;
    const heard = await heardOn("mahout:query", async () => {
      error = await failureOf(() => conn.execute("select 1 / $1::int", [0]));
    });
    expect(eventsOf(heard)).toEqual(order.fails);
    const [{ context }] = heard as [Heard];
    expect(context.error).toBe(error);
    expect(context.attributes).toEqual({
      ...server,
      "db.operation.name": "SELECT",
      "db.query.text": "select 1 / $1::int",
      "db.response.status_code": "22012",
      "error.type": "22012",
    });
    await expectUsable(conn);
  });

  test("an error that no server sent has its word", async () => {
    await using conn = await connect();
    const heard = await heardOn("mahout:query", async () => {
      await failureOf(() => conn.execute("select $1::text", ["\0"]));
      await failureOf(() => conn.execute("select $1::text", [undefined]));
      // What is no statement at all isn't told of.
      await failureOf(() => conn.execute(null as unknown as string));
    });
    expect(eventsOf(heard)).toEqual([...order.fails, ...order.fails]);
    for (const { context } of [heard[0] as Heard, heard.at(-1) as Heard]) {
      expect(context.attributes["error.type"]).toMatch(/^ERR_MAHOUT_/);
      expect(context.attributes).not.toHaveProperty(["db.response.status_code"]);
    }
  });

  test("neither parameters nor rows are told", async () => {
    await using conn = await connect();
    const heard = await heardOn("mahout:query", async () => {
      await conn.query("select $1::text as found", [SECRET]);
      await conn.execute("select $1::text", [SECRET], { binary: true });
    });
    expect(heard).toHaveLength(order.succeeds.length * 2);
    const seen = inspect(heard, { depth: Infinity, showHidden: true });
    expect(seen).not.toContain(SECRET);
    expect(seen).not.toContain(Buffer.from(SECRET).toString("hex").match(/../g)?.join(" "));
  });

  test.each([
    ["  select 1", "SELECT"],
    ["-- why\n/* how */ (select 1)", "SELECT"],
    [";with x as (select 1) select * from x", "WITH"],
    ["create temp table other (n int)", "CREATE"],
    ["/* only a comment */", undefined],
    ["", undefined],
  ])("%j is the operation %s", async (text, operation) => {
    await using conn = await connect();
    const heard = await heardOn("mahout:query", () => conn.execute(text));
    expect(heard[0]?.context.attributes["db.operation.name"]).toBe(operation);
  });

  test("connecting is told with the server that it came to", async () => {
    const heard = await heardOn("mahout:connect", async () => {
      await using conn = await connect({ password: SECRET });
      await conn.query("select 1");
      expect(conn.info.backendPid).toBeGreaterThan(0);
    });
    expect(eventsOf(heard)).toEqual(order.succeeds);
    const [{ context }] = heard as [Heard];
    expect(context.shell).toBe(name);
    expect(context.backendPid).toBeGreaterThan(0);
    expect(context.attributes).toEqual({ ...server, "db.operation.name": "CONNECT" });
    expect(inspect(heard, { depth: Infinity, showHidden: true })).not.toContain(SECRET);
  });

  test("a connect that fails is told, and the next host is what is named in the end", async () => {
    const heard = await heardOn("mahout:connect", async () => {
      await failureOf(() => connect({ dbname: "nowhere" }));
      const several = { ...defaultServer().conninfo(), host: `127.0.0.9,${host}` };
      await (await Kind.connect(several, { port: `1,${port}` })).close();
    });
    expect(eventsOf(heard)).toEqual([...order.fails, ...order.succeeds]);
    expect(heard[0]?.context.attributes).toEqual({
      ...server,
      "db.namespace": "nowhere",
      "db.operation.name": "CONNECT",
      "db.response.status_code": "3D000",
      "error.type": "3D000",
    });
    expect(heard.at(-1)?.context.attributes).toMatchObject(server);
  });

  test("a transaction block is told with how it ended, and by what", async () => {
    await using conn = await connect();
    const heard = await heardOn("mahout:transaction", async () => {
      await conn.transaction(() => conn.transaction(() => 1));
      await failureOf(() =>
        conn.transaction(() => {
          throw new RangeError("not this");
        }),
      );
    });
    const inner = order.succeeds.length;
    expect(heard).toHaveLength(inner * 2 + order.fails.length);
    const [outermost, failed] = [heard[0] as Heard, heard.at(-1) as Heard];
    expect(outermost.context.attributes).toEqual({
      ...server,
      "db.operation.name": "TRANSACTION",
      "mahout.transaction.status": "committed",
    });
    expect(eventsOf(heard.slice(inner * 2))).toEqual(order.fails);
    expect(failed.context.attributes).toMatchObject({
      "error.type": "RangeError",
      "mahout.transaction.status": "rolledBackWithError",
    });
    expect(failed.context.error).toEqual(new RangeError("not this"));
  });

  test("the delivery of a notification is told, its payload is not", async () => {
    await using conn = await connect();
    const taken: string[] = [];
    conn.addNotifyHandler(({ payload }) => taken.push(payload));
    await conn.execute("listen channels_test");
    const pid = conn.info.backendPid;
    const heard = await heardOn("mahout:notify", () =>
      conn.query("select pg_notify('channels_test', $1)", [SECRET]),
    );
    expect(taken).toEqual([SECRET]);
    // It is delivered in one go in either shell.
    expect(eventsOf(heard)).toEqual(["start", "end"]);
    expect(heard[0]?.context).toMatchObject({ shell: name, backendPid: pid });
    expect(heard[0]?.context.attributes).toEqual({
      ...server,
      "db.operation.name": "NOTIFY",
      "mahout.notify.channel": "channels_test",
      "mahout.notify.pid": pid,
    });
    expect(inspect(heard, { depth: Infinity, showHidden: true })).not.toContain(SECRET);
  });

  test("statements for many items are one operation", async () => {
    await using conn = await connect();
    await conn.execute("create temp table many (n int)");
    const cur = conn.cursor();
    const items = Array.from({ length: 1000 }, (_, n) => [n]);
    const heard = await heardOn("mahout:query", () =>
      cur.executeMany("insert into many values ($1)", items),
    );
    expect(eventsOf(heard)).toEqual(order.succeeds);
    expect(heard[0]?.context.attributes).toEqual({
      ...server,
      "db.operation.name": "INSERT",
      "db.query.text": "insert into many values ($1)",
      "db.response.returned_rows": 0,
      "mahout.affected_rows": 1000,
    });
  });

  test("a statement in a pipeline is told when it is sent, and when its result has come", async () => {
    await using conn = await connect();
    const heard = await heardOn("mahout:query", async () => {
      await using pipeline = await conn.pipeline();
      const cur = conn.cursor();
      await cur.execute("select $1::int from generate_series(1, 3)", [7]);
      const bad = conn.cursor();
      await bad.execute("select nonsense");
      await failureOf(() => pipeline.sync());
    });
    expect(eventsOf(heard.filter(({ context }) => !context.error))).toEqual([
      "start",
      "end",
      "asyncStart",
      "asyncEnd",
    ]);
    const [good, failed] = [heard[0] as Heard, heard.at(-1) as Heard];
    expect([good.context.pipelined, failed.context.pipelined]).toEqual([true, true]);
    expect(good.context.attributes["db.response.returned_rows"]).toBe(3);
    expect(eventsOf(heard.filter(({ context }) => context === failed.context))).toEqual([
      "start",
      "end",
      "error",
      "asyncStart",
      "asyncEnd",
    ]);
    expect(failed.context.attributes).toMatchObject({
      "db.query.text": "select nonsense",
      "db.response.status_code": "42703",
    });
  });

  test.each(["from stdin", "to stdout"])("a COPY %s is told as a whole", async (direction) => {
    await using conn = await connect();
    await conn.execute("create temp table copied as select 1 as n");
    const text = `copy copied ${direction}`;
    const heard = await heardOn("mahout:copy", () =>
      conn.cursor().copy(text, (copy) => (direction === "from stdin" ? copy.writeRow([2]) : null)),
    );
    expect(eventsOf(heard)).toEqual(order.succeeds);
    expect(heard[0]?.context.attributes).toMatchObject({
      ...server,
      "db.operation.name": "COPY",
      "db.query.text": text,
      "mahout.affected_rows": 1,
    });
  });

  test("operations of one connection have its number, others have others", async () => {
    const heard = (
      await heardOn("mahout:query", async () => {
        await using first = await connect();
        await using second = await connect();
        await first.query("select 1");
        await second.query("select 2");
        await first.query("select 3");
      })
    ).filter(({ event }) => event === "start");
    const [one, two, three] = heard.map(({ context }) => context.connectionId);
    expect(one).toBe(three);
    expect(one).not.toBe(two);
  });

  test("a subscriber to a single channel is enough", async () => {
    await using conn = await connect();
    const texts: unknown[] = [];
    const { error } = tracingChannel<OperationContext, OperationContext>("mahout:query");
    const take = (context: unknown): void => {
      texts.push((context as OperationContext).attributes["db.query.text"]);
    };
    error.subscribe(take);
    await conn.query("select 1");
    await failureOf(() => conn.query("select nonsense"));
    error.unsubscribe(take);
    await failureOf(() => conn.query("select nonsense more"));
    expect(texts).toEqual(["select nonsense"]);
  });

  test("a store that is bound to the start holds while the statement runs, and not for others", async () => {
    await using conn = await connect();
    const store = new AsyncLocalStorage<OperationContext>();
    const { start } = tracingChannel<OperationContext, OperationContext>("mahout:query");
    start.bindStore(store as AsyncLocalStorage<never>);
    const found: unknown[] = [];
    const { unsubscribe } = listenTo("mahout:query", (_event, context) => {
      found.push(store.getStore() === context);
    });
    try {
      await conn.query("select 1");
      found.push(store.getStore());
    } finally {
      start.unbindStore(store as AsyncLocalStorage<never>);
      unsubscribe();
    }
    expect(found).toEqual([...order.succeeds.map(() => true), undefined]);
  });
});

test("statements of independent callers are told apart", async () => {
  const [{ connect }] = shells as [Shell];
  await using conn = await connect();
  const texts = ["select 1", "select 2 from generate_series(1, 5)", "select nonsense"];
  const heard = await heardOn("mahout:query", () =>
    Promise.allSettled(texts.map((text) => conn.query(text))),
  );
  const ended = heard.filter(({ event }) => event === "asyncEnd");
  expect(
    ended.map(({ context: { attributes } }) => [
      attributes["db.query.text"],
      attributes["db.response.returned_rows"] ?? attributes["error.type"],
    ]),
  ).toEqual([
    ["select 1", 1],
    ["select 2 from generate_series(1, 5)", 5],
    ["select nonsense", "42703"],
  ]);
});
