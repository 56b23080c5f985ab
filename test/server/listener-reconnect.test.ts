// The listener survives: a killed session, a restarted server, a frozen one, a network that swallows
// everything, a pooler that swallows notifications. And it says so.

import { connect as connectNet, createServer, type Server, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "@jest/globals";
import { type ChannelEvent, Listener, type ListenerEvent } from "../../src/index.ts";
import type { ListenerOptions } from "../../src/index.ts";
import { defaultServer } from "../support/default-server.ts";
import { startServer } from "../support/server.ts";
import { newApplicationName, untilGone } from "../support/sessions.ts";
import { administer, eventually, failureOf, terminate, warningsOf } from "../support/shells.ts";

let serial = 0;
const newChannel = (): string => `again_${process.pid}_${++serial}`;
const FAST = { minDelay: 10, maxDelay: 50 };

const open: Listener[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((listener) => listener.close()));
});

function make(options: ListenerOptions = {}, conninfo: object = {}): Listener {
  const listener = new Listener(
    { ...defaultServer().conninfo(), ...conninfo },
    { reconnect: FAST, ...options },
  );
  open.push(listener);
  return listener;
}

const shown = (event: ChannelEvent): string =>
  event.kind === "gap" ? `gap ${event.channel}` : `${event.payload} ${event.channel}`;

/** Collects what a listener tells, and gives the pids of its sessions. */
function watch(listener: Listener): { events: ListenerEvent[]; pids: () => number[] } {
  const events: ListenerEvent[] = [];
  listener.watch((event) => events.push(event));
  const pids = (): number[] =>
    events.flatMap((event) => (event.kind === "connected" ? [event.pid] : []));
  return { events, pids };
}

/** A man in the middle: passes everything on, but for notifications, or swallows all. */
class Middle {
  deaf = false;
  hole = false;
  connections = 0;
  #server!: Server;
  readonly #sockets = new Set<Socket>();

  async start(): Promise<{ host: string; port: number; sslmode: string }> {
    this.#server = createServer((client) => this.#serve(client)).listen(0, "127.0.0.1");
    await new Promise((resolve) => this.#server.once("listening", resolve));
    const { port } = this.#server.address() as { port: number };
    return { host: "127.0.0.1", port, sslmode: "disable" };
  }

  #serve(client: Socket): void {
    this.connections++;
    const { host, port } = defaultServer().coordinates;
    const server = connectNet({ host, port });
    let rest = Buffer.alloc(0);
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        client.destroy();
        server.destroy();
      });
    }
    client.on("data", (bytes) => this.hole || server.write(bytes));
    server.on("data", (bytes) => {
      if (this.hole) return;
      rest = Buffer.concat([rest, bytes]);
      while (rest.length >= 5 && rest.length > rest.readUInt32BE(1)) {
        const message = rest.subarray(0, rest.readUInt32BE(1) + 1);
        rest = rest.subarray(message.length);
        if (!(this.deaf && message[0] === 0x41)) client.write(message);
      }
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

describe("a session that is killed", () => {
  test("is replaced; all channels are listened to again and told of the gap first", async () => {
    const listener = make();
    const { events, pids } = watch(listener);
    const channels = [newChannel(), newChannel(), `${newChannel()} "Q" 🐘`] as const;
    const heard: ChannelEvent[] = [];
    for (const channel of channels) await listener.listen(channel, (event) => heard.push(event));
    const unheard: ChannelEvent[] = [];
    const left = await listener.listen(newChannel(), (event) => unheard.push(event));
    await left.unlisten();
    const stream = await listener.events(channels[0]);
    const before = new Date();
    await terminate(pids()[0] as number);
    await eventually(() => pids().length === 2);
    for (const channel of channels) await listener.notify(channel, "new");
    expect(heard.map(shown)).toEqual([
      ...channels.map((channel) => `gap ${channel}`),
      ...channels.map((channel) => `new ${channel}`),
    ]);
    const [gap] = heard as [ChannelEvent & { kind: "gap" }];
    expect(gap.reason).toMatchObject({ name: "AdminShutdown", sqlstate: "57P01" });
    expect(gap.since.getTime()).toBeLessThanOrEqual(before.getTime());
    expect(unheard).toEqual([]);
    expect((await stream.next()).value).toMatchObject({ kind: "gap" });
    expect((await stream.next()).value).toMatchObject({ kind: "notification", payload: "new" });
    expect(events.map(({ kind }) => kind)).toEqual([
      "connected",
      "disconnected",
      "connected",
      "gap",
    ]);
    expect(events[1]).toMatchObject({ error: { name: "AdminShutdown" } });
  });

  test("again and again, loses no subscription", async () => {
    const listener = make({ reconnect: { minDelay: 0, maxDelay: 0 } });
    const { pids } = watch(listener);
    const channel = newChannel();
    const heard: string[] = [];
    await listener.listen(channel, (event) => heard.push(event.kind));
    for (let round = 1; round <= 10; round++) {
      await terminate(pids().at(-1) as number);
      await eventually(() => pids().length === round + 1);
    }
    await listener.notify(channel, "x");
    expect(heard).toEqual([...Array.from({ length: 10 }, () => "gap"), "notification"]);
  });

  test("doesn't disturb calls: they wait for the next one", async () => {
    const listener = make({ reconnect: { minDelay: 150, jitter: 0 } });
    const { pids } = watch(listener);
    await listener.open();
    await terminate(pids()[0] as number);
    await eventually(() => !listener.connected);
    const [one, other] = [newChannel(), newChannel()];
    const heard: string[] = [];
    // What is called during an outage has missed nothing, and is told of no gap.
    await Promise.all([
      listener.listen(one, (event) => heard.push(shown(event))),
      listener.listen(other, (event) => heard.push(shown(event))),
    ]);
    await listener.notify(one, "1");
    expect(heard).toEqual([`1 ${one}`]);
    expect(pids()).toHaveLength(2);
  });
});

describe("a server", () => {
  test("that is restarted is found again", async () => {
    await using server = await startServer();
    const listener = new Listener(server.conninfo(), { reconnect: FAST });
    open.push(listener);
    const { events } = watch(listener);
    const heard: string[] = [];
    await listener.listen("c", (event) => heard.push(shown(event)));
    await server.restart({ mode: "immediate" });
    await eventually(() => heard.includes("gap c"));
    await listener.notify("c", "after");
    expect(heard).toEqual(["gap c", "after c"]);
    expect(events.filter(({ kind }) => kind === "connected")).toHaveLength(2);
    await listener.close();
  }, 60_000);

  test("that stays away ends a listener with a limit, for everybody who uses it", async () => {
    const server = await startServer();
    const listener = new Listener(server.conninfo(), {
      reconnect: { minDelay: 1, maxDelay: 5, limit: 3 },
    });
    open.push(listener);
    const { events } = watch(listener);
    await listener.listen("c", () => {});
    const stream = await listener.events("c");
    const step = failureOf(() => stream.next());
    await server.stop();
    const error = await step;
    expect([error.name, error.code]).toEqual(["OperationalError", "ERR_MAHOUT_LISTENER_FAILED"]);
    expect(error.message).toContain("the listener gave up after 3 attempts to connect again");
    expect(await stream.next()).toEqual({ done: true, value: undefined });
    expect(listener.closed).toBe(true);
    expect(events.map(({ kind }) => kind)).toEqual([
      "connected",
      "disconnected",
      "error",
      "error",
      "closed",
    ]);
    const later = await failureOf(() => listener.notify("c"));
    expect(later.code).toBe("ERR_MAHOUT_LISTENER_FAILED");
    expect(later).not.toBe(error);
  }, 60_000);

  test("that stays away is told by a warning when nobody watches", async () => {
    const server = await startServer();
    const listener = new Listener(server.conninfo(), { reconnect: { minDelay: 1, limit: 1 } });
    open.push(listener);
    const warnings = await warningsOf(async () => {
      await listener.listen("c", () => {});
      await server.stop();
      await eventually(() => listener.closed);
    });
    expect(warnings).toMatchObject([{ name: "MahoutWarning", code: "MAHOUT_LISTENER_FAILED" }]);
  }, 60_000);

  test("that is away doesn't keep close() waiting", async () => {
    const server = await startServer();
    const listener = new Listener(server.conninfo(), { reconnect: { minDelay: 60_000 } });
    open.push(listener);
    await listener.open();
    await server.stop();
    await eventually(() => !listener.connected);
    const waiting = failureOf(() => listener.notify("c"));
    const start = performance.now();
    await listener.close();
    expect(performance.now() - start).toBeLessThan(1_000);
    expect((await waiting).code).toBe("ERR_MAHOUT_LISTENER_CLOSED");
  }, 60_000);
});

describe("the probe", () => {
  test("finds out that a link is dead though the system says nothing", async () => {
    await using middle = new Middle();
    const listener = make({ probe: { interval: 50, timeout: 150 } }, await middle.start());
    const { events } = watch(listener);
    const channel = newChannel();
    const heard: string[] = [];
    await listener.listen(channel, (event) => heard.push(shown(event)));
    middle.hole = true;
    await eventually(() => events.some(({ kind }) => kind === "disconnected"));
    middle.hole = false;
    await eventually(() => heard.length > 0);
    await listener.notify(channel, "1");
    expect(heard).toEqual([`gap ${channel}`, `1 ${channel}`]);
    expect(events.find(({ kind }) => kind === "disconnected")).toMatchObject({
      error: { name: "OperationalError", code: "ERR_MAHOUT_LISTENER_DEAF" },
    });
  });

  test("finds out that a session is frozen", async () => {
    const listener = make({ probe: { interval: 30, timeout: 150 } });
    const { pids } = watch(listener);
    const heard: string[] = [];
    const channel = newChannel();
    await listener.listen(channel, (event) => heard.push(shown(event)));
    const frozen = pids()[0] as number;
    process.kill(frozen, "SIGSTOP");
    try {
      await eventually(() => pids().length === 2);
      expect(heard).toEqual([`gap ${channel}`]);
    } finally {
      process.kill(frozen, "SIGCONT");
    }
  });

  test("finds out that only notifications are lost", async () => {
    await using middle = new Middle();
    const listener = make({ probe: { interval: 30, timeout: 150 } }, await middle.start());
    const { events, pids } = watch(listener);
    await listener.open();
    middle.deaf = true;
    await eventually(() => events.some(({ kind }) => kind === "error"));
    middle.deaf = false;
    await eventually(() => pids().length === 2);
  });

  test("is made when connecting, too: behind such a pooler nobody is made to believe", async () => {
    await using middle = new Middle();
    middle.deaf = true;
    const options = { probe: { timeout: 100 } };
    const listener = make(options, await middle.start());
    const error = await failureOf(() => listener.listen("c", () => {}));
    expect([error.name, error.code]).toEqual(["OperationalError", "ERR_MAHOUT_LISTENER_DEAF"]);
    expect(error.message).toContain("pooler");
    expect(listener.connected).toBe(false);
  });

  test("can be left out afterwards", async () => {
    await using middle = new Middle();
    const listener = make({ probe: false }, await middle.start());
    const { events } = watch(listener);
    await listener.open();
    middle.hole = true;
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(events.map(({ kind }) => kind)).toEqual(["connected"]);
    await listener.close();
  });

  test("isn't needed while notifications come", async () => {
    const name = newApplicationName();
    const listener = make({ probe: { interval: 500, timeout: 5_000 } }, { application_name: name });
    const channel = newChannel();
    await listener.open();
    await listener.listen(channel, () => {});
    const last = `select query from pg_stat_activity where application_name = '${name}'`;
    for (const start = performance.now(); performance.now() - start < 1_200;) {
      await administer(`notify ${channel}`);
    }
    expect(await administer(last)).toEqual([[`listen "${channel}"`]]);
    await eventually(async () => String(await administer(last)).includes("pg_notify"));
    expect(listener.connected).toBe(true);
  });

  test("bounds LISTEN itself", async () => {
    await using middle = new Middle();
    const listener = make({ probe: { interval: 10_000, timeout: 150 } }, await middle.start());
    const { events, pids } = watch(listener);
    await listener.open();
    middle.hole = true;
    const listening = listener.listen(newChannel(), () => {});
    await eventually(() => events.some(({ kind }) => kind === "disconnected"));
    middle.hole = false;
    await listening;
    expect(pids()).toHaveLength(2);
  });
});

test("after all that no session is left", async () => {
  const name = newApplicationName();
  const listener = make({ reconnect: { minDelay: 0 } }, { application_name: name });
  const { pids } = watch(listener);
  await listener.open();
  await terminate(pids()[0] as number);
  await eventually(() => pids().length === 2);
  await listener.close();
  await untilGone(defaultServer(), name);
});
