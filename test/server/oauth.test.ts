// OAuth (PostgreSQL 18): a token goes to a server that asks for one, encrypted, and to no other.

import { describe, expect, test } from "@jest/globals";
import { inspect } from "node:util";
import {
  AsyncConnection,
  ConnectionTimeout,
  errors,
  type OAuthRequest,
  ProgrammingError,
} from "../../src/index.ts";
import * as backend from "../support/backend-messages.ts";
import { against, greeting, SOON, within } from "../support/hostile.ts";
import { awaits, closes, type Script, secures, sends } from "../support/scripted-server.ts";
import { failureOf, shells } from "../support/shells.ts";

const TOKEN = "eyJhbGciOi.token_1~2+3/4-5==";
const encrypted: Script = [awaits("ssl"), sends("S"), secures()];
const asks = [awaits("startup"), sends(backend.authenticationSasl("OAUTHBEARER"))];
const status = {
  status: "invalid_token",
  scope: "openid postgres",
  "openid-configuration": "https://issuer.example/.well-known/openid-configuration",
};

/** The message that carries a token. */
function bearing(token: string): Buffer {
  const words = Buffer.from(`n,,\x01auth=Bearer ${token}\x01\x01`);
  const body = Buffer.concat([Buffer.from("OAUTHBEARER\0"), backend.int32(words.length), words]);
  return Buffer.concat([Buffer.from("p"), backend.int32(4 + body.length), body]);
}

describe.each(shells)("$name: OAuth", ({ Connection }) => {
  test("shows the token that the program gives, which learns who asks", async () => {
    const heard: OAuthRequest[] = [];
    const [record] = await against(
      [[...encrypted, ...asks, awaits("p"), sends(greeting())]],
      async (server) => {
        const keywords = { oauth_issuer: "https://issuer.example", oauth_client_id: "me" };
        const more = {
          oauth_scope: "postgres",
          oauth_client_secret: "hush",
          require_auth: "oauth",
        };
        const target = server.conninfo({ sslmode: "require", ...keywords, ...more });
        const conn = await Connection.connect(target, {
          oauthToken: (request) => {
            heard.push(request);
            return TOKEN;
          },
        });
        const { host, port, user, dbname } = target;
        const who = { host, hostaddr: null, port, user, dbname };
        const what = { issuer: "https://issuer.example", clientId: "me", clientSecret: "hush" };
        expect(heard).toEqual([{ ...who, ...what, scope: "postgres" }]);
        expect(inspect([conn, conn.info], { depth: 9, showHidden: true })).not.toMatch(
          /hush|token_1/,
        );
        expect(conn.info.dsn).not.toContain("hush");
        await conn.close();
      },
    );
    expect(record?.messages.find(({ type }) => type === "p")?.bytes).toEqual(bearing(TOKEN));
    expect(record?.plain.includes(TOKEN)).toBe(false);
  });

  test.each<readonly [string, Script]>([
    ["after the token", [awaits("p")]],
    [
      "after a refusal",
      [awaits("p"), sends(backend.authenticationSaslContinue("{}")), awaits("p")],
    ],
  ])("ends at its deadline when the server says nothing %s", async (_, script) => {
    const silent = [...encrypted, ...asks, ...script];
    await against([silent], async (server) => {
      const error = await within(SOON, () =>
        failureOf(async () => {
          const options = { oauthToken: () => TOKEN, sslmode: "require", connectTimeout: 400 };
          await Connection.connect(server.conninfo(), options);
        }),
      );
      expect(error).toBeInstanceOf(ConnectionTimeout);
    });
  });

  test("shows no trace of it", async () => {
    const lines: string[] = [];
    await against([[...encrypted, ...asks, awaits("p"), sends(greeting())]], async (server) => {
      const trace = (line: string): void => void lines.push(line);
      const options = { oauthToken: () => TOKEN, trace, sslmode: "require" };
      await (await Connection.connect(server.conninfo(), options)).close();
    });
    expect(lines.join("\n")).toContain("Authentication");
    expect(lines.join("\n")).not.toMatch(/token_1|Bearer/);
  });

  test("also on a socket that stays on this machine", async () => {
    const script = [...asks, awaits("p"), sends(greeting())];
    await against(
      [script],
      async (server) => {
        const options = { oauthToken: () => TOKEN };
        await (await Connection.connect(server.conninfo(), options)).close();
      },
      { unix: true },
    );
  });

  test("a token that is refused: the server's error, and what it wants as its cause", async () => {
    const script = [
      ...encrypted,
      ...asks,
      awaits("p"),
      sends(backend.authenticationSaslContinue(JSON.stringify(status))),
      awaits("p"),
      sends(backend.fatalError({ C: "28000", M: "OAuth bearer authentication failed" })),
      closes(),
    ];
    const [record] = await against([script], async (server) => {
      const target = server.conninfo({ sslmode: "require" });
      const error = await failureOf(() => Connection.connect(target, { oauthToken: () => TOKEN }));
      expect(error).toBeInstanceOf(errors.InvalidAuthorizationSpecification);
      expect(String(error.cause)).toContain(
        'status "invalid_token", scope "openid postgres", openid-configuration "https://issuer',
      );
      expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(TOKEN);
    });
    const last = record?.messages.filter(({ type }) => type === "p").at(-1)?.bytes;
    expect(last).toEqual(Buffer.from("p\0\0\0\x05\x01", "latin1"));
  });

  test.each([
    ["nonsense", "no JSON"],
    ["a list", "[1]"],
    ["nothing", "null"],
    ["a prototype", '{"__proto__": {"status": "x"}, "scope": 7}'],
  ])("a refusal that is %s does no harm", async (_, text) => {
    const said = sends(backend.authenticationSaslContinue(text));
    const refused = [awaits("p"), sends(backend.fatalError({ C: "28000" })), closes()];
    await against([[...encrypted, ...asks, awaits("p"), said, ...refused]], async (server) => {
      const target = server.conninfo({ sslmode: "require" });
      const error = await failureOf(() => Connection.connect(target, { oauthToken: () => TOKEN }));
      expect(error.sqlstate).toBe("28000");
      expect(String(error.cause)).toContain("no reason");
    });
  });

  test("a server that goes on after it refused is not believed", async () => {
    const said = sends(backend.authenticationSaslContinue(JSON.stringify(status)));
    const script = [...encrypted, ...asks, awaits("p"), said, awaits("p"), sends(greeting())];
    await against([script], async (server) => {
      const target = server.conninfo({ sslmode: "require" });
      const error = await failureOf(() => Connection.connect(target, { oauthToken: () => TOKEN }));
      expect(error.message).toContain("refused the OAuth token and went on");
    });
  });

  const tls = { sslmode: "require" };
  test.each<readonly [string, Script, object, object, RegExp]>([
    ["in the clear", [], { sslmode: "disable" }, { oauthToken: () => TOKEN }, /not encrypted/],
    [
      "when require_auth excludes it",
      encrypted,
      { ...tls, require_auth: "scram-sha-256" },
      { oauthToken: () => TOKEN },
      /require_auth/,
    ],
    [
      "when it could not be bound",
      encrypted,
      { ...tls, channel_binding: "require" },
      { oauthToken: () => TOKEN },
      /channel_binding/,
    ],
    ["when there is no function", encrypted, { ...tls, password: TOKEN }, {}, /oauthToken/],
    [
      "that would be two fields",
      encrypted,
      tls,
      { oauthToken: () => `a\x01host=${TOKEN}` },
      /no bearer token/,
    ],
    ["that is empty", encrypted, tls, { oauthToken: () => "" }, /no bearer token/],
    ["that is no text", encrypted, tls, { oauthToken: () => 42 }, /must give a string/],
  ])("gives no token %s", async (_, before, keywords, options, says) => {
    const [record] = await against([[...before, ...asks]], async (server) => {
      const target = server.conninfo(keywords as Record<string, string>);
      const error = await within(SOON, () => failureOf(() => Connection.connect(target, options)));
      expect(error.message).toMatch(says);
      expect(error.message).not.toContain(TOKEN);
    });
    expect(record?.messages.map(({ type }) => type)).not.toContain("p");
    expect(record?.encrypted.includes(TOKEN)).toBe(false);
  });

  test("what gives it has to be a function", async () => {
    const options = { oauthToken: TOKEN } as object;
    const error = await failureOf(() => Connection.connect("host=h", options));
    expect(error).toBeInstanceOf(ProgrammingError);
    expect(error.message).toBe("oauthToken must be a function that gives a token, not string");
  });
});

test("async: the token is waited for", async () => {
  await against([[...encrypted, ...asks, awaits("p"), sends(greeting())]], async (server) => {
    const target = server.conninfo({ sslmode: "require" });
    const oauthToken = async (): Promise<string> => await Promise.resolve(TOKEN);
    await (await AsyncConnection.connect(target, { oauthToken })).close();
  });
});
