// What the client says, compared with pg-protocol's serializer wherever that can say it, and read back
// by a reader of its own wherever it can't. What is refused: encode-refusals.test.ts.

import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { serialize } from "pg-protocol";
import * as encode from "../../src/protocol/encode.ts";
import { Writer } from "../../src/protocol/writer.ts";
import { cstring, int16, int32 } from "../support/backend-messages.ts";

function written(write: (out: Writer) => void): Buffer {
  const out = new Writer();
  write(out);
  return Buffer.from(out.bytes.subarray(0, out.length));
}

const RUNS = { numRuns: 300, seed: 116 };
/** Text that can be sent. */
const text = fc
  .oneof(fc.string({ unit: "grapheme" }), fc.string({ minLength: 30, maxLength: 2000 }))
  .map((value) => value.replace(/[\0\p{Surrogate}]/gu, ""));
const oid = fc.integer({ min: 0, max: 0x7fffffff });

describe("as pg-protocol writes it", () => {
  test("messages without a body", () => {
    expect(written(encode.writeSync)).toEqual(serialize.sync());
    expect(written(encode.writeFlush)).toEqual(serialize.flush());
    expect(written(encode.writeTerminate)).toEqual(serialize.end());
    expect(written(encode.writeSslRequest)).toEqual(serialize.requestSsl());
    expect(written(encode.writeExecute)).toEqual(serialize.execute());
  });

  test("Query, Parse, Describe, Close, CopyFail", () => {
    fc.assert(
      fc.property(text, text, fc.array(oid, { maxLength: 9 }), (name, words, types) => {
        // It warns of long names, which are cut by the server: ours are short.
        const short = name.slice(0, 20).replace(/\p{Surrogate}/gu, "");
        const describe = (type: "S" | "P", named: string): Buffer =>
          serialize.describe({ type, name: named });
        expect(written((out) => encode.writeQuery(out, words))).toEqual(serialize.query(words));
        expect(written((out) => encode.writeParse(out, short, words, types))).toEqual(
          serialize.parse({ name: short, text: words, types }),
        );
        expect(written((out) => encode.writeDescribeStatement(out, short))).toEqual(
          describe("S", short),
        );
        expect(written(encode.writeDescribePortal)).toEqual(describe("P", ""));
        expect(written((out) => encode.writeCloseStatement(out, short))).toEqual(
          serialize.close({ type: "S", name: short }),
        );
        expect(written((out) => encode.writeCopyFail(out, words))).toEqual(
          serialize.copyFail(words),
        );
      }),
      RUNS,
    );
  });

  test("passwords and SASL messages", () => {
    fc.assert(
      fc.property(text, text, (first, second) => {
        expect(written((out) => encode.writePassword(out, first))).toEqual(
          serialize.password(first),
        );
        expect(written((out) => encode.writeSaslInitial(out, first, second))).toEqual(
          serialize.sendSASLInitialResponseMessage(first, second),
        );
        expect(written((out) => encode.writeSaslResponse(out, first))).toEqual(
          serialize.sendSCRAMClientFinalMessage(first),
        );
      }),
      RUNS,
    );
  });

  test("the startup message", () => {
    const parameters = fc.dictionary(text.filter(Boolean), text, { maxKeys: 6 });
    fc.assert(
      fc.property(parameters, (given) => {
        // It adds the encoding by itself, at the end.
        const { client_encoding: _, ...entries } = given;
        const ours = new Map([...Object.entries(entries), ["client_encoding", "UTF8"]]);
        expect(written((out) => encode.writeStartup(out, 196_608, ours))).toEqual(
          serialize.startup(entries),
        );
      }),
      RUNS,
    );
  });

  test("a cancel request with a key of four bytes", () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer(), (pid, key) => {
        expect(written((out) => encode.writeCancel(out, pid, int32(key)))).toEqual(
          serialize.cancel(pid, key),
        );
      }),
      RUNS,
    );
  });

  test("Bind, with the one format that it knows for all columns", () => {
    const values = fc.array(
      fc.oneof(
        fc.constant(null),
        text,
        fc.uint8Array().map((bytes) => Buffer.from(bytes)),
      ),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(text, values, fc.boolean(), (statement, parameters, binary) => {
        const ours = written((out) =>
          encode.writeBind(out, statement, writerOf(parameters), [binary ? 1 : 0]),
        );
        expect(ours).toEqual(serialize.bind({ statement, values: parameters, binary }));
      }),
      RUNS,
    );
  });
});

type Value = string | Buffer | null;

/** Strings as text, buffers in binary. */
function writerOf(values: readonly Value[]): encode.ParameterWriter {
  return {
    count: values.length,
    write(index, out) {
      const value = values[index] as Value;
      if (value === null) {
        out.int32(-1);
        return 0;
      }
      const bytes = Buffer.from(value as string);
      out.int32(bytes.length);
      out.raw(bytes);
      return typeof value === "string" ? 0 : 1;
    },
  };
}

describe("as only we write it", () => {
  /** What a Bind message says, read from the manual's table. */
  function readBind(message: Buffer): {
    readonly formats: readonly number[];
    readonly values: readonly (Buffer | null)[];
  } {
    let at = 5;
    const string = (): string => {
      const end = message.indexOf(0, at);
      const value = message.toString("utf8", at, end);
      at = end + 1;
      return value;
    };
    const number = (size: 2 | 4): number => {
      const value = size === 2 ? message.readUInt16BE(at) : message.readInt32BE(at);
      at += size;
      return value;
    };
    const list = <T>(read: () => T): T[] => Array.from({ length: number(2) }, read);
    const portal = string();
    const statement = string();
    const formats = list(() => number(2));
    const values = list(() => {
      const length = number(4);
      if (length < 0) return null;
      at += length;
      return message.subarray(at - length, at);
    });
    const resultFormats = list(() => number(2));
    expect([message[0], message.readInt32BE(1), at]).toEqual([
      0x42,
      message.length - 1,
      message.length,
    ]);
    const read = { portal, statement, formats, values, resultFormats };
    return read;
  }

  test("Bind, with a format for each parameter and each column", () => {
    const format = fc.constantFrom(0 as const, 1 as const);
    const value = fc.oneof(
      fc.constant(null),
      text,
      fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    );
    const formats = fc.option(fc.array(format, { maxLength: 50 }));
    fc.assert(
      fc.property(
        text,
        fc.array(value, { maxLength: 50 }),
        formats,
        (statement, values, resultFormats) => {
          const message = written((out) =>
            encode.writeBind(out, statement, writerOf(values), resultFormats),
          );
          expect(readBind(message)).toEqual({
            portal: "",
            statement,
            formats: values.map((one) => Number(Buffer.isBuffer(one))),
            values: values.map((one) => (one === null ? null : Buffer.from(one as string))),
            resultFormats: resultFormats ?? [],
          });
        },
      ),
      RUNS,
    );
  });

  test("Bind, with as many parameters as can be counted", () => {
    const values = Array.from({ length: 65_535 }, (_, index) =>
      index % 3 === 0 ? null : `${index}`,
    );
    const message = written((out) => encode.writeBind(out, "s", writerOf(values), null));
    const read = readBind(message);
    expect([read.formats.length, read.values.length]).toEqual([65_535, 65_535]);
    expect([read.values[65_532], read.values[65_534]?.toString()]).toEqual([null, "65534"]);
  });

  test("the startup message of another version", () => {
    const message = written((out) =>
      encode.writeStartup(
        out,
        0x30002,
        new Map([
          ["user", "größe"],
          ["options", ""],
        ]),
      ),
    );
    const body = Buffer.concat([
      int32(0x30002),
      cstring("user"),
      cstring("größe"),
      cstring("options"),
      cstring(""),
      Buffer.of(0),
    ]);
    expect(message).toEqual(Buffer.concat([int32(body.length + 4), body]));
  });

  test.each([4, 5, 32, 256])("a cancel request with a key of %d bytes", (length) => {
    const key = Buffer.from(Array.from({ length }, (_, index) => index ^ 0xa5));
    const message = written((out) => encode.writeCancel(out, 77, key));
    expect(message).toEqual(
      Buffer.concat([int32(12 + length), int16(1234), int16(5678), int32(77), key]),
    );
  });
});
