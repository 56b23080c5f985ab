// A recorded stream through a session: the same results, errors and news however the bytes arrive, and
// nothing worse than the end of the session when they were altered.

import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { type Diagnostic, MahoutError } from "../../src/errors.ts";
import { QueryReply } from "../../src/protocol/replies.ts";
import { Session } from "../../src/protocol/session.ts";
import * as recordings from "./recordings.ts";

/** All that came of a reply, for comparison. */
function outcomeOf(reply: QueryReply): unknown {
  const results = reply.results.map(({ tag, columns, rowCount, blocks }) => {
    const rows = blocks.map(({ bytes, start, end }) => bytes.toString("hex", start, end)).join("");
    return { tag, rowCount, columns, rows };
  });
  return [reply.settled, reply.failure, reply.error, results];
}

describe("the recorded streams", () => {
  const texts = 11;

  function replay(cut: (stream: Buffer) => readonly Buffer[]): unknown[] {
    const session = new Session();
    const heard: unknown[] = [];
    session.onNotice = (diag) => heard.push(diag);
    session.onNotification = (message) => heard.push(message);
    const replies = Array.from({ length: texts }, () => session.owe(new QueryReply()));
    for (const piece of cut(recordings.simple)) {
      const reused = Buffer.from(piece);
      session.receive(reused, 0, reused.length);
      reused.fill(0xee);
    }
    const state = [...session.parameters, session.transactionStatus, session.idle, session.ended];
    return [...replies.map(outcomeOf), heard, state];
  }

  const whole = replay((stream) => [stream]);

  test("give results, errors, a notice, a notification and a parameter", () => {
    expect(whole.at(-1)).toEqual([["TimeZone", "Asia/Tokyo"], "I", true, false]);
    expect(whole.at(-2)).toHaveLength(2);
    const sqlstates = whole
      .slice(0, texts)
      .map((outcome) => (outcome as [0, 0, Diagnostic | null])[2]?.sqlstate);
    expect(sqlstates.filter(Boolean)).toEqual(["22012", "42P01"]);
  });

  test("give the same wherever they are split", () => {
    for (let at = 0; at <= recordings.simple.length; at++) {
      const halves = replay((stream) => [stream.subarray(0, at), stream.subarray(at)]);
      expect(halves).toEqual(whole);
    }
  });

  test("give the same byte by byte", () => {
    expect(replay((stream) => Array.from(stream, (byte) => Buffer.of(byte)))).toEqual(whole);
  });

  test("end in an error or wait for more when anything in them is altered", () => {
    fc.assert(
      fc.property(
        fc.nat(recordings.simple.length - 1),
        fc.integer({ min: 1, max: 255 }),
        (at, change) => {
          const session = new Session();
          const replies = Array.from({ length: texts }, () => session.owe(new QueryReply()));
          const altered = Buffer.from(recordings.simple);
          altered[at] = (altered[at] as number) ^ change;
          session.receive(altered, 0, altered.length);
          if (!session.ended) return;
          expect(session.endReason()).toBeInstanceOf(MahoutError);
          for (const { settled, failure } of replies) {
            expect(settled).toBe(true);
            if (failure) expect(failure).toBeInstanceOf(MahoutError);
          }
        },
      ),
      { numRuns: 3000, seed: 1986 },
    );
  });
});
