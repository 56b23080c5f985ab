// Proving who we are: every method that needs no other machine, on real servers; what is said when
// it fails; and that nothing secret is said.

import { readFileSync } from "node:fs";
import { inspect } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { AsyncConnection, errors, isRetryable, OperationalError } from "../../src/index.ts";
import { defaultMajor, startServer, type TestServer } from "../support/server.ts";
import { askOnce } from "../support/sessions.ts";
import { failureOf, shells } from "../support/shells.ts";

const PASSWORD = "pass' \\word";
const METHODS = [
  { role: "in_clear", rule: "password", method: "password", encryption: "scram-sha-256" },
  { role: "hashed", rule: "md5", method: "md5", encryption: "md5" },
  { role: "scrammed", rule: "scram-sha-256", method: "scram-sha-256", encryption: "scram-sha-256" },
  // A rule that says md5 is content with better, where the server has better.
  { role: "upgraded", rule: "md5", method: "scram-sha-256", encryption: "scram-sha-256" },
] as const;

let server: TestServer;

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

beforeAll(async () => {
  server = await startServer({
    hba: [
      ...METHODS.map(({ role, rule }) => `host all ${role} 127.0.0.1/32 ${rule}`),
      "host all unwelcome 127.0.0.1/32 reject",
      "host all prepared 127.0.0.1/32 scram-sha-256",
    ],
  });
  for (const { role, encryption } of METHODS) {
    await server.administer(
      `set password_encryption = '${encryption}'; set standard_conforming_strings = on;
       create role ${role} login password ${quoted(PASSWORD)}`,
    );
  }
  await server.administer("create role unwelcome login; create role prepared login");
});

afterAll(async () => {
  await server.stop();
});

describe.each(shells)("$name", ({ Connection }) => {
  test("trust: nobody asks", async () => {
    expect(await askOnce(Connection.connect(server.conninfo()), "select 1")).toBe(1);
    const unused = server.conninfo({ password: "unused" });
    expect(await askOnce(Connection.connect(unused), "select 1")).toBe(1);
  });

  describe.each(METHODS)("a rule $rule and $method", ({ role, method }) => {
    const target = (more: Record<string, string> = {}): Record<string, string | number> =>
      server.conninfo({ user: role, ...more });

    test("the right password", async () => {
      const connecting = Connection.connect(target({ password: PASSWORD }));
      expect(await askOnce(connecting, "select current_user")).toBe(role);
      const uri = server.dsn({ user: role, password: PASSWORD });
      expect(await askOnce(Connection.connect(uri), "select current_user")).toBe(role);
    });

    test("a wrong password: InvalidPassword, which shows neither", async () => {
      const password = "guessed-wrong";
      const error = await failureOf(() => Connection.connect(target({ password })));
      expect(error).toBeInstanceOf(errors.InvalidPassword);
      expect(error.sqlstate).toBe("28P01");
      expect(error.message).toBe(`password authentication failed for user "${role}"`);
      expect(isRetryable(error)).toBe(false);
      expect(inspect(error, { depth: 9 })).not.toContain(password);
    });

    test.each([{ what: "no password" }, { what: "an empty password", password: "" }])(
      "$what: the error says where one was looked for",
      async ({ password }) => {
        const more = password === undefined ? {} : { password };
        const error = await failureOf(() => Connection.connect(target(more)));
        expect(error).toBeInstanceOf(OperationalError);
        expect(error.code).toBe("ERR_MAHOUT_NO_PASSWORD");
        for (const place of ["connection string", "service file", "PGPASSWORD", "password file"]) {
          expect(error.message).toContain(place);
        }
      },
    );

    test("require_auth accepts it by its name, and by not denying it", async () => {
      for (const require_auth of [method, `none,${method}`, "!none", "!gss,!sspi"]) {
        const connecting = Connection.connect(target({ password: PASSWORD, require_auth }));
        expect(await askOnce(connecting, "select current_user")).toBe(role);
      }
    });

    test("require_auth refuses it before a password is sent", async () => {
      const others = ["password", "md5", "scram-sha-256"].filter((name) => name !== method);
      for (const require_auth of [others.join(), `!${method}`, "none"]) {
        const error = await failureOf(() =>
          Connection.connect(target({ password: PASSWORD, require_auth })),
        );
        expect(error).toBeInstanceOf(OperationalError);
        expect(error.message).toContain(`asks for ${method} authentication`);
        expect(error.message).toContain("require_auth");
      }
    });

    test("the password can't be seen in the connection", async () => {
      const conn = await Connection.connect(target({ password: PASSWORD }));
      const { info } = conn;
      const shown = [inspect(conn, { depth: 9, showHidden: true }), String(conn), info.dsn];
      shown.push(inspect(info, { depth: 9, showHidden: true }));
      shown.push(JSON.stringify(info.getParameters()));
      expect(shown.join("\n")).not.toContain("pass'");
      await conn.close();
    });
  });

  test("require_auth refuses a server that asks for nothing", async () => {
    const target = server.conninfo({ password: PASSWORD, require_auth: "scram-sha-256" });
    const error = await failureOf(() => Connection.connect(target));
    expect(error).toBeInstanceOf(OperationalError);
    expect(error.message).toContain("did not ask for any proof");
    const none = server.conninfo({ require_auth: "none" });
    expect(await askOnce(Connection.connect(none), "select 1")).toBe(1);
  });

  test("a rule that rejects: the server's own error, told once", async () => {
    const error = await failureOf(() => Connection.connect(server.conninfo({ user: "unwelcome" })));
    expect(error).toBeInstanceOf(errors.InvalidAuthorizationSpecification);
    expect(error.sqlstate).toBe("28000");
    expect(error.message).toMatch(/^pg_hba\.conf rejects connection .*user "unwelcome"[^\n]*$/);
  });
});

/** How long this thread has worked, in milliseconds: other guests of the machine don't count, where that can be told. */
function busyTime(): number {
  try {
    return Number(readFileSync("/proc/self/schedstat", "latin1").split(" ")[0]) / 1e6;
  } catch {
    return performance.now();
  }
}

describe("SASLprep", () => {
  // The left one is what the role got, the right one is what its owner types.
  const same: readonly (readonly [what: string, stored: string, typed: string])[] = [
    ["plain ASCII", "password", "password"],
    ["a non-ASCII letter", "pässwörd", "pässwörd"],
    ["a letter and its mark in one, and apart", "caf\u00e9", "cafe\u0301"],
    ["a soft hyphen", "pass\u00adword", "password"],
    ["a fullwidth letter", "\uff50assword", "password"],
    ["a no-break space", "pass\u00a0word", "pass word"],
    ["an ideographic space", "pass\u3000word", "pass word"],
    ["a zero-width space", "pass\u200bword", "pass word"],
    ["a zero-width joiner", "pass\u200dword", "password"],
    ["a ligature", "\ufb01sh", "fish"],
    ["a Roman numeral", "\u2168", "IX"],
    ["a feminine ordinal", "\u00aa", "a"],
    ["Hebrew", "\u05d0\u05d1\u05d2", "\u05d0\u05d1\u05d2"],
    ["an emoji", "\u{1f418}", "\u{1f418}"],
    ["a control, which nothing is done to", "pass\u0007word\u00ad", "pass\u0007word\u00ad"],
    ["only what is dropped, which nothing is done to", "\u00ad", "\u00ad"],
    ["mixed directions, which nothing is done to", "\u05d0\u00adb", "\u05d0\u00adb"],
    ["an emoji and a ligature, which nothing is done to", "\u{1f418}\ufb01", "\u{1f418}\ufb01"],
    ["a letter that Unicode 3.2 did not have", "\u0221\u00ad", "\u0221\u00ad"],
  ];

  test.each(same)("%s", async (_, stored, typed) => {
    await server.administer(`alter role prepared password ${quoted(stored)}`);
    for (const { Connection } of shells) {
      for (const password of new Set([stored, typed])) {
        const target = server.conninfo({ user: "prepared", password });
        expect(await askOnce(Connection.connect(target), "select 1")).toBe(1);
      }
    }
  });

  test.each([
    ["case counts", "password", "Password"],
    ["a control counts", "pass\u0007word", "password"],
  ])("but %s", async (_, stored, typed) => {
    await server.administer(`alter role prepared password ${quoted(stored)}`);
    for (const { Connection } of shells) {
      const target = server.conninfo({ user: "prepared", password: typed });
      const error = await failureOf(() => Connection.connect(target));
      expect(error).toBeInstanceOf(errors.InvalidPassword);
    }
  });
});

// scram_iterations is a setting from 16 on.
(defaultMajor >= 16 ? describe : describe.skip)("SCRAM's iterations", () => {
  const give = (iterations: number): Promise<unknown> =>
    server.administer(`set scram_iterations = ${iterations}; alter role prepared password 'p'`);
  const target = (): Record<string, string | number> =>
    server.conninfo({ user: "prepared", password: "p" });

  test.each([4096, 100_000])("%d are done", async (iterations) => {
    await give(iterations);
    for (const { Connection } of shells) {
      expect(await askOnce(Connection.connect(target()), "select 1")).toBe(1);
    }
  });

  test.each([1, 4095, 1_000_001])("%d are refused", async (iterations) => {
    await give(iterations);
    for (const { Connection } of shells) {
      const error = await failureOf(() => Connection.connect(target()));
      expect(error).toBeInstanceOf(OperationalError);
      expect(error.message).toContain(`asks for ${iterations} SCRAM iterations`);
    }
  });

  test("don't hold up the event loop for more than 20 milliseconds", async () => {
    await give(1_000_000);
    // A collection of garbage may do that, too; a derivation in one piece would do so every time.
    for (let attempt = 1, longest = Infinity; longest > 20; attempt++) {
      expect(attempt).toBeLessThan(8);
      longest = 0;
      let last = busyTime();
      const ticker = setInterval(() => {
        longest = Math.max(longest, busyTime() - last);
        last = busyTime();
      }, 1);
      expect(await askOnce(AsyncConnection.connect(target()), "select 1")).toBe(1);
      clearInterval(ticker);
    }
  });
});

// The warning is new in 18.
(defaultMajor >= 18 ? test : test.skip)(
  "an MD5 password: the server warns that its time is over",
  async () => {
    for (const { Connection } of shells) {
      const heard: string[] = [];
      const conn = await Connection.connect(server.conninfo());
      conn.addNoticeHandler(({ messagePrimary }) => heard.push(messagePrimary ?? ""));
      await conn.query("set password_encryption = 'md5'");
      await conn.query("alter role hashed password 'other'");
      await conn.close();
      expect(heard).toEqual(["setting an MD5-encrypted password"]);
    }
  },
);
