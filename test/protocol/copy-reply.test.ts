// The answer to a COPY, message by message: what belongs to it is taken, anything else ends the session.

import { describe, expect, test } from "@jest/globals";
import { CopyReply } from "../../src/protocol/copy-reply.ts";
import { Session } from "../../src/protocol/session.ts";

function message(type: string, body: Buffer | string = ""): Buffer {
  const bytes = Buffer.from(body as string, "latin1");
  const length = Buffer.alloc(4);
  length.writeInt32BE(bytes.length + 4);
  return Buffer.concat([Buffer.from(type), length, bytes]);
}

const IN = message("G", "\0\0\x02\0\0\0\0");
const OUT = message("H", "\x01\0\x01\0\x01");
const READY = message("Z", "I");
const DONE = message("C", "COPY 2\0");
const ERROR = message("E", "SERROR\0VERROR\0C22P02\0Mno\0\0");
const FATAL = message("E", "SFATAL\0VFATAL\0C57P01\0Mbye\0\0");

function begun(...messages: Buffer[]): { session: Session; reply: CopyReply } {
  const session = new Session();
  const reply = session.owe(new CopyReply());
  feed(session, ...messages);
  return { session, reply };
}

function feed(session: Session, ...messages: Buffer[]): void {
  const bytes = Buffer.concat(messages);
  session.receive(bytes, 0, bytes.length);
}

describe("in", () => {
  test("well, and refused", () => {
    const { session, reply } = begun(IN);
    expect([reply.direction, reply.format, reply.columnCount]).toEqual(["in", 0, 2]);
    expect([reply.arrival.settled, reply.settled]).toEqual([true, false]);
    feed(session, DONE, READY);
    expect([reply.tag, reply.settled, session.ended]).toEqual(["COPY 2", true, false]);

    const refused = begun(IN, ERROR, READY);
    expect([refused.reply.error?.sqlstate, refused.reply.settled]).toEqual(["22P02", true]);
    expect([refused.reply.tag, refused.session.ended]).toEqual([null, false]);
  });
});

describe("out", () => {
  test("data is kept until it is taken, and counted", () => {
    const { session, reply } = begun(OUT);
    expect([reply.direction, reply.format, reply.columnCount]).toEqual(["out", 1, 1]);
    reply.arrival.settled = false;
    feed(session, message("d", "ab"), message("d", ""), message("d", "c"));
    expect([reply.arrival.settled, reply.backlog, session.backlog]).toEqual([true, 3, 3]);
    expect(reply.take()?.toString()).toBe("abc");
    expect([reply.take(), reply.backlog]).toEqual([null, 0]);
    feed(session, message("d", "x".repeat(200_000)), message("d", "y"), message("c"), DONE, READY);
    expect(reply.take()?.length).toBe(200_001);
    expect([reply.settled, reply.tag]).toEqual([true, "COPY 2"]);
  });

  test("what was dropped is gone, and what comes as well", () => {
    const { session, reply } = begun(OUT, message("d", "ab"));
    reply.discard();
    feed(session, message("d", "cd"));
    expect([reply.take(), reply.backlog]).toEqual([null, 0]);
    feed(session, ERROR, READY);
    expect(reply.settled).toBe(true);
  });

  test("an error on the way, and the end of the session: what came before is kept", () => {
    const { reply } = begun(OUT, message("d", "ab"), ERROR, READY);
    expect([reply.take()?.toString(), reply.error?.sqlstate]).toEqual(["ab", "22P02"]);
    const lost = begun(OUT, message("d", "ab"), FATAL);
    expect([lost.session.ended, lost.reply.settled]).toEqual([true, true]);
    expect(lost.reply.arrival.settled).toBe(true);
    expect(lost.reply.failure?.message).toBe("bye");
    expect(lost.reply.take()?.toString()).toBe("ab");
  });
});

test("something else than one COPY is swallowed, and told", () => {
  const columns = message("T", "\0\x01n\0\0\0\0\0\0\0\0\0\0\x17\0\x04\xff\xff\xff\xff\0\0");
  const row = message("D", "\0\x01\0\0\0\x011");
  for (const messages of [
    [columns, row, row, message("C", "SELECT 2\0"), READY],
    [message("I"), READY],
    [message("C", "INSERT 0 1\0"), READY],
    [OUT, message("c"), DONE, OUT, message("d", "x"), message("c"), DONE, READY],
    [IN, DONE, columns, row, message("C", "SELECT 1\0"), READY],
  ]) {
    const { session, reply } = begun(...messages);
    expect([reply.isOther, reply.settled, session.ended]).toEqual([true, true, false]);
  }
  const { session, reply } = begun(IN, DONE, IN);
  expect(session.outbox.bytes.subarray(0, 1).toString()).toBe("f");
  feed(session, ERROR, READY);
  expect([reply.isOther, reply.settled, session.ended]).toEqual([true, true, false]);
});

test.each<[what: string, messages: Buffer[]]>([
  ["data before the answer", [message("d", "x")]],
  ["data from a COPY that takes it", [IN, message("d", "x")]],
  ["data after the end", [OUT, message("c"), message("d", "x")]],
  ["the end before the answer", [message("c")]],
  ["the end twice", [OUT, message("c"), message("c")]],
  ["completion in the middle of data", [OUT, message("d", "x"), DONE]],
  ["ready without an outcome", [READY]],
  ["ready in the middle", [OUT, READY]],
  ["an answer in the middle", [OUT, IN]],
  ["a row", [message("D", "\0\0")]],
  ["two errors", [ERROR, ERROR]],
  ["something after an error", [IN, ERROR, DONE]],
  ["copying in both directions", [message("W", "\0\0\0")]],
  ["a strange format", [message("G", "\x02\0\0")]],
  ["more columns than there are", [message("H", "\0\0\x09\0\0")]],
  ["a short answer", [message("H", "\0")]],
])("%s ends the session", (_what, messages) => {
  const { session, reply } = begun(...messages);
  expect([session.ended, reply.settled, reply.failure?.name]).toEqual([
    true,
    true,
    "ProtocolError",
  ]);
});
