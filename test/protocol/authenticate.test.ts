// Being asked who we are, driven by hand: what is revealed to whom and when, and what is refused by
// name. SCRAM, where the server has to prove itself in turn: scram-exchange.test.ts.

import { createHash } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import type { AuthMethod } from "../../src/protocol/auth-credentials.ts";
import * as backend from "../support/backend-messages.ts";
import { greeting, PASSWORD, start } from "./start-by-hand.ts";

const only =
  (...methods: AuthMethod[]): ((method: AuthMethod) => boolean) =>
  (method) =>
    methods.includes(method);

const passwordMessage = (text: string): Buffer => backend.message("p", backend.cstring(text));

describe("a password", () => {
  test("is given in clear where that is asked for", () => {
    const hand = start();
    hand.sent();
    hand.hear(backend.authenticationCleartextPassword());
    expect(hand.sent()).toEqual(passwordMessage(PASSWORD));
    expect(hand.hear(...greeting).error).toBeNull();
  });

  test("is given as MD5 of MD5 where that is asked for", () => {
    const hand = start();
    hand.sent();
    const salt = Buffer.of(0xff, 0, 0x80, 1);
    hand.hear(backend.authenticationMd5Password(salt));
    const md5 = (...parts: (string | Buffer)[]): string =>
      createHash("md5")
        .update(Buffer.concat(parts.map((part) => Buffer.from(part as string))))
        .digest("hex");
    expect(hand.sent()).toEqual(passwordMessage(`md5${md5(md5(PASSWORD, "ada"), salt)}`));
    expect(hand.hear(...greeting).error).toBeNull();
  });

  test.each([0, 3, 5])("is not hashed with a salt of %d bytes", (length) => {
    const hand = start();
    hand.sent();
    hand.hear(backend.authenticationMd5Password(Buffer.alloc(length)));
    expect([hand.error?.name, hand.sent().length]).toEqual(["ProtocolError", 0]);
  });

  test.each([null, ""])(
    "that is %j is none, and the error names where it was looked for",
    (password) => {
      const questions = [
        backend.authenticationCleartextPassword(),
        backend.authenticationMd5Password(Buffer.alloc(4)),
        backend.authenticationSasl("SCRAM-SHA-256"),
      ];
      for (const question of questions) {
        const hand = start({ password });
        hand.sent();
        hand.hear(question);
        expect(hand.error).toMatchObject({
          code: "ERR_MAHOUT_NO_PASSWORD",
          message: expect.stringContaining("nowhere"),
        });
        expect(hand.sent()).toHaveLength(0);
      }
    },
  );

  test("with a NUL in it is refused, not shown, and nothing of it leaves", () => {
    const hand = start({ password: "hunter2\0" });
    hand.sent();
    hand.hear(backend.authenticationCleartextPassword());
    expect([hand.error?.name, hand.sent().length]).toEqual(["DataError", 0]);
    expect(hand.error?.message).not.toContain("hunter2");
  });

  test("that is wrong gives the server's error", () => {
    const wrong = backend.fatalError({ C: "28P01", M: "password authentication failed" });
    const hand = start().hear(backend.authenticationCleartextPassword(), wrong);
    expect(hand.error).toMatchObject({ name: "InvalidPassword", sqlstate: "28P01" });
  });

  test("is not given twice", () => {
    for (const question of [
      backend.authenticationCleartextPassword(),
      backend.authenticationMd5Password(Buffer.alloc(4)),
    ]) {
      const hand = start().hear(backend.authenticationCleartextPassword());
      hand.sent();
      hand.hear(question);
      expect(hand.error).toMatchObject({
        name: "ProtocolError",
        message: expect.stringContaining("second proof"),
      });
      expect(hand.sent()).toHaveLength(0);
    }
  });
});

describe("a method", () => {
  test.each<[AuthMethod, Buffer]>([
    ["none", backend.authenticationOk()],
    ["password", backend.authenticationCleartextPassword()],
    ["md5", backend.authenticationMd5Password(Buffer.alloc(4))],
    ["scram-sha-256", backend.authenticationSasl("SCRAM-SHA-256")],
  ])("%s is used where it is acceptable, and otherwise nothing is said", (method, question) => {
    const others = (["none", "password", "md5", "scram-sha-256"] as const).filter(
      (one) => one !== method,
    );
    const refused = start({ accepts: only(...others) });
    refused.sent();
    refused.hear(question);
    expect(refused.error).toMatchObject({
      name: "OperationalError",
      message: expect.stringContaining("require_auth"),
    });
    expect(refused.sent()).toHaveLength(0);
    const taken = start({ accepts: only(method) });
    taken.sent();
    taken.hear(question);
    expect(taken.error).toBeNull();
    expect(taken.sent().length > 0).toBe(method !== "none");
  });

  test("that is acceptable is still no proof when the server skips it", () => {
    const hand = start({ accepts: only("scram-sha-256") }).hear(...greeting);
    expect(hand.error).toMatchObject({
      message: expect.stringContaining("did not ask for any proof"),
    });
  });

  test.each([
    [2, "unknown kind of authentication (2)"],
    [6, "unknown kind of authentication (6)"],
    [7, "GSSAPI"],
    [8, "unknown kind of authentication (8)"],
    [9, "SSPI"],
    [11, "unknown kind of authentication (11)"],
    [12, "unknown kind of authentication (12)"],
    [13, "unknown kind of authentication (13)"],
    [-1, "unknown kind of authentication (-1)"],
  ])("of the number %d is refused by name", (code, name) => {
    const hand = start();
    hand.sent();
    hand.hear(backend.authentication(code, "data"));
    expect(hand.error).toMatchObject({
      name: "NotSupportedError",
      message: expect.stringContaining(name),
    });
    expect(hand.sent()).toHaveLength(0);
  });

  test.each([[["SCRAM-SHA-1", "PLAIN"]], [[]], [["scram-sha-256"]], [["SCRAM-SHA-256-"]]])(
    "of SASL that is none of ours is refused: %j",
    (mechanisms) => {
      const hand = start();
      hand.sent();
      hand.hear(backend.authenticationSasl(...mechanisms));
      expect(hand.error).toMatchObject({ name: "NotSupportedError" });
      expect(hand.sent()).toHaveLength(0);
    },
  );
});
