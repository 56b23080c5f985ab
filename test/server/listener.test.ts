// The listener: channels, handlers, streams, sharing, sending, closing. How it survives the loss of its
// connection is in listener-reconnect.test.ts.

import { getEventListeners } from "node:events";
import { afterEach, describe, expect, test } from "@jest/globals";
import { type ChannelEvent, Listener, type ListenerEvent } from "../../src/index.ts";
import type { ListenerOptions } from "../../src/index.ts";
import { defaultServer } from "../support/default-server.ts";
import { newApplicationName, untilGone } from "../support/sessions.ts";
import { administer, eventually, failureOf, warningsOf } from "../support/shells.ts";

let serial = 0;
const newChannel = (): string => `listener_${process.pid}_${++serial}`;
const send = (channel: string, ...payloads: string[]): Promise<unknown> =>
  administer(payloads.map((payload) => `notify "${channel}", '${payload}'`).join("; "));

const open: Listener[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((listener) => listener.close()));
});

function make(options: ListenerOptions = {}): Listener {
  const listener = new Listener(defaultServer().conninfo(), options);
  open.push(listener);
  return listener;
}

const payloadOf = (event: ChannelEvent): string =>
  event.kind === "notification" ? event.payload : event.kind;

/** Waits until notifications that were sent before have arrived: they keep their order. */
async function settled(listener: Listener): Promise<void> {
  const channel = newChannel();
  const stream = await listener.events(channel);
  await send(channel, "");
  await stream.next();
  await stream.return();
}

describe("a handler", () => {
  test("hears its channel, and only that", async () => {
    const listener = make();
    const [one, other] = [newChannel(), newChannel()];
    const heard: ChannelEvent[] = [];
    await listener.listen(one, (event) => heard.push(event));
    await listener.listen(other, () => {});
    await send(one, "1", "2");
    await send(other, "x");
    await eventually(() => heard.length === 2);
    expect(heard).toEqual([
      { kind: "notification", channel: one, payload: "1", pid: expect.any(Number) },
      { kind: "notification", channel: one, payload: "2", pid: expect.any(Number) },
    ]);
  });

  test("is one of several of a channel; the last one to leave ends the LISTEN", async () => {
    const listener = make();
    const channel = newChannel();
    const heard: string[] = [];
    const first = await listener.listen(channel, (event) => heard.push(`a${payloadOf(event)}`));
    const second = await listener.listen(channel, (event) => heard.push(`b${payloadOf(event)}`));
    await listener.notify(channel, "1");
    await first.unlisten();
    await listener.notify(channel, "2");
    await second.unlisten();
    await listener.notify(channel, "3");
    const third = await listener.listen(channel, (event) => heard.push(`c${payloadOf(event)}`));
    await listener.notify(channel, "4");
    expect(heard).toEqual(["a1", "b1", "b2", "c4"]);
    await third[Symbol.asyncDispose]();
    await third.unlisten();
  });

  test("can be taken away and added again without a pause", async () => {
    const listener = make();
    const channel = newChannel();
    const heard: string[] = [];
    const handler = (event: ChannelEvent): unknown => heard.push(payloadOf(event));
    const first = await listener.listen(channel, handler);
    void first.unlisten();
    const again = listener.listen(channel, handler);
    await again;
    await listener.notify(channel, "1");
    expect(heard).toEqual(["1"]);
  });

  test("that throws is reported, and disturbs nothing", async () => {
    const listener = make();
    const channel = newChannel();
    const heard: string[] = [];
    await listener.listen(channel, () => {
      throw new Error("mine");
    });
    await listener.listen(channel, (event) => heard.push(payloadOf(event)));
    const warnings = await warningsOf(() => listener.notify(channel, "1"));
    expect(warnings).toMatchObject([{ message: "a notify handler threw: Error: mine" }]);
    expect(heard).toEqual(["1"]);
    expect(listener.connected).toBe(true);
  });

  test("may listen, unlisten and send", async () => {
    const listener = make();
    const [one, other] = [newChannel(), newChannel()];
    const heard: string[] = [];
    const work: Promise<unknown>[] = [];
    const subscription = await listener.listen(one, () => {
      work.push(subscription.unlisten());
      const next = listener.listen(other, (event) => heard.push(payloadOf(event)));
      work.push(next.then(() => listener.notify(other, "from a handler")));
    });
    await listener.notify(one);
    await eventually(() => heard.length > 0);
    await Promise.all(work);
    expect(heard).toEqual(["from a handler"]);
  });
});

describe("channels", () => {
  test.each(["Jobs", 'two "words"', "select", "🐘", "x".repeat(63), "ä".repeat(31)])(
    "may be called %s",
    async (channel) => {
      const listener = make();
      const stream = await listener.events(channel);
      await listener.notify(channel, "p");
      expect(await stream.next()).toMatchObject({ value: { channel, payload: "p" } });
    },
  );

  test.each<[name: string, channel: unknown]>([
    ["empty", ""],
    ["too long", "x".repeat(64)],
    ["too long in bytes", "ä".repeat(32)],
    ["with NUL", "a\0b"],
    ["no text", 5],
  ])("can't be %s", async (_what, channel) => {
    const listener = make();
    for (const use of [
      () => listener.listen(channel as string, () => {}),
      () => listener.events(channel as string),
      () => listener.notify(channel as string),
    ]) {
      expect((await failureOf(use)).name).toBe("ProgrammingError");
    }
    expect(listener.connected).toBe(false);
  });
});

describe("a payload", () => {
  test("may have 7,999 bytes", async () => {
    const listener = make();
    const channel = newChannel();
    const stream = await listener.events(channel);
    for (const payload of ["", "ä'\"\\\n🐘", "x".repeat(7_999)]) {
      await listener.notify(channel, payload);
      expect(await stream.next()).toMatchObject({ value: { payload } });
    }
  });

  test.each<[what: string, payload: unknown, message: string]>([
    ["longer", "secret".padEnd(8_000), "a payload can have 7999 bytes, and this one has 8000"],
    ["longer in bytes", "ä".repeat(4_000), "a payload can have 7999 bytes, and this one has 8000"],
    ["with NUL", "secret\0", "a payload can't contain a NUL character"],
    ["no text", 5, "a payload must be a string, not number"],
    ["null", null, "a payload must be a string, not object"],
  ])("can't be %s", async (_what, payload, message) => {
    const error = await failureOf(() => make().notify("c", payload as string));
    expect(error.name).toBe("ProgrammingError");
    expect(error.message).toContain(message);
    expect(error.message).not.toContain("secret");
  });
});

describe("a stream", () => {
  test("gives what comes, and ends its LISTEN when the loop is left", async () => {
    const name = newApplicationName();
    const listener = make({ application_name: name });
    const channel = newChannel();
    const found: string[] = [];
    const stream = await listener.events(channel);
    await send(channel, "1", "2", "stop", "4");
    for await (const event of stream) {
      found.push(payloadOf(event));
      if (payloadOf(event) === "stop") break;
    }
    expect(found).toEqual(["1", "2", "stop"]);
    expect(await stream.next()).toEqual({ done: true, value: undefined });
    const last = `select query from pg_stat_activity where application_name = '${name}'`;
    expect(await administer(last)).toEqual([[`unlisten "${channel}"`]]);
  });

  test("serves several waits in order, and return() ends those that wait", async () => {
    const listener = make();
    const channel = newChannel();
    const stream = await listener.events(channel);
    const steps = [stream.next(), stream.next(), stream.next()];
    await listener.notify(channel, "1");
    await listener.notify(channel, "2");
    await stream.return();
    expect(await Promise.all(steps)).toMatchObject([
      { value: { payload: "1" } },
      { value: { payload: "2" } },
      { done: true },
    ]);
  });

  test("that is too slow is told of a gap", async () => {
    const listener = make();
    const channel = newChannel();
    const stream = await listener.events(channel);
    await administer(`select pg_notify('${channel}', n::text) from generate_series(1, 10003) n`);
    await settled(listener);
    const first = (await stream.next()).value as ChannelEvent;
    expect(first).toMatchObject({ kind: "gap", channel, since: expect.any(Date) });
    expect((first as { reason: Error }).reason.message).toBe(
      "the loop was too slow: 3 events were dropped",
    );
    expect(await stream.next()).toMatchObject({ value: { payload: "4" } });
    let count = 1;
    while (((await stream.next()).value as { payload: string }).payload !== "10003") count++;
    expect(count).toBe(9_999);
  });

  test("ends quietly when the listener is closed", async () => {
    const listener = make();
    const channel = newChannel();
    const stream = await listener.events(channel);
    await listener.notify(channel, "1");
    const found: string[] = [];
    for await (const event of stream) {
      found.push(payloadOf(event));
      void listener.close();
    }
    expect(found).toEqual(["1"]);
  });
});

describe("connecting", () => {
  test("is done at the first use, or by open()", async () => {
    const listener = make();
    const events: ListenerEvent[] = [];
    const unwatch = listener.watch((event) => events.push(event));
    expect([listener.connected, events]).toEqual([false, []]);
    await listener.open();
    await listener.open();
    expect(listener.connected).toBe(true);
    expect(events).toEqual([{ kind: "connected", pid: expect.any(Number) }]);
    unwatch();
    unwatch();
    await listener.close();
    expect(events).toHaveLength(1);
  });

  test("that fails the first time is an error for everybody who waits, and can be tried again", async () => {
    const listener = new Listener(defaultServer().conninfo({ dbname: "nowhere" }));
    const tries = [listener.open(), listener.notify("c"), listener.listen("c", () => {})];
    const errors = await Promise.all(tries.map((one) => failureOf(() => one)));
    expect(errors.map(({ name, sqlstate }) => [name, sqlstate])).toEqual(
      Array.from({ length: 3 }, () => ["InvalidCatalogName", "3D000"]),
    );
    expect(new Set(errors).size).toBe(3);
    expect(listener.closed).toBe(false);
    expect((await failureOf(() => listener.open())).sqlstate).toBe("3D000");
    await listener.close();
  });

  test("and other calls are bounded by timeout and signal", async () => {
    // Nobody answers there: it accepts, and says nothing.
    const { createServer } = await import("node:net");
    const silent = createServer(() => {}).listen(0, "127.0.0.1");
    await new Promise((resolve) => silent.once("listening", resolve));
    const { port } = silent.address() as { port: number };
    const listener = new Listener({ host: "127.0.0.1", port, user: "x", sslmode: "disable" });
    open.push(listener);
    const late = await failureOf(() => listener.listen("c", () => {}, { timeout: 30 }));
    expect([late.name, late.code, late.message]).toEqual([
      "OperationalError",
      "ERR_MAHOUT_TIMEOUT",
      'listening to "c" took longer than 30 ms',
    ]);
    const { signal } = new AbortController();
    const aborted = await failureOf(() =>
      listener.notify("c", "", { signal: AbortSignal.abort() }),
    );
    expect([aborted.name, aborted.code]).toEqual(["OperationalError", "ERR_MAHOUT_ABORTED"]);
    await failureOf(() => listener.open({ signal, timeout: 1 }));
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
    // Closing ends the attempt that is still under way.
    const waiting = failureOf(() => listener.open());
    const start = performance.now();
    await listener.close();
    expect(performance.now() - start).toBeLessThan(1_000);
    expect((await waiting).code).toBe("ERR_MAHOUT_LISTENER_CLOSED");
    silent.close();
  });

  test.each<[options: object, message: string]>([
    [{ reconnect: { delay: 1 } }, 'there is no option "reconnect.delay"; there are minDelay,'],
    [{ reconnect: { jitter: 2 } }, "reconnect.jitter must be a number from 0 to 1, not 2"],
    [{ reconnect: { minDelay: -1 } }, "reconnect.minDelay must be a number from 0 to"],
    [{ probe: { interval: "5" } }, "probe.interval must be a number from 0 to"],
    [{ probe: { every: 5 } }, 'there is no option "probe.every"; there are interval, timeout'],
  ])("options that make no sense are refused: %j", async (options, message) => {
    const error = await failureOf(() => new Listener("", options));
    expect(error.name).toBe("ProgrammingError");
    expect(error.message).toContain(message);
  });
});

describe("closing", () => {
  test("leaves no session, can be repeated, and is the end", async () => {
    const name = newApplicationName();
    const listener = make({ application_name: name });
    const events: unknown[] = [];
    listener.watch((event) => events.push(event));
    const heard: unknown[] = [];
    await listener.listen("c", (event) => heard.push(event));
    await Promise.all([listener.close(), listener.close()]);
    await listener.close();
    expect([listener.closed, listener.connected]).toEqual([true, false]);
    await untilGone(defaultServer(), name);
    expect(events.at(-1)).toEqual({ kind: "closed", error: null });
    for (const use of [
      () => listener.open(),
      () => listener.notify("c"),
      () => listener.events("c"),
    ]) {
      expect((await failureOf(use)).code).toBe("ERR_MAHOUT_LISTENER_CLOSED");
    }
  });

  test("one that was never used is nothing", async () => {
    const listener = make();
    await listener.close();
    expect(listener.closed).toBe(true);
  });

  test("is done at the end of an `await using` block", async () => {
    const name = newApplicationName();
    {
      await using listener = new Listener(defaultServer().conninfo({ application_name: name }));
      await using _ = await listener.listen("c", () => {});
    }
    await untilGone(defaultServer(), name);
  });
});

describe("sharing", () => {
  const sessions = async (name: string): Promise<number> =>
    Number(
      (
        await administer(`select count(*) from pg_stat_activity where application_name = '${name}'`)
      )[0]?.[0],
    );

  test("listeners of the same conninfo and options have one connection, and are closed one by one", async () => {
    const name = newApplicationName();
    const conninfo = defaultServer().conninfo({ application_name: name });
    const channel = newChannel();
    const heard: string[] = [];
    const [one, other] = [Listener.shared(conninfo), Listener.shared({ ...conninfo })];
    await one.listen(channel, (event) => heard.push(`one ${payloadOf(event)}`));
    await other.listen(channel, (event) => heard.push(`other ${payloadOf(event)}`));
    const loop = await one.events(channel);
    expect(await sessions(name)).toBe(1);
    await other.notify(channel, "1");
    await one.close();
    await one.close();
    await other.notify(channel, "2");
    expect(heard).toEqual(["one 1", "other 1", "other 2"]);
    expect(await loop.next()).toMatchObject({ value: { payload: "1" } });
    expect(await loop.next()).toEqual({ done: true, value: undefined });
    expect((await failureOf(() => one.open())).code).toBe("ERR_MAHOUT_LISTENER_CLOSED");
    await other.close();
    await untilGone(defaultServer(), name);
    // And the next one is a new one.
    const third = Listener.shared(conninfo);
    await third.open();
    expect(await sessions(name)).toBe(1);
    await third.close();
  });

  test("others have their own", async () => {
    const name = newApplicationName();
    const conninfo = defaultServer().conninfo({ application_name: name });
    const all = [
      Listener.shared(conninfo),
      Listener.shared(conninfo, { probe: false }),
      Listener.shared(conninfo, { noticeHandlers: [() => {}] }),
      Listener.shared(conninfo, { noticeHandlers: [() => {}] }),
      new Listener(conninfo),
    ];
    await Promise.all(all.map((listener) => listener.open()));
    expect(await sessions(name)).toBe(5);
    await Promise.all(all.map((listener) => listener.close()));
    await untilGone(defaultServer(), name);
  });
});
