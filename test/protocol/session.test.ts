// What a session does with what comes: it sorts, it counts what is owed, and it ends once and for all
// with an error for everybody who waits.

import { describe, expect, test } from "@jest/globals";
import { type Diagnostic, MahoutError, OperationalError, ProtocolError } from "../../src/errors.ts";
import type { Notify } from "../../src/protocol/messages.ts";
import { ExtendedReply } from "../../src/protocol/extended-reply.ts";
import { AnswerReply, QueryReply, type Reply } from "../../src/protocol/replies.ts";
import { Session } from "../../src/protocol/session.ts";
import { errors } from "../../src/sqlstate.ts";
import * as backend from "../support/backend-messages.ts";

const fatal = backend.fatalError({ C: "57P01", M: "going down" });

function hear(session: Session, ...messages: readonly (Uint8Array | string)[]): number {
  const bytes = Buffer.concat(messages.map((part) => Buffer.from(part as string)));
  return session.receive(bytes, 0, bytes.length);
}

/** All that came of a reply, for comparison. */
function outcomeOf(reply: QueryReply | ExtendedReply): unknown {
  const results = reply.results.map(({ tag, columns, rowCount, blocks }) => {
    const rows = blocks.map(({ bytes, start, end }) => bytes.toString("hex", start, end)).join("");
    return { tag, rowCount, columns, rows };
  });
  return [reply.settled, reply.failure, reply.error, results];
}

describe("what may come at any time", () => {
  test("goes to its taker in the middle of anything, and disturbs nothing", () => {
    const answer = [
      backend.rowDescription("a"),
      backend.dataRow("1"),
      backend.dataRow("2"),
      backend.commandComplete("SELECT 2"),
      backend.errorResponse(),
      backend.readyForQuery("E"),
    ];
    const plain = new QueryReply();
    const undisturbed = new Session();
    undisturbed.owe(plain);
    hear(undisturbed, ...answer);
    for (let at = 0; at <= answer.length; at++) {
      const session = new Session();
      const notices: Diagnostic[] = [];
      const notifications: Notify[] = [];
      session.onNotice = (diag) => notices.push(diag);
      session.onNotification = (message) => notifications.push(message);
      const reply = session.owe(new QueryReply());
      const aside = [
        backend.noticeResponse({ M: "n" }),
        backend.notificationResponse(7, "c", "p"),
        backend.parameterStatus("TimeZone", "UTC"),
      ];
      hear(session, ...answer.slice(0, at), ...aside, ...answer.slice(at));
      expect([at, outcomeOf(reply)]).toEqual([at, outcomeOf(plain)]);
      expect(notices.map(({ messagePrimary }) => messagePrimary)).toEqual(["n"]);
      expect(notifications).toEqual([{ channel: "c", payload: "p", pid: 7 }]);
      expect(session.parameters.get("TimeZone")).toBe("UTC");
      expect([session.transactionStatus, session.idle, session.ended]).toEqual(["E", true, false]);
    }
  });

  test("may come when nothing is owed, and when nobody takes it", () => {
    const session = new Session();
    hear(session, backend.noticeResponse(), backend.notificationResponse(1, "c", ""));
    hear(session, backend.parameterStatus("a", "1"), backend.parameterStatus("a", "2"));
    expect([session.ended, session.parameters.get("a")]).toEqual([false, "2"]);
  });

  test("is refused when it is malformed", () => {
    for (const type of ["N", "A", "S"]) {
      const session = new Session();
      session.onNotice = session.onNotification = () => {};
      hear(session, backend.message(type, "no end"));
      expect(session.endReason()).toBeInstanceOf(ProtocolError);
    }
  });

  test("is bounded: a server can't fill the memory with parameters", () => {
    const session = new Session();
    let sent = 0;
    for (; !session.ended && sent < 5000; sent++)
      hear(session, backend.parameterStatus(`p${sent}`, "v"));
    expect(sent).toBe(1001);
    expect(session.parameters.size).toBe(1000);
    expect(session.endReason()).toBeInstanceOf(ProtocolError);
  });

  test("is not bounded in number where nothing is kept", () => {
    const session = new Session();
    for (let round = 0; round < 5000; round++)
      hear(session, backend.parameterStatus("p", `${round}`));
    expect([session.ended, session.parameters.size]).toEqual([false, 1]);
  });

  test("has names that are data", () => {
    const session = new Session();
    hear(
      session,
      backend.parameterStatus("__proto__", "x"),
      backend.parameterStatus("constructor", "y"),
    );
    expect([...session.parameters]).toEqual([
      ["__proto__", "x"],
      ["constructor", "y"],
    ]);
  });
});

describe("the end", () => {
  /** A session with statements on the wire, and what became of their waiters. */
  function busy(): { session: Session; replies: Reply[]; resumed: number[]; ended: () => number } {
    const session = new Session();
    const resumed: number[] = [];
    let ended = 0;
    session.onEnd = () => ended++;
    const replies = [new QueryReply(), new ExtendedReply("12dxz"), new QueryReply()].map(
      (reply, index) => {
        reply.waiter = { resume: () => resumed.push(index) };
        return session.owe(reply);
      },
    );
    session.outbox.cstring("not sent yet");
    return { session, replies, resumed, ended: () => ended };
  }

  const ends: readonly [how: string, (session: Session) => void, error: object][] = [
    [
      "a FATAL",
      (session) => hear(session, fatal),
      { sqlstate: "57P01", name: "AdminShutdown", message: "going down" },
    ],
    [
      "a FATAL in another language",
      (session) => hear(session, backend.fatalError({ S: "FATALE" })),
      { sqlstate: "XX000" },
    ],
    [
      "a FATAL of an old server",
      (session) => hear(session, backend.message("E", "SFATAL\0C57P01\0Mx\0\0")),
      { name: "AdminShutdown" },
    ],
    [
      "a PANIC",
      (session) => hear(session, backend.fatalError({ S: "PANIC", V: "PANIC" })),
      { sqlstate: "XX000" },
    ],
    [
      "a surprise",
      (session) => hear(session, backend.bindComplete()),
      { name: "ProtocolError", code: "ERR_MAHOUT_PROTOCOL" },
    ],
    [
      "bytes that are no message",
      (session) => hear(session, "HTTP/1.1 400\r\n"),
      { name: "ProtocolError" },
    ],
    [
      "a malformed message",
      (session) => hear(session, backend.message("T", "x")),
      { name: "ProtocolError" },
    ],
    [
      "the end of the connection",
      (session) => session.disconnected(null),
      { name: "OperationalError", code: "ERR_MAHOUT_CONNECTION_LOST" },
    ],
    [
      "a failed socket",
      (session) => session.disconnected(new Error("EHOSTDOWN")),
      {
        message: expect.stringContaining("EHOSTDOWN"),
        cause: expect.objectContaining({ message: "EHOSTDOWN" }),
      },
    ],
  ];

  test.each(ends)("by %s is an error of its own for everybody who waits", (_, end, expected) => {
    const { session, replies, resumed, ended } = busy();
    end(session);
    expect([session.ended, session.owedCount, session.outbox.length]).toEqual([true, 0, 0]);
    expect(resumed).toEqual([0, 1, 2]);
    expect(ended()).toBe(1);
    const failures = [
      ...replies.map(({ failure }) => failure),
      session.endReason(),
      session.endReason(),
    ];
    for (const failure of failures) {
      expect(failure).toBeInstanceOf(MahoutError);
      expect(failure).toMatchObject(expected);
    }
    expect(new Set(failures).size).toBe(failures.length);
    expect(replies.map(({ settled, error }) => [settled, error])).toEqual(
      Array(3).fill([true, null]),
    );
  });

  test("comes once: what is said or asked afterwards changes nothing", () => {
    const { session, resumed, ended } = busy();
    hear(session, fatal);
    expect(hear(session, backend.readyForQuery(), "nonsense")).toBe(
      backend.readyForQuery().length + 8,
    );
    session.disconnected(new Error("later"));
    session.end(() => new MahoutError("later"));
    const late = session.owe(new QueryReply());
    expect([late.settled, session.owedCount]).toEqual([true, 0]);
    expect([late.failure?.message, session.endReason()?.message]).toEqual([
      "going down",
      "going down",
    ]);
    expect([resumed.length, ended()]).toEqual([3, 1]);
  });

  test("takes nothing back from who has been answered", () => {
    const session = new Session();
    const first = session.owe(new QueryReply());
    const second = session.owe(new QueryReply());
    hear(session, backend.commandComplete("BEGIN"), backend.readyForQuery("T"), fatal);
    expect([first.failure, first.results[0]?.tag]).toEqual([null, "BEGIN"]);
    expect(second.failure).toBeInstanceOf(errors.AdminShutdown);
  });

  test("comes with the last thing that was said: what follows a FATAL is not read", () => {
    const session = new Session();
    session.onNotice = () => expect(null).toBe("nothing");
    const reply = session.owe(new QueryReply());
    hear(session, fatal, backend.noticeResponse(), Buffer.alloc(9, 0xff));
    expect(reply.failure).toBeInstanceOf(errors.AdminShutdown);
  });

  test("lets a waiter ask at once for more, which fails as well", () => {
    const session = new Session();
    const reply = session.owe(new QueryReply());
    let second: Reply | null = null;
    reply.waiter = { resume: () => (second = session.owe(new QueryReply())) };
    session.disconnected(null);
    expect((second as Reply | null)?.failure).toBeInstanceOf(OperationalError);
  });

  test("is not an ERROR", () => {
    const session = new Session();
    const reply = session.owe(new QueryReply());
    hear(session, backend.errorResponse({ C: "23505" }), backend.readyForQuery());
    expect([session.ended, reply.failure, reply.error?.sqlstate]).toEqual([false, null, "23505"]);
  });
});

describe("what is owed", () => {
  test("is answered in order, however much there is", () => {
    const session = new Session();
    const order: number[] = [];
    const count = 3000;
    const replies = Array.from({ length: count }, (_, index) => {
      const reply = new QueryReply();
      reply.waiter = { resume: () => order.push(index) };
      return session.owe(reply);
    });
    expect([session.owedCount, session.idle]).toEqual([count, false]);
    const stream = Buffer.concat(
      replies.flatMap((_, index) => [
        backend.commandComplete(`SELECT ${index}`),
        backend.readyForQuery(),
      ]),
    );
    for (let at = 0; at < stream.length; at += 1000) {
      session.receive(stream, at, Math.min(at + 1000, stream.length));
    }
    expect(order).toEqual(replies.map((_, index) => index));
    expect(replies.map(({ results }) => results[0]?.tag)).toEqual(
      order.map((index) => `SELECT ${index}`),
    );
    expect([session.owedCount, session.idle]).toEqual([0, true]);
  });

  test("is one reply at a time where the driver goes step by step", () => {
    const session = new Session();
    session.stepwise = true;
    const replies = [session.owe(new QueryReply()), session.owe(new QueryReply())];
    const one = Buffer.concat([backend.commandComplete("BEGIN"), backend.readyForQuery()]);
    const stream = Buffer.concat([one, one, backend.noticeResponse()]);
    let at = session.receive(stream, 0, stream.length);
    expect([at, ...replies.map(({ settled }) => settled)]).toEqual([one.length, true, false]);
    at = session.receive(stream, at, stream.length);
    expect([at, replies[1]?.settled]).toEqual([one.length * 2, true]);
    expect(session.receive(stream, at, stream.length)).toBe(stream.length);
  });

  test("is one byte and no message after a request for encryption", () => {
    for (const letter of ["S", "N", "E", "\0"]) {
      const session = new Session();
      const reply = session.owe(new AnswerReply());
      hear(session, letter);
      expect([reply.settled, String.fromCharCode(reply.byte), session.idle]).toEqual([
        true,
        letter,
        true,
      ]);
    }
    for (const more of ["SS", "SR\0\0\0\x08\0\0\0\0", "NZ"]) {
      const session = new Session();
      const reply = session.owe(new AnswerReply());
      hear(session, more);
      expect(reply.failure).toMatchObject({
        name: "OperationalError",
        code: "ERR_MAHOUT_PROTOCOL",
      });
      expect(reply.byte).toBe(0);
    }
  });
});
