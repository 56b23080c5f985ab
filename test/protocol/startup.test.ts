// Starting a session, driven by hand: what is asked of the world, what is sent to the server and when,
// and what no server can talk the client into. How the client proves itself: authenticate.test.ts.

import { describe, expect, test } from "@jest/globals";
import { cancel } from "../../src/protocol/cancel.ts";
import { PROTOCOL_3_0, PROTOCOL_3_2 } from "../../src/protocol/negotiation.ts";
import * as backend from "../support/backend-messages.ts";
import { ByHand } from "./by-hand.ts";
import { greeting, key, route, start } from "./start-by-hand.ts";

const hello = Buffer.from("\0\0\0\x1f\0\x03\0\0user\0ada\0database\0app\0\0", "latin1");
const sslRequest = Buffer.from("\0\0\0\x08\x04\xd2\x16\x2f", "latin1");

describe("a session that starts", () => {
  test("says who it is, hears it may come in, and learns about the server", () => {
    const hand = start();
    expect([hand.asked, hand.sent()]).toEqual([["open"], hello]);
    hand.hear(...greeting);
    expect([hand.done, hand.value, hand.error]).toEqual([true, false, null]);
    const { backendPid, cancelKey, transactionStatus, idle } = hand.session;
    expect([backendPid, cancelKey, transactionStatus, idle]).toEqual([77, key, "I", true]);
    expect([...hand.session.parameters]).toEqual([["server_version", "18.4"]]);
  });

  test("hears the same in any pieces", () => {
    const stream = Buffer.concat(greeting);
    for (let at = 0; at <= stream.length; at++) {
      const hand = start().hear(stream.subarray(0, at)).hear(stream.subarray(at));
      expect([at, hand.done, hand.error, hand.session.backendPid]).toEqual([at, true, null, 77]);
    }
  });

  test.each([4, 32, 256])("keeps a cancel key of %d bytes whole", (length) => {
    const long = Buffer.from(Array.from({ length }, (_, index) => index));
    const hand = start({ version: PROTOCOL_3_2 });
    hand.hear(backend.authenticationOk(), backend.backendKeyData(1, long), backend.readyForQuery());
    expect(hand.session.cancelKey).toEqual(long);
  });

  test.each([0, 3, 257])("refuses a cancel key of %d bytes", (length) => {
    const hand = start({ version: PROTOCOL_3_2 });
    hand.hear(backend.authenticationOk(), backend.backendKeyData(1, Buffer.alloc(length)));
    expect(hand.error).toMatchObject({
      name: "ProtocolError",
      message: expect.stringContaining(`${length} bytes`),
    });
  });

  test("may be given no key at all", () => {
    const hand = start().hear(backend.authenticationOk(), backend.readyForQuery());
    expect([hand.error, hand.session.cancelKey]).toEqual([null, null]);
  });

  test("asks for the version that it is told to, and takes an older one", () => {
    const hand = start({ version: PROTOCOL_3_2 });
    expect(hand.sent().readInt32BE(4)).toBe(0x30002);
    expect(hand.session.protocolVersion).toBe(PROTOCOL_3_2);
    hand.hear(backend.negotiateProtocolVersion(0x30000), ...greeting);
    expect([hand.error, hand.session.protocolVersion]).toEqual([null, PROTOCOL_3_0]);
  });

  test.each<readonly [string, number, number, readonly string[]]>([
    ["a newer version", PROTOCOL_3_2, 0x30003, []],
    ["a version that does not exist", PROTOCOL_3_2, 0x30001, []],
    ["the same version", PROTOCOL_3_2, 0x30002, []],
    ["options that nobody sent", PROTOCOL_3_2, 0x30000, ["_pq_.x"]],
    ["anything after 3.0 was asked for", PROTOCOL_3_0, 0x30000, []],
    ["options after 3.0 was asked for", PROTOCOL_3_0, 0x30000, ["_pq_.x"]],
    ["an older protocol", PROTOCOL_3_2, 0x20000, []],
    ["a newer protocol", PROTOCOL_3_2, 0x40000, []],
    ["no version at all", PROTOCOL_3_2, -1, []],
  ])("does not negotiate %s", (_, version, offered, options) => {
    const hand = start({ version }).hear(backend.negotiateProtocolVersion(offered, ...options));
    expect(hand.error).toMatchObject({ name: "ProtocolError" });
    expect(hand.session.ended).toBe(true);
  });

  test("negotiates once, and before it is asked for a proof", () => {
    const older = backend.negotiateProtocolVersion(0x30000);
    const twice = start({ version: PROTOCOL_3_2 }).hear(older, older);
    expect(twice.error).toMatchObject({ name: "ProtocolError" });
    const late = start({ version: PROTOCOL_3_2 });
    late.hear(backend.authenticationCleartextPassword(), older);
    expect(late.error).toMatchObject({ name: "ProtocolError" });
  });

  test("takes no version that is too low, before anything is proved", () => {
    const hand = start({ version: PROTOCOL_3_2, lowestVersion: PROTOCOL_3_2 });
    hand.hear(backend.negotiateProtocolVersion(0x30000));
    expect(hand.error?.message).toContain("but min_protocol_version is 3.2");
  });

  test("has a key of four bytes before 3.2", () => {
    const hand = start().hear(
      backend.authenticationOk(),
      backend.backendKeyData(1, Buffer.alloc(8)),
    );
    expect(hand.error).toMatchObject({ message: expect.stringContaining("8 bytes") });
  });

  test.each([
    ["before it is let in", [], 1],
    ["once it is in", [backend.authenticationOk()], 1],
    ["when it is nearly ready", greeting.slice(0, -1), 1],
  ])("ends with the server's own words when it is refused %s", (_, before) => {
    const refusal = backend.fatalError({ C: "3D000", M: 'database "app" does not exist' });
    const hand = start().hear(...before, refusal);
    expect(hand.error).toMatchObject({ name: "InvalidCatalogName", sqlstate: "3D000" });
    expect(hand.session.ended).toBe(true);
  });

  test("ends with the server's own words when it is refused without a FATAL", () => {
    const hand = start().hear(backend.errorResponse({ C: "28000", M: "no entry" }));
    expect(hand.error).toMatchObject({
      name: "InvalidAuthorizationSpecification",
      message: "no entry",
    });
  });

  test.each([
    ["rows", backend.dataRow("1")],
    ["a description", backend.rowDescription("a")],
    ["ReadyForQuery", backend.readyForQuery()],
    ["a key", backend.backendKeyData(1, key)],
    ["the end of a command", backend.commandComplete("SELECT 1")],
    ["a request cut short", backend.message("R", "ab")],
  ])("is not impressed by %s in place of a question", (_, message) => {
    expect(start().hear(message).error).toMatchObject({ name: "ProtocolError" });
  });

  test.each([
    ["another question", backend.authenticationCleartextPassword()],
    ["the same answer", backend.authenticationOk()],
    ["an error", backend.errorResponse()],
    ["rows", backend.dataRow("1")],
    [
      "a second key",
      Buffer.concat([backend.backendKeyData(1, key), backend.backendKeyData(1, key)]),
    ],
  ])("is not impressed by %s once it is in", (_, message) => {
    expect(start().hear(backend.authenticationOk(), message).error).toMatchObject({
      name: "ProtocolError",
    });
  });
});

describe("encryption", () => {
  test.each(["offered", "required"] as const)(
    "that is %s begins after a yes, and before a word is said",
    (encryption) => {
      const hand = start({ encryption });
      expect([hand.asked, hand.sent()]).toEqual([["open"], sslRequest]);
      hand.hear("S");
      expect([hand.asked, hand.sent()]).toEqual([["open", "secure"], hello]);
      expect(hand.hear(...greeting).value).toBe(true);
    },
  );

  test("that is direct begins without a question", () => {
    const hand = start({ encryption: "direct" });
    expect([hand.asked, hand.sent()]).toEqual([["open", "secure"], hello]);
    expect(hand.hear(...greeting).value).toBe(true);
  });

  test("that is only offered is done without after a no", () => {
    const hand = start({ encryption: "offered" });
    hand.sent();
    hand.hear("N");
    expect([hand.asked, hand.sent()]).toEqual([["open"], hello]);
    expect(hand.hear(...greeting).value).toBe(false);
  });

  test("that is required is not done without", () => {
    const hand = start({ encryption: "required" });
    hand.sent();
    hand.hear("N");
    expect(hand.error).toMatchObject({ code: "ERR_MAHOUT_NO_TLS" });
    expect(hand.sent()).toHaveLength(0);
  });

  test.each(["E", "X", "s", "\0", "\x16"])("is not taken from the answer %j", (answer) => {
    for (const encryption of ["offered", "required"] as const) {
      const hand = start({ encryption });
      hand.sent();
      hand.hear(answer);
      expect(hand.error).toMatchObject({ name: "OperationalError", sqlstate: null });
      expect([hand.asked, hand.sent().length]).toEqual([["open"], 0]);
    }
  });

  test("is given up when the server talks of something else, whose words are not repeated", () => {
    const hand = start({ encryption: "offered" });
    hand.sent();
    hand.hear("HTTP/1.1 400 Bad Request");
    expect(hand.error).toMatchObject({ name: "OperationalError" });
    expect(hand.error).toMatchObject({ message: expect.stringMatching(/is it PostgreSQL\?$/) });
    expect([hand.asked, hand.sent().length]).toEqual([["open"], 0]);
  });

  test.each(["S", "N"])("is given up when more than the answer %j comes", (answer) => {
    for (const encryption of ["offered", "required"] as const) {
      const hand = start({ encryption });
      hand.sent();
      hand.hear(answer, ...greeting);
      expect(hand.error).toMatchObject({ name: "OperationalError", code: "ERR_MAHOUT_PROTOCOL" });
      expect([hand.asked, hand.sent().length]).toEqual([["open"], 0]);
    }
  });
});

describe("a cancel request", () => {
  const begin = (encryption: "none" | "required"): ByHand<void> =>
    new ByHand((session) => cancel(session, { ...route, encryption }, 77, key));
  const request = Buffer.concat([
    backend.int32(16),
    backend.int32(80_877_102),
    backend.int32(77),
    key,
  ]);

  test("is all that is said, and is over when the server closes", () => {
    const hand = begin("none");
    expect([hand.asked, hand.sent(), hand.done]).toEqual([["open"], request, false]);
    hand.session.disconnected(null);
    expect([hand.asked, hand.done, hand.error]).toEqual([["open", "close"], true, null]);
  });

  test("is said under encryption only, where that was required", () => {
    const hand = begin("required");
    expect(hand.sent()).toEqual(sslRequest);
    hand.hear("S");
    expect([hand.asked, hand.sent()]).toEqual([["open", "secure"], request]);
    const refused = begin("required");
    refused.sent();
    refused.hear("N");
    expect(refused.error).toMatchObject({ code: "ERR_MAHOUT_NO_TLS" });
    expect([refused.asked, refused.sent().length]).toEqual([["open", "close"], 0]);
  });

  test("is over, too, when the server answers with an error", () => {
    const hand = begin("none").hear(backend.fatalError());
    expect([hand.asked, hand.done, hand.error]).toEqual([["open", "close"], true, null]);
  });

  test("is not confirmed by a server that answers with nonsense", () => {
    for (const answer of [backend.readyForQuery(), Buffer.alloc(9, 0xff)]) {
      const hand = begin("none").hear(answer);
      expect(hand.asked).toEqual(["open", "close"]);
      expect(hand.error).toMatchObject({ code: "ERR_MAHOUT_CANCEL_UNCONFIRMED" });
    }
  });
});
