// The trace, message by message: what a line says, what it never says, and that it survives anything.

import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { ParameterWriter } from "../../src/protocol/encode.ts";
import * as encode from "../../src/protocol/encode.ts";
import { QueryReply } from "../../src/protocol/replies.ts";
import { Session } from "../../src/protocol/session.ts";
import { type TraceSettings, Tracer } from "../../src/protocol/trace.ts";
import { Writer } from "../../src/protocol/writer.ts";
import * as backend from "../support/backend-messages.ts";
import * as recordings from "./recordings.ts";
import { greeting, start } from "./start-by-hand.ts";

type Style = Partial<Omit<TraceSettings, "emit">>;

interface Traced {
  readonly tracer: Tracer;
  readonly lines: string[];
}

function traced(style: Style = {}, isStarting = false): Traced {
  const lines: string[] = [];
  const emit = (line: string): void => void lines.push(line);
  const settings = { regress: false, values: false, time: null, ...style, emit };
  return { tracer: new Tracer(settings, isStarting), lines };
}

/** The lines of what `write` writes. */
function linesOf(write: (out: Writer) => void, style: Style = {}, isStarting = false): string[] {
  const { tracer, lines } = traced(style, isStarting);
  const out = new Writer();
  write(out);
  tracer.sent(out.bytes, 0, out.length);
  return lines;
}

/** The lines of what a server says to a session that is ready, or starts. */
function linesOfServer(said: Uint8Array, style: Style = {}, isStarting = false): string[] {
  const { tracer, lines } = traced(style, isStarting);
  const bytes = Buffer.from(said);
  for (let at = 0; at < bytes.length;) {
    const next = at + 1 + bytes.readInt32BE(at + 1);
    tracer.received(bytes[at] as number, bytes, at + 5, next);
    at = next;
  }
  return lines;
}

const texts = (...values: readonly (string | null)[]): ParameterWriter => ({
  count: values.length,
  write(index, out) {
    const value = values[index] ?? null;
    if (value === null) out.int32(-1);
    else {
      out.int32(Buffer.byteLength(value));
      out.utf8(value);
    }
    return value === "binary" ? 1 : 0;
  },
});

const SECRET = "hunter2";

describe("what the client says", () => {
  const cases: [write: (out: Writer) => void, line: string][] = [
    [(out) => encode.writeQuery(out, "select 1"), 'F\t13\tQuery\t "select 1"'],
    [
      (out) => encode.writeParse(out, "s", "select $1", [23, 25]),
      'F\t26\tParse\t "s" "select $1" 2 23 25',
    ],
    [(out) => encode.writeDescribeStatement(out, "s"), 'F\t7\tDescribe\t S "s"'],
    [(out) => encode.writeDescribePortal(out), 'F\t6\tDescribe\t P ""'],
    [(out) => encode.writeCloseStatement(out, "s"), 'F\t7\tClose\t S "s"'],
    [(out) => encode.writeExecute(out), 'F\t9\tExecute\t "" 0'],
    [(out) => encode.writeSync(out), "F\t4\tSync"],
    [(out) => encode.writeFlush(out), "F\t4\tFlush"],
    [(out) => encode.writeTerminate(out), "F\t4\tTerminate"],
    [(out) => encode.writeCopyFail(out, "no more"), 'F\t12\tCopyFail\t "no more"'],
    [
      (out) => encode.writeBind(out, "s", texts(SECRET, null, "binary"), [0, 1]),
      'F\t48\tBind\t "" "s" 3 0 0 1 3 7 -1 6 2 0 1',
    ],
  ];
  test.each(cases)("%#: %s", (write, line) => {
    expect(linesOf(write)).toEqual([line]);
  });

  test("values are shown where that is asked for, and cut where they are long", () => {
    const bind = (out: Writer): void =>
      encode.writeBind(out, "", texts("it's \u00e9\n", null, "x".repeat(1100)), null);
    const [line] = linesOf(bind, { values: true });
    expect(line).toBe(
      `F\t1138\tBind\t "" "" 3 0 0 0 3 8 'it\\'s \\xc3\\xa9\\n' -1 1100 '${"x".repeat(1024)}' (76 more) 0`,
    );
  });

  test("several messages of one write are several lines", () => {
    const lines = linesOf((out) => {
      encode.writeQuery(out, "a");
      encode.writeSync(out);
      encode.writeTerminate(out);
    });
    expect(lines).toEqual(['F\t6\tQuery\t "a"', "F\t4\tSync", "F\t4\tTerminate"]);
  });

  test("one message is one line, whatever stands in it", () => {
    const text = 'select "a\nb"\r\t\\ \u2028 \u202e \ud83d\ude00';
    const [line, ...others] = linesOf((out) => encode.writeQuery(out, text));
    expect(others).toEqual([]);
    expect(line).toBe(
      'F\t33\tQuery\t "select \\"a\\nb\\"\\x0d\\x09\\\\ \\u{2028} \\u{202e} \ud83d\ude00"',
    );
  });

  test("a long text is cut", () => {
    const [line] = linesOf((out) => encode.writeQuery(out, "x".repeat(20_000)));
    expect(line).toBe(`F\t20005\tQuery\t "${"x".repeat(16_384)}" (3616 more)`);
  });

  test("COPY data are a length, also when they are sent in pieces", () => {
    const { tracer, lines } = traced();
    const data = Buffer.alloc(1024 * 1024, 0x51);
    const whole = Buffer.concat([
      backend.message("d", data),
      backend.message("c"),
      backend.message("S"),
    ]);
    for (let at = 0; at < whole.length; at += 1000) {
      tracer.sent(whole, at, Math.min(at + 1000, whole.length));
    }
    expect(lines).toEqual(["F\t1048580\tCopyData", "F\t4\tCopyDone", "F\t4\tSync"]);
  });

  test("a write of one byte at a time is traced once all of a header was sent", () => {
    const { tracer, lines } = traced({}, true);
    const out = new Writer();
    encode.writeSslRequest(out);
    encode.writeStartup(out, 0x30002, new Map([["user", "ada"]]));
    encode.writeSync(out);
    for (let at = 0; at < out.length; at++) tracer.sent(out.bytes, at, at + 1);
    expect(lines).toEqual([
      "F\t8\tSSLRequest",
      "F\t18\tStartupMessage\t 3.2 (in pieces)",
      "F\t4\tSync",
    ]);
  });

  test("messages without a type byte are known at the start", () => {
    const lines = linesOf(
      (out) => {
        encode.writeSslRequest(out);
        encode.writeStartup(
          out,
          0x30000,
          new Map([
            ["user", "ada"],
            ["database", "app"],
          ]),
        );
        encode.writeQuery(out, "x");
      },
      {},
      true,
    );
    expect(lines).toEqual([
      "F\t8\tSSLRequest",
      'F\t31\tStartupMessage\t 3.0 "user" "ada" "database" "app"',
      'F\t6\tQuery\t "x"',
    ]);
  });

  test("a cancel request tells no key", () => {
    const key = Buffer.from("0123456789");
    const write = (out: Writer): void => encode.writeCancel(out, 77, key);
    expect(linesOf(write, { values: true }, true)).toEqual(["F\t22\tCancelRequest\t 77 (key)"]);
    expect(linesOf(write, { regress: true }, true)).toEqual([
      "F\tNNNN\tCancelRequest\t NNNN (key)",
    ]);
  });
});

describe("authentication", () => {
  const proofs: [name: string, request: Buffer, write: (out: Writer) => void, lines: string[]][] = [
    [
      "a password",
      backend.authenticationCleartextPassword(),
      (out) => encode.writePassword(out, SECRET),
      ["B\t8\tAuthenticationCleartextPassword", "F\tNNNN\tPasswordMessage"],
    ],
    [
      "a hashed password",
      backend.authenticationMd5Password(Buffer.from("salt")),
      (out) => encode.writePassword(out, `md5${SECRET}`),
      ["B\t12\tAuthenticationMD5Password", "F\tNNNN\tPasswordMessage"],
    ],
    [
      "the first words of SCRAM",
      backend.authenticationSasl("SCRAM-SHA-256"),
      (out) => encode.writeSaslInitial(out, "SCRAM-SHA-256", `n,,n=,r=${SECRET}`),
      [
        'B\t23\tAuthenticationSASL\t "SCRAM-SHA-256"',
        'F\tNNNN\tSASLInitialResponse\t "SCRAM-SHA-256"',
      ],
    ],
    [
      "its proof",
      backend.authenticationSaslContinue(`r=${SECRET}`),
      (out) => encode.writeSaslResponse(out, `c=biws,p=${SECRET}`),
      ["B\t17\tAuthenticationSASLContinue", "F\tNNNN\tSASLResponse"],
    ],
  ];
  test.each(proofs)("%s is never shown", (_name, request, write, lines) => {
    const found = traced({ values: true });
    found.tracer.received(request[0] as number, request, 5, request.length);
    const out = new Writer();
    write(out);
    found.tracer.sent(out.bytes, 0, out.length);
    expect(found.lines).toEqual(lines);
  });

  test("a proof in pieces is never shown either", () => {
    const { tracer, lines } = traced({ values: true });
    const out = new Writer();
    encode.writePassword(out, SECRET);
    encode.writeSync(out);
    for (let at = 0; at < out.length; at += 3) {
      tracer.sent(out.bytes, at, Math.min(at + 3, out.length));
    }
    expect(lines).toEqual(["F\tNNNN\tPasswordMessage", "F\t4\tSync"]);
  });

  test("a whole start shows neither password nor key, and hides what varies", () => {
    const by = start();
    const { tracer, lines } = traced({ regress: true }, true);
    const { session } = by;
    session.tracer = tracer;
    const send = (): void => tracer.sent(session.outbox.bytes, 0, session.outbox.length);
    send();
    by.sent();
    by.hear(backend.authenticationCleartextPassword());
    send();
    by.sent();
    by.hear(...greeting, backend.parameterStatus("TimeZone", "UTC"));
    expect(lines).toEqual([
      'F\t31\tStartupMessage\t 3.0 "user" "ada" "database" "app"',
      "B\t8\tAuthenticationCleartextPassword",
      "F\tNNNN\tPasswordMessage",
      "B\t8\tAuthenticationOk",
      'B\tNNNN\tParameterStatus\t "server_version" "SSSS"',
      "B\tNNNN\tBackendKeyData\t NNNN (key)",
      "B\t5\tReadyForQuery\t I",
      'B\t17\tParameterStatus\t "TimeZone" "UTC"',
    ]);
  });

  test("the answer to a request for encryption is a line", () => {
    const by = start({ encryption: "required" });
    const { tracer, lines } = traced({}, true);
    by.session.tracer = tracer;
    by.hear("S");
    expect(lines).toEqual(["B\t1\tSSLResponse\t S"]);
  });
});

describe("what the server says", () => {
  const error = { S: "ERROR", V: "ERROR", C: "23505", M: "twice", D: `(${SECRET})`, W: SECRET };
  const place = { F: "nbtinsert.c", L: "666", R: "_bt_check_unique" };
  const cases: [said: Buffer, style: Style, lines: string[]][] = [
    [backend.backendKeyData(77, Buffer.of(1, 2, 3, 4)), {}, ["B\t12\tBackendKeyData\t 77 (key)"]],
    [
      backend.backendKeyData(77, Buffer.alloc(32)),
      { values: true },
      ["B\t40\tBackendKeyData\t 77 (key)"],
    ],
    [backend.commandComplete("SELECT 3"), {}, ['B\t13\tCommandComplete\t "SELECT 3"']],
    [backend.dataRow("ada", null, ""), {}, ["B\t21\tDataRow\t 3 3 -1 0"]],
    [
      backend.dataRow("ada", null, Buffer.of(0, 255)),
      { values: true },
      ["B\t23\tDataRow\t 3 3 'ada' -1 2 '\\x00\\xff'"],
    ],
    [backend.parameterDescription(23, 70_000), {}, ["B\t14\tParameterDescription\t 2 23 70000"]],
    [
      backend.parameterDescription(23, 70_000),
      { regress: true },
      ["B\t14\tParameterDescription\t 2 23 NNNN"],
    ],
    [
      backend.rowDescription({ name: "a", tableOid: 70_001, tableColumn: 2, typeOid: 23 }, "b"),
      { regress: true },
      ['B\t46\tRowDescription\t 2 "a" NNNN 2 23 -1 -1 0 "b" 0 0 25 -1 -1 0'],
    ],
    [
      backend.notificationResponse(77, "jobs", SECRET),
      {},
      ['B\t21\tNotificationResponse\t 77 "jobs" (7 bytes)'],
    ],
    [
      backend.notificationResponse(77, "jobs", SECRET),
      { regress: true, values: true },
      [`B\t21\tNotificationResponse\t NNNN "jobs" "${SECRET}"`],
    ],
    [
      backend.errorResponse({ ...error, ...place }),
      {},
      [
        'B\t89\tErrorResponse\t S "ERROR" V "ERROR" C "23505" M "twice" D (9 bytes) W (7 bytes)' +
          ' F "nbtinsert.c" L "666" R "_bt_check_unique"',
      ],
    ],
    [
      backend.errorResponse({ ...error, ...place }),
      { regress: true, values: true },
      [
        `B\tNNNN\tErrorResponse\t S "ERROR" V "ERROR" C "23505" M "twice" D "(${SECRET})"` +
          ` W "${SECRET}" F "SSSS" L "SSSS" R "SSSS"`,
      ],
    ],
    [backend.readyForQuery("E"), {}, ["B\t5\tReadyForQuery\t E"]],
    [
      backend.negotiateProtocolVersion(0x30000, "_pq_.x"),
      {},
      ['B\t19\tNegotiateProtocolVersion\t 196608 1 "_pq_.x"'],
    ],
    [backend.message("G", Buffer.of(1, 0, 2, 0, 1, 0, 1)), {}, ["B\t11\tCopyInResponse\t 1 2 1 1"]],
    [backend.message("d", "row"), {}, ["B\t7\tCopyData"]],
    [backend.message("d", "row"), { values: true }, ["B\t7\tCopyData\t 'row'"]],
    [backend.message("1"), {}, ["B\t4\tParseComplete"]],
    [backend.authentication(99), {}, ["B\t8\tAuthentication(99)"]],
    [backend.message("?", "x"), {}, ["B\t5\tUnknown(0x3f)"]],
  ];
  test.each(cases)("%#", (said, style, lines) => {
    expect(linesOfServer(said, style)).toEqual(lines);
  });

  test("names that the driver makes are hidden where traces are compared", () => {
    const write = (out: Writer): void => encode.writeParse(out, "_mahout_0a1b2c3d_7", "x", []);
    expect(linesOf(write)).toEqual(['F\t27\tParse\t "_mahout_0a1b2c3d_7" "x" 0']);
    expect(linesOf(write, { regress: true })).toEqual(['F\t27\tParse\t "_mahout_NNNN_7" "x" 0']);
  });

  test("a time begins each line", () => {
    let ticks = 0;
    const time = (): string => `t${ticks++}`;
    expect(linesOf((out) => encode.writeSync(out), { time })).toEqual(["t0\tF\t4\tSync"]);
  });
});

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
