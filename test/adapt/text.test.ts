// The text family, bool, uuid and bytea: what they take, what they refuse, and that values are their own.

import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { Json } from "../../src/adapt/types/json-value.ts";
import { readLatin1, readUtf8 } from "../../src/adapt/types/utf8.ts";
import { readByLoop } from "../../src/protocol/short-text.ts";
import { DataError, ProgrammingError } from "../../src/errors.ts";
import { codecOf, dumpHex, load, loadHex, loadText, throughBinary, throughText } from "./forms.ts";

/** Any string that PostgreSQL can hold. */
const storable = fc
  .string({ unit: "binary", maxLength: 60 })
  .map((text) => text.replaceAll("\0", "0"))
  .filter((text) => !/\p{Surrogate}/u.test(text));

describe.each(["text", "varchar", "bpchar", "xml", "name", "unknown"])("%s", (type) => {
  const codec = codecOf(type);

  test("keeps any Unicode string", () => {
    fc.assert(
      fc.property(storable, (value) => {
        expect(throughBinary(codec, value)).toBe(value);
        expect(throughText(codec, value)).toBe(value);
      }),
    );
  });

  test.each([
    [42, "42"],
    [-0, "0"],
    [1e21, "1e+21"],
    [NaN, "NaN"],
    [10n ** 20n, "100000000000000000000"],
    [true, "true"],
    [new Json({ a: 1 }), '{"a":1}'],
  ])("takes %p as %s", (value, text) => {
    expect(codec.dumpText(value)).toBe(text);
    expect(throughBinary(codec, value)).toBe(text);
  });

  test.each([[{}], [[]], [new Date(0)], [Buffer.from("x")], [Symbol("s")], [() => 1]])(
    "refuses %p",
    (value) => {
      expect(() => codec.dumpText(value)).toThrow(ProgrammingError);
      expect(() => codec.dumpText(value)).toThrow("make it a string first");
      expect(() => throughBinary(codec, value)).toThrow(ProgrammingError);
    },
  );
});

test.each(["a\0b", "\ud800", "x\udfffy"])("text refuses %j before it is sent", (value) => {
  expect(() => dumpHex(codecOf("text"), value)).toThrow(DataError);
});

test("name is sent in text, which the server cuts to 63 bytes instead of refusing it", () => {
  expect(dumpHex(codecOf("name"), "x")).toBe(false);
  expect(codecOf("name").dumpText("x")).toBe("x");
});

test.each([
  ["readUtf8", readUtf8],
  ["what stands in for it where no code can be made", readByLoop],
])("%s reads what toString reads, at every length", (_name, read) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      expect(load(read, bytes)).toBe(Buffer.from(bytes).toString("utf8"));
    }),
    { numRuns: 2000 },
  );
  fc.assert(
    fc.property(fc.string({ unit: "grapheme-ascii", maxLength: 40 }), (text) => {
      expect(load(read, Buffer.from(text))).toBe(text);
    }),
    { numRuns: 500 },
  );
  for (let length = 0; length < 40; length++) {
    const text = "abcdefghij".repeat(4).slice(0, length);
    expect(load(read, Buffer.from(text))).toBe(text);
    // One character that isn't ASCII, in each place.
    for (let at = 0; at < length; at++) {
      const odd = `${text.slice(0, at)}\u00e9${text.slice(at + 1)}`;
      expect(load(read, Buffer.from(odd))).toBe(odd);
    }
  }
});

test("readLatin1 reads a character a byte, at every length", () => {
  for (let length = 0; length < 70; length++) {
    for (let first = 0; first < 256; first += 15) {
      const bytes = Buffer.from(Array.from({ length }, (_, index) => (first + index * 7) % 256));
      expect(load(readLatin1, bytes)).toBe(bytes.toString("latin1"));
    }
  }
});

describe('"char"', () => {
  const char = codecOf("char");

  test.each([
    ["00", "", ""],
    ["61", "a", "a"],
    ["7f", "\x7f", "\x7f"],
    ["80", "\\200", "\\200"],
    ["c3", "\\303", "\\303"],
    ["ff", "\\377", "\\377"],
  ])("%s is %j", (hex, text, value) => {
    expect(loadHex(char, hex)).toBe(value);
    expect(loadText(char, text)).toBe(value);
    expect(dumpHex(char, value)).toBe(hex);
  });

  test("as older servers print it, a bare byte", () => {
    expect(load(char.loadText, Buffer.from("c3", "hex"))).toBe("\\303");
  });

  test("leaves longer strings to the server", () => {
    expect(dumpHex(char, "ab")).toBe(false);
    expect(dumpHex(char, "é")).toBe(false);
    expect(dumpHex(char, "\\400")).toBe(false);
    expect(() => dumpHex(char, {})).toThrow(ProgrammingError);
  });

  test("refuses other lengths", () => {
    expect(() => loadHex(char, "")).toThrow(DataError);
    expect(() => loadHex(char, "6161")).toThrow(DataError);
  });
});

describe("bool", () => {
  const bool = codecOf("bool");

  test.each(["", "x", "true", "tt"])("refuses %j in text", (text) => {
    expect(() => loadText(bool, text)).toThrow(DataError);
  });

  test("is true for every byte but 0, as it is for the server", () => {
    expect(loadHex(bool, "02")).toBe(true);
    expect(loadHex(bool, "00")).toBe(false);
  });

  test("refuses other lengths in binary", () => {
    expect(() => loadHex(bool, "")).toThrow(DataError);
    expect(() => loadHex(bool, "0101")).toThrow(DataError);
  });

  test("leaves strings to the server and refuses other kinds", () => {
    expect(dumpHex(bool, "yes")).toBe(false);
    expect(bool.dumpText("yes")).toBe("yes");
    for (const value of [1, 0n, {}, []]) {
      expect(() => dumpHex(bool, value)).toThrow(ProgrammingError);
      expect(() => bool.dumpText(value)).toThrow("bool takes a boolean or a string, not");
    }
  });
});

describe("uuid", () => {
  const uuid = codecOf("uuid");
  const value = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11";
  const hex = value.replaceAll("-", "");

  test("comes back through both formats", () => {
    fc.assert(
      fc.property(fc.uuid(), (given) => {
        expect(throughBinary(uuid, given)).toBe(given);
        expect(throughText(uuid, given)).toBe(given);
      }),
    );
  });

  test.each([value, value.toUpperCase(), hex, `{${value}}`, `{${hex}}`])("takes %s", (given) => {
    expect(dumpHex(uuid, given)).toBe(hex);
    expect(uuid.dumpText(given)).toBe(given);
  });

  test.each([
    "",
    "x",
    `{${value}`,
    `${value}}`,
    `x${value}}`,
    value.slice(1),
    `${value}0`,
    hex.replace("e", "g"),
    value.replace("-", "0"),
    value.replace("0", "é"),
    "a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11",
    "-".repeat(36),
  ])("leaves %s to the server", (given) => {
    expect(dumpHex(uuid, given)).toBe(false);
    expect(uuid.dumpText(given)).toBe(given);
  });

  test("refuses other kinds and lengths", () => {
    expect(() => dumpHex(uuid, Buffer.alloc(16))).toThrow("uuid takes a string, not a Buffer");
    expect(() => uuid.dumpText(1)).toThrow(ProgrammingError);
    expect(() => loadHex(uuid, "00".repeat(15))).toThrow(DataError);
  });
});

describe("bytea", () => {
  const bytea = codecOf("bytea");

  test("comes back through both formats", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const value = Buffer.from(bytes);
        expect(throughBinary(bytea, bytes)).toStrictEqual(value);
        expect(throughText(bytea, bytes)).toStrictEqual(value);
      }),
    );
  });

  const bytes = Uint8Array.of(9, 1, 2, 255, 9);
  const shared = new Uint8Array(new SharedArrayBuffer(3));
  shared.set([1, 2, 255]);
  test.each([
    ["a part of a Uint8Array", bytes.subarray(1, 4)],
    ["a part of a Buffer", Buffer.from(bytes).subarray(1, 4)],
    ["an ArrayBuffer", bytes.slice(1, 4).buffer],
    ["a SharedArrayBuffer", shared.buffer],
    ["a DataView", new DataView(bytes.buffer, 1, 3)],
  ])("takes %s", (_what, value) => {
    expect(dumpHex(bytea, value)).toBe("0102ff");
    expect(bytea.dumpText(value)).toBe("\\x0102ff");
  });

  test("reads the escape form", () => {
    const given = String.raw`a\\b\000\377'\134`;
    expect(loadText(bytea, given)).toStrictEqual(Buffer.from("a\\b\0\xff'\\", "latin1"));
    expect(loadText(bytea, "")).toStrictEqual(Buffer.alloc(0));
  });

  test.each(["\\x0", "\\xzz", "\\x00 00", "\\", "\\12", "\\400", "\\08x", "a\\"])(
    "refuses %j",
    (text) => {
      expect(() => loadText(bytea, text)).toThrow(DataError);
    },
  );

  test("is not a view of the received bytes", () => {
    const received = Buffer.from("0102");
    const value = bytea.loadBinary(received, 0, 4) as Buffer;
    received.fill(0);
    expect(value.toString()).toBe("0102");
  });

  test("leaves strings to the server and refuses other kinds", () => {
    expect(dumpHex(bytea, "\\x00")).toBe(false);
    expect(bytea.dumpText("abc")).toBe("abc");
    for (const value of [1, [1, 2], {}, new Uint16Array(2)]) {
      expect(() => dumpHex(bytea, value)).toThrow(ProgrammingError);
      expect(() => bytea.dumpText(value)).toThrow(
        "bytea takes a Buffer, a Uint8Array or an ArrayBuffer, not",
      );
    }
  });
});
