// Decoding the bodies of messages: what they say is what is read, and a body that was cut, altered or
// made up is a ProtocolError or some value; never another error, never a look beyond its end.

import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { Diagnostic, ProtocolError } from "../../src/errors.ts";
import * as messages from "../../src/protocol/messages.ts";
import { errorFromDiagnostic } from "../../src/sqlstate.ts";
import * as backend from "../support/backend-messages.ts";
import * as recordings from "./recordings.ts";

type Decode = (bytes: Buffer, start: number, end: number) => unknown;

/** Each decoder with messages that it reads. */
const samples: Readonly<Record<string, readonly [decode: Decode, ...samples: Buffer[]]>> = {
  rowDescription: [
    messages.rowDescription,
    backend.rowDescription(),
    backend.rowDescription("a", "ä€😀", ""),
    backend.rowDescription({
      name: "id",
      tableOid: 4_000_000_000,
      tableColumn: 7,
      typeOid: 20,
      typeSize: 8,
      typeModifier: 65_543,
      format: 1,
    }),
  ],
  parameterDescription: [
    messages.parameterDescription,
    backend.parameterDescription(),
    backend.parameterDescription(23, 25, 4_000_000_000),
  ],
  diagnostic: [
    messages.diagnostic,
    backend.message("E", "\0"),
    backend.errorResponse({ M: "größer", D: "", H: "x", P: "7", z: "unknown" }),
  ],
  notification: [
    messages.notification,
    backend.notificationResponse(77, "jobs", ""),
    backend.notificationResponse(-1, "größe", "payload"),
  ],
  parameterStatus: [
    messages.parameterStatus,
    backend.parameterStatus("TimeZone", "UTC"),
    backend.parameterStatus("", ""),
  ],
  commandTag: [
    messages.commandTag,
    backend.commandComplete("INSERT 0 12"),
    backend.commandComplete(""),
  ],
  readyStatus: [messages.readyStatus, ...["I", "T", "E"].map(backend.readyForQuery)],
};

/** Decodes a body that lies between other bytes, which must make no difference. */
function decoded(decode: Decode, body: Uint8Array): unknown {
  const outcomes = [0x00, 0x41, 0xff].map((fill) => {
    const around = Buffer.alloc(16, fill);
    const bytes = Buffer.concat([around, body, around]);
    try {
      return { value: decode(bytes, 16, 16 + body.length) };
    } catch (error) {
      expect(error).toBeInstanceOf(ProtocolError);
      return { refused: (error as Error).message };
    }
  });
  expect(outcomes[1]).toEqual(outcomes[0]);
  expect(outcomes[2]).toEqual(outcomes[0]);
  return outcomes[0];
}

const bodyOf = (message: Buffer): Buffer => message.subarray(5);

describe.each(Object.entries(samples))("%s", (_, [decode, ...bodies]) => {
  test("reads its samples", () => {
    for (const sample of bodies) expect(decoded(decode, bodyOf(sample))).toHaveProperty("value");
  });

  test("refuses each of them cut short, and with bytes too many", () => {
    for (const sample of bodies) {
      const body = bodyOf(sample);
      for (let length = 0; length < body.length; length++) {
        expect([length, decoded(decode, body.subarray(0, length))]).toEqual([
          length,
          { refused: expect.any(String) },
        ]);
      }
      // A tag reaches to the end of its message, whatever is in it.
      if (decode === messages.commandTag) continue;
      const longer = decoded(decode, Buffer.concat([body, Buffer.alloc(1)]));
      expect(longer).toHaveProperty("refused");
    }
  });

  test("withstands every altered byte", () => {
    for (const sample of bodies) {
      const body = bodyOf(sample);
      for (let at = 0; at < body.length; at++) {
        for (const change of [0x00, 0x01, 0x7f, 0x80, 0xff]) {
          const altered = Buffer.from(body);
          altered[at] = (altered[at] as number) ^ change;
          decoded(decode, altered);
          altered[at] = change;
          decoded(decode, altered);
        }
      }
    }
  });

  test("withstands bodies that are made up", () => {
    const made = fc.oneof(
      fc.uint8Array({ maxLength: 64 }),
      fc.constantFrom(...bodies).chain((sample) =>
        fc
          .tuple(fc.nat(sample.length), fc.uint8Array({ maxLength: 8 }), fc.nat(8))
          .map(([at, inserted, dropped]) => {
            const body = bodyOf(sample);
            return Buffer.concat([body.subarray(0, at), inserted, body.subarray(at + dropped)]);
          }),
      ),
    );
    fc.assert(
      fc.property(made, (body) => void decoded(decode, body)),
      { numRuns: 2000, seed: 547 },
    );
  });
});

describe("what messages say", () => {
  const read = <T>(decode: (bytes: Buffer, start: number, end: number) => T, message: Buffer): T =>
    decode(message, 5, message.length);

  test("columns", () => {
    const message = backend.rowDescription("a", {
      name: "größe",
      tableOid: 4_000_000_000,
      tableColumn: -7,
      typeOid: 4_294_967_295,
      typeSize: -2,
      typeModifier: -1,
      format: 1,
    });
    const text = { tableOid: 0, tableColumn: 0, typeOid: 25, typeSize: -1, typeModifier: -1 };
    expect(read(messages.rowDescription, message)).toEqual([
      { name: "a", ...text, format: 0 },
      {
        name: "größe",
        tableOid: 4_000_000_000,
        tableColumn: -7,
        typeOid: 4_294_967_295,
        typeSize: -2,
        typeModifier: -1,
        format: 1,
      },
    ]);
  });

  test("names of columns are data, whatever they are", () => {
    const names = ["__proto__", "constructor", 'a"b', "a\nb", "${x}", "*/", "\u2028", ""];
    const columns = read(messages.rowDescription, backend.rowDescription(...names));
    expect(columns.map(({ name }) => name)).toEqual(names);
    expect(
      columns.map((column) => Object.getPrototypeOf(column) === Object.prototype),
    ).not.toContain(false);
  });

  test("a description of more columns than fit is refused before any is read", () => {
    const message = backend.message("T", backend.int16(65_535), Buffer.alloc(19 * 100, 0x41));
    expect(() => read(messages.rowDescription, message)).toThrow(ProtocolError);
  });

  test("as many columns as can be counted are read", () => {
    const names = Array.from({ length: 65_535 }, () => "x");
    const columns = read(messages.rowDescription, backend.rowDescription(...names));
    expect(columns).toHaveLength(65_535);
  });

  test("formats other than text and binary are refused", () => {
    for (const format of [2, -1, 256]) {
      const message = backend.rowDescription({ name: "a", format });
      expect(() => read(messages.rowDescription, message)).toThrow(`format ${format}`);
    }
  });

  test("oids are unsigned, and as many as can be counted are read", () => {
    const oids = Array.from({ length: 65_535 }, (_, index) => 4_294_967_295 - index);
    const message = backend.parameterDescription(...oids);
    expect(read(messages.parameterDescription, message)).toEqual(oids);
  });

  test("the fields of an error", () => {
    const letters = "SVCMDHPpqWstcdnFLR";
    const fields = Object.fromEntries(letters.split("").map((letter) => [letter, `of ${letter}`]));
    const diag = read(messages.diagnostic, backend.errorResponse(fields));
    expect(diag).toEqual(new Diagnostic(new Map(Object.entries(fields))));
    expect(Object.values(diag).filter((value) => value === null)).toEqual([]);
    expect([diag.severity, diag.severityNonlocalized, diag.sourceLine]).toEqual([
      "of S",
      "of V",
      "of L",
    ]);
  });

  test("an error whose code names something of JavaScript is an error like others", () => {
    for (const code of ["__proto__", "constructor", "toString", "", "\x1b[2J"]) {
      const diag = read(messages.diagnostic, backend.errorResponse({ C: code }));
      const error = errorFromDiagnostic(diag);
      expect([error.name, error.sqlstate]).toEqual(["DatabaseError", code]);
    }
  });

  test("text that is not UTF-8 is shown as well as it can be", () => {
    const message = backend.message("S", Buffer.of(0x61, 0xff, 0x62, 0), backend.cstring("v"));
    expect(read(messages.parameterStatus, message)).toEqual(["a\ufffdb", "v"]);
  });

  test("a notification", () => {
    const message = backend.notificationResponse(77, "größe", "p😀");
    expect(read(messages.notification, message)).toEqual({
      channel: "größe",
      payload: "p😀",
      pid: 77,
    });
  });

  test("notifications of channels that are like the one before", () => {
    const long = "c".repeat(100);
    const channels = [
      "jobs",
      "jobs",
      "job",
      "jobsx",
      "größe",
      "größe",
      "gr",
      long,
      long,
      `${long}d`,
    ];
    for (const channel of [...channels, "", "", "jobs", ...channels.toReversed()]) {
      for (const payload of ["", "x", "é", "y".repeat(33), "ü".repeat(50), "z".repeat(1000)]) {
        const message = backend.notificationResponse(7, channel, payload);
        expect(read(messages.notification, message)).toEqual({ channel, payload, pid: 7 });
        const twoStrings = backend.notificationResponse(7, channel, `${payload}\0more`);
        expect(() => read(messages.notification, twoStrings)).toThrow(ProtocolError);
      }
    }
  });

  test("a status other than the three is refused", () => {
    for (const letter of ["i", "X", "\0", "II", ""]) {
      expect(() => read(messages.readyStatus, backend.readyForQuery(letter))).toThrow(
        ProtocolError,
      );
    }
  });

  test("all type bytes are known, and none is two types", () => {
    const bytes = Object.values(messages.Backend);
    expect(new Set(bytes).size).toBe(bytes.length);
    const letters = bytes.map((byte) => String.fromCharCode(byte)).sort();
    expect(letters.join("")).toBe("123ACDEGHIKNRSTVWZcdnstv");
  });

  test("tags, in whatever order they come", () => {
    const tag = fc.oneof(
      fc.constantFrom("BEGIN", "COMMIT", "SELECT 1", "SELECT 2", "TCELES 1", "UPDATE 1", ""),
      fc.string({ unit: "binary-ascii", maxLength: 6 }).filter((text) => !text.includes("\0")),
    );
    fc.assert(
      fc.property(fc.array(tag, { maxLength: 40 }), (tags) => {
        for (const said of tags) {
          const bytes = Buffer.from(`....${said}\0`, "latin1");
          expect(messages.commandTag(bytes, 4, bytes.length)).toBe(said);
        }
      }),
    );
  });

  test("the recorded streams", () => {
    const decoders: Record<string, Decode> = {
      T: messages.rowDescription,
      t: messages.parameterDescription,
      E: messages.diagnostic,
      N: messages.diagnostic,
      A: messages.notification,
      S: messages.parameterStatus,
      C: messages.commandTag,
      Z: messages.readyStatus,
    };
    const seen: Record<string, unknown[]> = {};
    for (const stream of Object.values(recordings)) {
      for (let at = 0; at < stream.length;) {
        const next = at + 1 + stream.readInt32BE(at + 1);
        const letter = String.fromCharCode(stream[at] as number);
        (seen[letter] ??= []).push(decoders[letter]?.(stream, at + 5, next));
        at = next;
      }
    }
    expect(seen.A).toEqual([{ channel: "jobs", payload: "payload", pid: expect.any(Number) }]);
    expect(seen.N).toEqual([
      expect.objectContaining({ severity: "NOTICE", messagePrimary: "heard" }),
    ]);
    const sqlstates = (seen.E as Diagnostic[]).map(({ sqlstate }) => sqlstate);
    expect(new Set(sqlstates)).toEqual(new Set(["22012", "26000", "42P01"]));
    expect(seen.S).toContainEqual(["TimeZone", "Asia/Tokyo"]);
    expect(seen.t).toEqual([[23, 25, 17]]);
    expect(new Set(seen.Z)).toEqual(new Set(["I", "T", "E"]));
    expect(seen.C).toContain("INSERT 0 2");
  });
});
