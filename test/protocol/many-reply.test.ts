// The answers to many executions before one Sync: counted, matched with what was written, and nothing else let
// through. Whoever waits for a number of them is resumed at the right message.

import { describe, expect, test } from "@jest/globals";
import { ProtocolError } from "../../src/errors.ts";
import { ManyReply } from "../../src/protocol/many-reply.ts";
import type { ColumnDescription } from "../../src/protocol/messages.ts";
import { Session } from "../../src/protocol/session.ts";
import * as backend from "../support/backend-messages.ts";

const messages: Readonly<Record<string, Buffer>> = {
  1: backend.parseComplete(),
  2: backend.bindComplete(),
  C: backend.commandComplete("INSERT 0 2"),
  S: backend.commandComplete("SET"),
  D: backend.dataRow("1"),
  I: backend.emptyQueryResponse(),
  E: backend.errorResponse({ C: "23505" }),
  Z: backend.readyForQuery(),
  T: backend.rowDescription("a"),
  n: backend.noData(),
  s: backend.portalSuspended(),
  3: backend.closeComplete(),
};
const COLUMNS: readonly ColumnDescription[] = [
  {
    name: "a",
    tableOid: 0,
    tableColumn: 0,
    typeOid: 25,
    typeSize: -1,
    typeModifier: -1,
    format: 0,
  },
];

interface Played {
  readonly session: Session;
  readonly reply: ManyReply;
}

/** Plays messages to a reply of which `written` items were written, and the Sync at `z`. */
function play(reply: ManyReply, sequence: string, written = 2): Played {
  const session = new Session();
  session.owe(reply);
  reply.written = written;
  for (const letter of sequence.replaceAll(" ", "")) {
    if (letter === "z") {
      reply.sync();
      continue;
    }
    const bytes = messages[letter] as Buffer;
    session.receive(bytes, 0, bytes.length);
  }
  return { session, reply };
}

describe("what was asked for", () => {
  test("is counted", () => {
    const { reply, session } = play(new ManyReply(null, false), "2C2C z Z");
    expect(session.ended).toBe(false);
    expect(reply).toMatchObject({ done: 2, rowCount: 4, tag: "INSERT 0 2", settled: true });
    expect(reply.results).toEqual([]);
  });

  test("may count nothing", () => {
    expect(play(new ManyReply(null, false), "2S2S z Z").reply.rowCount).toBe(-1);
    expect(play(new ManyReply(null, false), "2I2I z Z").reply).toMatchObject({ done: 2, tag: "" });
  });

  test("keeps its rows only when they are wanted", () => {
    const dropped = play(new ManyReply(COLUMNS, false), "2DDDC2C z Z").reply;
    expect([dropped.results, dropped.settled]).toEqual([[], true]);
    const kept = play(new ManyReply(COLUMNS, true), "2DDDC2C z Z").reply;
    expect(kept.results.map(({ rowCount }) => rowCount)).toEqual([3, 0]);
  });
});

test("rows that come in pieces are dropped whole", () => {
  const session = new Session();
  const reply = session.owe(new ManyReply(COLUMNS, false));
  reply.written = 1;
  reply.sync();
  const all = Buffer.concat(["2", "D", "D", "C"].map((letter) => messages[letter] as Buffer));
  for (let at = 0; at < all.length; at++) session.receive(all, at, at + 1);
  session.receive(messages.Z as Buffer, 0, 6);
  expect([session.ended, reply.settled, reply.done]).toEqual([false, true, 1]);
});

describe("an error", () => {
  const cases: [sequence: string, failed: number | null][] = [
    ["E z Z", 0],
    ["2E z Z", 0],
    ["2C E z Z", 1],
    ["2C2 E z Z", 1],
    ["2C2C E z Z", null],
    ["2C2C z E Z", null],
  ];
  test.each(cases)("%s is about item %p", (sequence, failed) => {
    const { reply, session } = play(new ManyReply(null, false), sequence);
    expect([session.ended, reply.settled, reply.failedItem]).toEqual([false, true, failed]);
  });
});

describe("a surprise ends the session", () => {
  test.each([
    "1",
    "3",
    "C",
    "D",
    "I",
    "T",
    "n",
    "s",
    "22",
    "2s",
    "2CC",
    "2C2C2",
    "2C2CZ",
    "2C z Z",
    "2 z Z",
  ])("%s", (sequence) => {
    const { reply, session } = play(new ManyReply(null, false), sequence);
    expect(session.ended).toBe(true);
    expect(reply.failure).toBeInstanceOf(ProtocolError);
  });
  test.each(["2D", "E E", "E 2", "E C", "E D", "E Z"])("%s", (sequence) => {
    expect(play(new ManyReply(null, false), sequence).session.ended).toBe(true);
    if (sequence !== "2D")
      expect(play(new ManyReply(COLUMNS, true), sequence).session.ended).toBe(true);
  });
});

describe("waiting", () => {
  test("ends with the item, with an error, and with the session", () => {
    for (const [sequence, at] of [
      ["2C2C", 4],
      ["2CE", 3],
      ["2C1", 3],
    ] as const) {
      const session = new Session();
      const reply = session.owe(new ManyReply(null, false));
      reply.written = 3;
      expect(reply.reached(0).settled).toBe(true);
      const arrival = reply.reached(2);
      const resumed: number[] = [];
      let sent = 0;
      arrival.waiter = { resume: () => resumed.push(sent) };
      for (const letter of sequence) {
        sent++;
        const bytes = messages[letter] as Buffer;
        session.receive(bytes, 0, bytes.length);
      }
      expect([arrival.settled, resumed]).toEqual([true, [at]]);
      expect(arrival.failure === null).toBe(!session.ended);
      expect(reply.reached(3).settled).toBe(sequence !== "2C2C");
    }
  });

  test("tells of a failure", () => {
    for (const sequence of ["E", "1"]) {
      const reply = new ManyReply(null, false);
      let told = 0;
      reply.onFailure = () => told++;
      play(reply, sequence);
      expect(told).toBe(1);
    }
  });
});
