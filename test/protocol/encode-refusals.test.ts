// Text that would be read as something else, or can't be held, is refused wherever it could get into a
// message, and nothing that was refused leaves a byte.

import { describe, expect, test } from "@jest/globals";
import { serialize } from "pg-protocol";
import { DataError, MahoutError } from "../../src/errors.ts";
import * as encode from "../../src/protocol/encode.ts";
import { Writer } from "../../src/protocol/writer.ts";

/** Every place where text of others can get into a message. */
const places: readonly [place: string, write: (out: Writer, value: string) => void][] = [
  ["the text of a query", encode.writeQuery],
  ["the text of a statement", (out, value) => encode.writeParse(out, "s", value, [])],
  ["the name of a statement", (out, value) => encode.writeParse(out, value, "select 1", [])],
  ["the name of a statement to describe", encode.writeDescribeStatement],
  ["the name of a statement to close", encode.writeCloseStatement],
  ["the reason of a refusal", encode.writeCopyFail],
  [
    "the name of a parameter",
    (out, value) =>
      encode.writeStartup(
        out,
        196_608,
        new Map([
          ["user", "u"],
          [value, "x"],
        ]),
      ),
  ],
  [
    "the value of a parameter",
    (out, value) =>
      encode.writeStartup(
        out,
        196_608,
        new Map([
          ["user", "u"],
          ["x", value],
        ]),
      ),
  ],
  ["a password", encode.writePassword],
  ["a SASL mechanism", (out, value) => encode.writeSaslInitial(out, value, "words")],
  ["the first SASL words", (out, value) => encode.writeSaslInitial(out, "mechanism", value)],
  ["later SASL words", encode.writeSaslResponse],
];

describe.each(places)("%s", (_, write) => {
  test.each([
    "\0",
    "a\0b",
    "a\0database\0other\0",
    `${"x".repeat(60)}\0`,
    "\ud83d",
    "a\ude00b",
    `${"x".repeat(60)}\ud83d`,
  ])("that holds %j is refused, and nothing is left of the message", (value) => {
    const out = new Writer();
    out.cstring("before");
    expect(() => write(out, value)).toThrow(MahoutError);
    expect(out.bytes.toString("utf8", 0, out.length)).toBe("before\0");
    write(out, "harmless");
    expect(out.length).toBeGreaterThan(7);
  });
});

test("a password that is refused is not shown", () => {
  for (const write of [encode.writePassword, encode.writeSaslResponse]) {
    expect(() => write(new Writer(), "hunter2\0")).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining("hunter2") }),
    );
  }
});

test("a refused parameter of Bind is the caller's to take back", () => {
  const out = new Writer();
  encode.writeSync(out);
  const mark = out.length;
  const parameters: encode.ParameterWriter = {
    count: 1,
    write: () => {
      throw new DataError("no");
    },
  };
  expect(() => encode.writeBind(out, "s", parameters, null)).toThrow(DataError);
  out.rewind(mark);
  encode.writeSync(out);
  expect(out.bytes.subarray(0, out.length)).toEqual(
    Buffer.concat([serialize.sync(), serialize.sync()]),
  );
});
