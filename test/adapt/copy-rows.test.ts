// The two formats of COPY by themselves: what is written is what the manual says, what is read is what was
// written, and bytes that can't be right are refused.

import { describe, expect, test } from "@jest/globals";
import { CopyBinaryReader, CopyBinaryWriter } from "../../src/adapt/copy-binary.ts";
import type { CopyRowReader, CopyRowWriter } from "../../src/adapt/copy-rows.ts";
import { CopyTextReader, CopyTextWriter } from "../../src/adapt/copy-text.ts";
import { AdaptersMap, adapters, DataError, FileWriter, ProgrammingError } from "../../src/index.ts";
import { Writer } from "../../src/protocol/writer.ts";
import { codecOf } from "./forms.ts";

const INT4 = codecOf("int4").oid;
const TEXT = codecOf("text").oid;
const HEAD = "5047434f50590aff0d0a000000000000000000";

function written(writer: CopyRowWriter, rows: readonly (readonly unknown[])[]): Buffer {
  const out = new Writer();
  writer.head(out);
  for (const row of rows) writer.row(row, out);
  writer.tail(out);
  return out.detach();
}

/** Data as the server sends it. */
function copyData(data: Buffer): Buffer {
  const head = Buffer.from("d\0\0\0\0");
  head.writeInt32BE(data.length + 4, 1);
  return Buffer.concat([head, data]);
}

function read(reader: CopyRowReader, ...pieces: Buffer[]): unknown[] {
  const rows: unknown[] = [];
  for (const piece of pieces) {
    reader.feed(copyData(piece));
    for (let row = reader.next(); row !== undefined; row = reader.next()) rows.push(row);
  }
  return rows;
}

describe("text", () => {
  const lines: [row: unknown[], line: string][] = [
    [[1, "a"], "1\ta\n"],
    [[null, null], "\\N\t\\N\n"],
    [[0, ""], "0\t\n"],
    [[-1, "\\N"], "-1\t\\\\N\n"],
    [[1, "\b\f\n\r\t\v\\"], "1\t\\b\\f\\n\\r\\t\\v\\\\\n"],
    [[1, "é🐘"], "1\té🐘\n"],
    [[1, `${"x".repeat(100)}\t`], `1\t${"x".repeat(100)}\\t\n`],
    [[1, "\u0001\u007f"], "1\t\u0001\u007f\n"],
  ];
  test.each(lines)("%j", (row, line) => {
    expect(written(new CopyTextWriter([INT4, TEXT], adapters), [row]).toString()).toBe(line);
    expect(read(new CopyTextReader([INT4, TEXT], adapters), Buffer.from(line))).toEqual([row]);
  });

  test("many rows, however they lie in messages", () => {
    const all = lines.map(([row]) => row);
    const bytes = lines.map(([, line]) => Buffer.from(line));
    const nothing = copyData(Buffer.alloc(0));
    for (const messages of [
      [copyData(Buffer.concat(bytes))],
      [nothing, ...bytes.map(copyData), nothing],
      [
        copyData(Buffer.concat(bytes.slice(0, 3))),
        nothing,
        copyData(Buffer.concat(bytes.slice(3))),
      ],
    ]) {
      const reader = new CopyTextReader([INT4, TEXT], adapters);
      reader.feed(Buffer.concat(messages));
      expect(all.map(() => reader.next())).toEqual(all);
      expect([reader.next(), reader.next()]).toEqual([undefined, undefined]);
    }
  });

  test("a row that can't be read keeps none after it from being read", () => {
    const reader = new CopyTextReader([INT4, TEXT], adapters);
    reader.feed(
      Buffer.concat(
        ["1\ta\n", "2\n", "3\tb\\", "4\td\n"].map((line) => copyData(Buffer.from(line))),
      ),
    );
    expect(reader.next()).toEqual([1, "a"]);
    expect(() => reader.next()).toThrow("fewer columns");
    expect(() => reader.next()).toThrow("does not end");
    expect(reader.next()).toEqual([4, "d"]);
    expect(reader.next()).toBeUndefined();
  });

  test("values of types that aren't known are written by their looks", () => {
    const row = [1n, true, [1, null, "a b"], new Date(0), Buffer.from([1, 255]), "x"];
    const types = row.map(() => 0);
    expect(written(new CopyTextWriter(types, adapters), [row]).toString()).toBe(
      '1\ttrue\t{1,NULL,"a b"}\t1970-01-01 00:00:00+00\t\\\\x01ff\tx\n',
    );
  });

  test.each([
    ["1\ta", "does not end"],
    ["1\n", "fewer columns"],
    ["1\ta\tb\n", "more columns"],
    ["\\Nx\ta\n", "NULL that goes on"],
    ["x\ta\n", "int4"],
  ])("%j is refused", (line, message) => {
    const reader = new CopyTextReader([INT4, TEXT], adapters);
    reader.feed(copyData(Buffer.from(line)));
    expect(() => reader.next()).toThrow(message);
    expect(() => reader.next()).not.toThrow(TypeError);
  });
});

describe("binary", () => {
  test("rows", () => {
    const rows = [
      [1, "a"],
      [null, null],
      [-1, ""],
    ];
    const bytes = written(new CopyBinaryWriter([INT4, TEXT], adapters), rows);
    expect(bytes.toString("hex")).toBe(
      HEAD +
        "0002" +
        "0000000400000001" +
        "0000000161" +
        "0002" +
        "ffffffff" +
        "ffffffff" +
        "0002" +
        "00000004ffffffff" +
        "00000000" +
        "ffff",
    );
    expect(read(new CopyBinaryReader([INT4, TEXT], adapters), bytes)).toEqual(rows);
    expect(written(new CopyBinaryWriter([], adapters), []).toString("hex")).toBe(`${HEAD}ffff`);
  });

  test("many rows, however they lie in messages", () => {
    const rows = Array.from({ length: 20 }, (_, n) => [n, "x".repeat(n * 10)]);
    const [head = Buffer.alloc(0), ...parts] = [[], ...rows.map((row) => [row])].map((some) => {
      const out = new Writer();
      const writer = new CopyBinaryWriter([INT4, TEXT], adapters);
      if (some.length === 0) writer.head(out);
      for (const row of some) writer.row(row, out);
      return out.detach();
    });
    const tail = Buffer.from([0xff, 0xff]);
    const nothing = copyData(Buffer.alloc(0));
    for (const messages of [
      [copyData(Buffer.concat([head, ...parts, tail]))],
      [copyData(head), ...parts.map(copyData), copyData(tail)],
      [nothing, copyData(Buffer.concat([head, parts[0] as Buffer])), nothing].concat(
        parts.slice(1).map(copyData),
        copyData(tail),
        nothing,
      ),
    ]) {
      const reader = new CopyBinaryReader([INT4, TEXT], adapters);
      reader.feed(Buffer.concat(messages));
      expect(rows.map(() => reader.next())).toEqual(rows);
      expect([reader.next(), reader.next()]).toEqual([undefined, undefined]);
    }
  });

  test("a row that claims to go on in the next message is refused", () => {
    const reader = new CopyBinaryReader([INT4], adapters);
    const cut = copyData(Buffer.from(`${HEAD}00010000000400`, "hex"));
    reader.feed(Buffer.concat([cut, copyData(Buffer.from("000007", "hex"))]));
    expect(() => reader.next()).toThrow("cut short");
  });

  const malformed: [what: string, hex: string, message: string][] = [
    ["no signature", "00".repeat(19), "signature"],
    ["a short head", HEAD.slice(0, 20), "signature"],
    ["oids", `${HEAD.slice(0, 22)}0001000000000000`, "oids"],
    ["a long extension", `${HEAD.slice(0, 30)}00000005`, "cut short"],
    ["another number of columns", `${HEAD}0001`, "1 columns where there are 2"],
    ["a row that ends early", `${HEAD}00020000`, "cut short"],
    ["a field that ends early", `${HEAD}00020000000400`, "cut short"],
    ["a field of a strange length", `${HEAD}0002fffffffe00000000`, "cut short"],
    ["half a row", `${HEAD}00`, "cut short"],
    ["something after the end", `${HEAD}ffff0002`, "after its end"],
  ];
  test.each(malformed)("%s is refused", (_what, hex, message) => {
    const reader = new CopyBinaryReader([INT4, TEXT], adapters);
    const run = (): unknown => read(reader, Buffer.from(hex, "hex"));
    expect(run).toThrow(DataError);
    expect(() =>
      read(new CopyBinaryReader([INT4, TEXT], adapters), Buffer.from(hex, "hex")),
    ).toThrow(message);
  });

  test("a value that only the server could convert", () => {
    const writer = new CopyBinaryWriter([INT4], adapters);
    expect(() => written(writer, [["12 "]])).toThrow("no binary form");
  });

  test("a registered dumper, also one that gives NULL", () => {
    class Money {
      readonly cents: number | null;
      constructor(cents: number | null) {
        this.cents = cents;
      }
    }
    const own = new AdaptersMap(adapters);
    own.registerDumper(Money, ({ cents }) => cents);
    const rows = [[new Money(5)], [new Money(null)]];
    expect(
      read(new CopyBinaryReader([INT4], own), written(new CopyBinaryWriter([INT4], own), rows)),
    ).toEqual([[5], [null]]);
    expect(written(new CopyTextWriter([INT4], own), rows).toString()).toBe("5\n\\N\n");
  });
});

describe("FileWriter", () => {
  function target(): { write(bytes: Uint8Array): void; all(): Buffer } {
    const pieces: Uint8Array[] = [];
    return { write: (bytes) => void pieces.push(bytes), all: () => Buffer.concat(pieces) };
  }

  test("text, with and without types", () => {
    const file = target();
    const writer = new FileWriter(file);
    writer.writeRow([1, "a\tb", null]);
    expect(() => writer.writeRow([1])).toThrow("1 value");
    writer.write("2\tc\t\\N\n");
    writer.finish();
    writer.finish();
    expect(file.all().toString()).toBe("1\ta\\tb\t\\N\n2\tc\t\\N\n");
    expect(() => writer.writeRow([1, "x", null])).toThrow(ProgrammingError);

    const typed = target();
    const json = new FileWriter(typed, { types: ["jsonb"] });
    json.writeRow([[1, 2]]);
    json.finish();
    expect(typed.all().toString()).toBe("[1,2]\n");
  });

  test("binary needs types", () => {
    const file = target();
    const writer = new FileWriter(file, { format: "binary" });
    expect(() => writer.writeRow([1])).toThrow("setTypes()");
    writer.setTypes(["integer"]);
    writer.writeRow([1]);
    expect(() => writer.setTypes(["integer"])).toThrow("before the first row");
    expect(() => writer.write("x")).toThrow("takes bytes");
    writer.finish();
    expect(file.all().toString("hex")).toBe(`${HEAD}00010000000400000001ffff`);

    const empty = target();
    new FileWriter(empty, { format: "binary" }).finish();
    expect(empty.all().toString("hex")).toBe(`${HEAD}ffff`);
  });

  test("a row that is refused leaves nothing behind, not even how many columns there are", () => {
    const file = target();
    const writer = new FileWriter(file);
    expect(() => writer.writeRow([1, {}])).toThrow(ProgrammingError);
    expect(() => writer.writeRow("ab" as never)).toThrow("must be an array");
    writer.setTypes(["int4", "text", "text"]);
    expect(() => writer.writeRow([1])).toThrow("1 value");
    writer.writeRow([1, "a", "b"]);
    writer.finish();
    expect(file.all().toString()).toBe("1\ta\tb\n");

    const binary = target();
    const head = new FileWriter(binary, { format: "binary", types: ["int4"] });
    expect(() => head.writeRow([1.5])).toThrow("column 1");
    for (const data of [123, null, undefined, [1], {}])
      expect(() => head.write(data as never)).toThrow("takes strings and bytes");
    head.writeRow([1]);
    head.finish();
    expect(binary.all().toString("hex")).toBe(`${HEAD}00010000000400000001ffff`);
  });

  test("bad input", () => {
    expect(() => new FileWriter({} as never)).toThrow("write() method");
    expect(() => new FileWriter(target(), { format: "csv" as never })).toThrow('not "csv"');
    expect(() => new FileWriter(target(), { types: ["nope"] })).toThrow('"nope"');
  });
});
