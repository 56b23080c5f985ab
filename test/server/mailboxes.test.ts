// The shared memory of blocking connections: used again by those to come, and never by two at once.

import { createServer, type Server, type Socket } from "node:net";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { Connection } from "../../src/index.ts";
import { Channel } from "../../src/transport/bridge.ts";
import { farewellOf } from "../../src/transport/farewell.ts";
import {
  layout,
  newMailbox,
  remainsOf,
  RING_SIZE,
  RING_START,
  Word,
  WORDS,
} from "../../src/transport/mailbox.ts";
import { ringOf } from "../../src/transport/ring.ts";
import { leaveMailbox, takeMailbox } from "../../src/transport/spare-mailboxes.ts";
import { defaultServer } from "../support/default-server.ts";
import { eventually } from "../support/shells.ts";

/** The mailboxes that were made while a test ran, in order. */
let made: SharedArrayBuffer[] = [];
const Genuine = globalThis.SharedArrayBuffer;

class Recorded extends Genuine {
  constructor(length: number) {
    super(length);
    if (length > RING_SIZE) made.push(this);
  }
}

beforeAll(() => {
  globalThis.SharedArrayBuffer = Recorded as SharedArrayBufferConstructor;
});

afterAll(() => {
  globalThis.SharedArrayBuffer = Genuine;
});

beforeEach(() => {
  // What earlier tests left is displaced by what is never let go of.
  for (let index = 0; index < 50; index++) leaveMailbox(new Genuine(RING_START));
  made = [];
});

const wordsOf = (memory: SharedArrayBuffer): Int32Array => new Int32Array(memory, 0, WORDS);
const isReleased = (memory: SharedArrayBuffer): boolean =>
  Atomics.load(wordsOf(memory), Word.released) === 1;
const newest = (): SharedArrayBuffer => made.at(-1) as SharedArrayBuffer;
const headOf = (memory: SharedArrayBuffer): Buffer =>
  Buffer.from(new Uint8Array(memory, 0, RING_START).slice());

/** Takes all mailboxes that may be used again. */
function spares(): SharedArrayBuffer[] {
  const taken: SharedArrayBuffer[] = [];
  for (;;) {
    const before = made.length;
    const memory = takeMailbox();
    if (made.length > before) return taken;
    taken.push(memory);
  }
}

describe("a channel", () => {
  let server: Server;
  let accepted: Socket[] = [];

  beforeEach(async () => {
    accepted = [];
    server = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on("error", () => {});
      accepted.push(socket);
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
  });

  afterEach(async () => {
    for (const socket of accepted) socket.destroy();
    server.close();
    await once(server, "close");
  });

  async function opened(): Promise<Channel> {
    const count = accepted.length;
    const channel = new Channel();
    const { port } = server.address() as AddressInfo;
    channel.open({ options: { host: "127.0.0.1", port }, patience: 0, direct: true });
    await eventually(() => channel.settled && accepted.length > count);
    expect(channel.ended).toBe(false);
    return channel;
  }

  test("leaves its mailbox to the next one", async () => {
    const first = await opened();
    const memory = newest();
    first.destroy();
    await eventually(() => isReleased(memory));
    const count = made.length;
    const second = await opened();
    expect(made).toHaveLength(count);
    expect([first.ended, first.descriptor, second.ended]).toEqual([true, -1, false]);
    second.destroy();
  });

  test("leaves it to nobody before its socket is closed", async () => {
    const channel = await opened();
    const memory = newest();
    channel.end(60_000);
    channel.leave();
    // The worker has answered what was asked after that, and goes on waiting for the other side.
    const other = await opened();
    expect(newest()).not.toBe(memory);
    expect([isReleased(memory), spares()]).toEqual([false, []]);
    accepted[0]?.end();
    await eventually(() => isReleased(memory));
    expect(spares()).toEqual([memory]);
    other.destroy();
  });

  test("has nothing to do any more with what it left", async () => {
    const old = await opened();
    const memory = newest();
    old.direct.active = true; // as in the middle of an operation
    old.turn(); // answered by the worker a turn later than it closes
    old.destroy();
    await eventually(() => isReleased(memory));
    const next = await opened();
    expect(newest()).toBe(memory);
    next.turn();
    await eventually(() => next.settled);
    const before = headOf(memory);
    expect(old.direct.read(false)).toBe(false);
    old.direct.leave(true);
    old.direct.begin();
    old.look();
    old.write(Buffer.from("late"), 4);
    old.turn();
    old.listen();
    old.giveBack();
    old.claim();
    expect(old.receive({ receive: (_, start) => start })).toBe(false);
    old.direct.read(true);
    old.direct.leave(true);
    old.sleep(1);
    old.end(1);
    old.destroy();
    old.leave();
    expect(headOf(memory)).toEqual(before);
    // Nor does the worker: it answers in order.
    next.turn();
    await eventually(() => next.settled);
    const after = headOf(memory);
    const changed = [...after.keys()].filter((index) => after[index] !== before[index]);
    expect(new Set(changed.map((index) => index >> 2))).toEqual(new Set([Word.signal, Word.done]));
    expect(spares()).toEqual([]);
    next.destroy();
  });

  test("keeps it while pieces of it are being looked at", async () => {
    const channel = await opened();
    const memory = newest();
    accepted[0]?.write("something");
    await eventually(() => channel.unread);
    let seen = "";
    const receive = (bytes: Buffer, start: number, end: number): number => {
      channel.destroy();
      leaveMailbox(new Genuine(RING_START)); // one that is never let go of
      seen = bytes.toString("latin1", start, end);
      return end;
    };
    expect(channel.receive({ receive })).toBe(true);
    expect([seen, channel.unread]).toEqual(["something", false]);
    await eventually(() => isReleased(memory));
    expect(spares()).toEqual([]);
    channel.destroy();
    expect(spares()).toEqual([memory]);
  });

  test("gives back what it only looked up a name with", async () => {
    const channel = new Channel();
    const memory = newest();
    channel.resolve("127.0.0.1");
    channel.destroy();
    await eventually(() => isReleased(memory));
    expect(spares()).toEqual([memory]);
  });
});

test("who has let go of a mailbox says nothing into it any more", () => {
  const memory = takeMailbox();
  const channel = { words: wordsOf(memory), bytes: new Uint8Array(memory) };
  const { release, report } = farewellOf(layout);
  const { free, fill } = ringOf(layout);
  release(channel);
  expect(isReleased(memory)).toBe(true);
  const before = Buffer.from(new Uint8Array(memory).slice());
  // As a timer, a callback of a write and a read would, that were begun before.
  Atomics.add(channel.words, Word.signal, 1);
  Atomics.store(channel.words, Word.done, 7);
  report(channel, new Error("late"));
  expect(fill(channel, [Buffer.from("late")])).toBe(false);
  expect(free(channel)).toHaveLength(0);
  expect(before.equals(new Uint8Array(memory))).toBe(true);
});

describe("a blocking connection", () => {
  const count = 300;

  test("finds a mailbox of one that was closed", () => {
    for (let index = 0; index < count; index++) {
      using conn = Connection.connect(defaultServer().conninfo());
      expect(conn.query("select $1::int as n", [index])).toEqual([{ n: index }]);
    }
    // As a rule two. A server that is slow to close leaves some that nobody gets.
    expect(made.length).toBeLessThan(count / 10);
  });

  test("never gets one that was shown to other threads", async () => {
    const conn = Connection.connect(defaultServer().conninfo());
    const { memory } = conn.cancelHandle();
    conn.close();
    await eventually(() => isReleased(memory));
    const before = headOf(memory);
    for (let index = 0; index < 20; index++) {
      using next = Connection.connect(defaultServer().conninfo());
      expect(next.query("select 1 as n")).toEqual([{ n: 1 }]);
    }
    expect(headOf(memory)).toEqual(before);
    expect(spares()).not.toContain(memory);
  });
});

test("what is left of a mailbox has room for the error that it tells of", () => {
  const memory = newMailbox();
  const { report } = farewellOf(layout);
  const channel = { words: new Int32Array(memory, 0, WORDS), bytes: new Uint8Array(memory) };
  // The worker may speak at any moment: here, just before it is copied.
  const slice = memory.slice.bind(memory);
  memory.slice = (start, end) => {
    report(channel, new Error("the socket failed"));
    return slice(start, end);
  };
  const remains = remainsOf(memory);
  const told = new Int32Array(remains, 0, WORDS)[Word.failed] as number;
  expect(layout.errorStart + told).toBeLessThanOrEqual(remains.byteLength);
  expect(channel.words[Word.failed]).toBeGreaterThan(0);
});
