// The trace of a session: the same however bytes arrive, whatever its sink does, and nothing breaks a line.

import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import * as encode from "../../src/protocol/encode.ts";
import { QueryReply } from "../../src/protocol/replies.ts";
import { Session } from "../../src/protocol/session.ts";
import { Tracer } from "../../src/protocol/trace.ts";
import * as recordings from "./recordings.ts";
import { traced } from "./traced-lines.ts";

describe("a session", () => {
  function replay(stream: Buffer, size: number): string[] {
    const session = new Session();
    const { tracer, lines } = traced({ values: true });
    session.tracer = tracer;
    for (let index = 0; index < 11; index++) session.owe(new QueryReply());
    for (let at = 0; at < stream.length; at += size) {
      session.receive(stream, at, Math.min(at + size, stream.length));
    }
    return lines;
  }

  test("traces the same however the bytes arrive", () => {
    const whole = replay(recordings.simple, recordings.simple.length);
    expect(whole).toHaveLength(35);
    expect(whole.slice(0, 4)).toEqual([
      'B\t26\tRowDescription\t 1 "a" 0 0 23 4 -1 0',
      "B\t11\tDataRow\t 1 1 '1'",
      'B\t13\tCommandComplete\t "SELECT 1"',
      expect.stringMatching(/^B\t46\tRowDescription\t 2 /),
    ]);
    for (const size of [1, 2, 7, 100]) expect(replay(recordings.simple, size)).toEqual(whole);
  });

  test("a sink that uses the session is not called for that", () => {
    const session = new Session();
    const lines: string[] = [];
    const emit = (line: string): void => {
      lines.push(line);
      encode.writeSync(session.outbox);
      session.tracer?.sent(session.outbox.bytes, 0, session.outbox.length);
    };
    session.tracer = new Tracer({ regress: false, values: false, time: null, emit }, false);
    encode.writeFlush(session.outbox);
    session.tracer.sent(session.outbox.bytes, 0, session.outbox.length);
    expect(lines).toEqual(["F\t4\tFlush"]);
  });
});

test("no bytes can make it throw, or break a line", () => {
  const types = "RKBCDEFHPQSXcdfp123AGHINTVWZnstv".split("");
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom(...types), fc.uint8Array({ maxLength: 40 }))),
      fc.boolean(),
      fc.boolean(),
      (messages, isStarting, regress) => {
        const { tracer, lines } = traced({ regress }, isStarting);
        for (const [type, body] of messages) {
          const bytes = Buffer.from(body);
          tracer.received(type.charCodeAt(0), bytes, 0, bytes.length);
          tracer.sent(bytes, 0, bytes.length);
        }
        for (const line of lines) expect(line).not.toMatch(/[\0-\x08\n-\x1f\x7f]/);
      },
    ),
    { numRuns: 1000, seed: 1986 },
  );
});
