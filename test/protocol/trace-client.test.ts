// The trace of what the client says: a line for each message, however it is sent, with values where they are asked for.

import { describe, expect, test } from "@jest/globals";
import type { ParameterWriter } from "../../src/protocol/encode.ts";
import * as encode from "../../src/protocol/encode.ts";
import { Writer } from "../../src/protocol/writer.ts";
import * as backend from "../support/backend-messages.ts";
import { linesOf, traced } from "./traced-lines.ts";

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
