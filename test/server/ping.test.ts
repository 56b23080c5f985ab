// ping(): whether a server accepts connections, of every kind of server and of no server at all.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { AsyncConnection, ping } from "../../src/index.ts";
import { giveToServer } from "../support/account.ts";
import * as backend from "../support/backend-messages.ts";
import { defaultServer } from "../support/default-server.ts";
import { against, SOON, within } from "../support/hostile.ts";
import { awaits, closes, floods, type Script, secures, sends } from "../support/scripted-server.ts";
import { startServer } from "../support/server.ts";
import { eventually, failureOf, shells } from "../support/shells.ts";

test("ping() is AsyncConnection.ping()", async () => {
  expect(await ping(defaultServer().conninfo())).toBe("accepts");
});

describe.each(shells)("$name: ping", ({ Connection }) => {
  test.each([
    ["with what would let us in", {}],
    ["with a role that there isn't", { user: "nobody_at_all" }],
    ["with a database that there isn't", { dbname: "nothing_at_all" }],
    ["of a host behind one that is dead", { host: "127.0.0.1,127.0.0.1", dead: true }],
  ])("%s: a server that works accepts", async (_, { dead, ...more }: Record<string, unknown>) => {
    const { port } = defaultServer();
    const target = defaultServer().conninfo(more as { user?: string });
    const ports = dead === true ? { port: `1,${port}` } : {};
    expect(await Connection.ping({ ...target, ...ports })).toBe("accepts");
  });

  test.each<readonly [string, string, string, Script]>([
    [
      "accepts",
      "asks for a password",
      "disable",
      [awaits("startup"), sends(backend.authenticationCleartextPassword())],
    ],
    [
      "accepts",
      "asks for SCRAM",
      "disable",
      [awaits("startup"), sends(backend.authenticationSasl("SCRAM-SHA-256"))],
    ],
    [
      "accepts",
      "asks for GSSAPI",
      "disable",
      [awaits("startup"), sends(backend.authenticationGss())],
    ],
    [
      "accepts",
      "lets everybody in",
      "disable",
      [awaits("startup"), sends(backend.authenticationOk())],
    ],
    [
      "accepts",
      "speaks TLS",
      "require",
      [awaits("ssl"), sends("S"), secures(), awaits("startup"), sends(backend.authenticationOk())],
    ],
    [
      "accepts",
      "has no room",
      "disable",
      [awaits("startup"), sends(backend.fatalError({ C: "53300" })), closes()],
    ],
    [
      "accepts",
      "rejects us",
      "disable",
      [awaits("startup"), sends(backend.fatalError({ C: "28000" })), closes()],
    ],
    [
      "rejects",
      "starts up",
      "disable",
      [awaits("startup"), sends(backend.fatalError({ C: "57P03" })), closes()],
    ],
    ["noAnswer", "speaks HTTP", "disable", [sends("HTTP/1.1 400 Bad Request\r\n\r\n")]],
    ["noAnswer", "closes", "disable", [awaits("startup"), closes()]],
    ["noAnswer", "has no TLS", "require", [awaits("ssl"), sends("N")]],
    ["noAnswer", "says nothing", "disable", []],
    [
      "noAnswer",
      "talks of something else",
      "disable",
      [awaits("startup"), floods(backend.noticeResponse())],
    ],
  ])("%s: a server that %s (sslmode %s)", async (result, _, sslmode, script) => {
    const [record] = await against([script], async (server) => {
      const target = server.conninfo({ sslmode, password: "p" });
      const asking = async (): Promise<string> =>
        await Connection.ping(target, { connectTimeout: 400 });
      expect(await within(SOON, asking)).toBe(result);
    });
    const types = record?.messages.map(({ type }) => type) ?? [];
    expect(types.filter((type) => !["ssl", "startup", "X"].includes(type))).toEqual([]);
  });

  test("no answer: nobody listens", async () => {
    expect(await Connection.ping({ host: "127.0.0.1", port: 1 })).toBe("noAnswer");
    expect(await Connection.ping({ host: "/nonexistent", port: 1 })).toBe("noAnswer");
    expect(await Connection.ping({ host: "nowhere.invalid" })).toBe("noAnswer");
  });

  test("what can't be read is an error", async () => {
    expect((await failureOf(() => Connection.ping("hots=x"))).message).toContain("hots");
    const options = { connectTimeout: -1 };
    expect((await failureOf(() => Connection.ping("", options))).message).toContain("-1");
  });

  test("rejects: a server that is starting up", async () => {
    const wait = "while [ ! -e ../archived ]; do sleep 0.02; done; false";
    await using server = await startServer({ settings: { restore_command: wait } });
    const signal = join(server.dataDirectory, "recovery.signal");
    writeFileSync(signal, "");
    giveToServer(signal);
    const restarted = server.restart();
    await eventually(async () => (await Connection.ping(server.conninfo())) === "rejects");
    writeFileSync(join(server.directory, "archived"), "");
    await restarted;
    expect(await Connection.ping(server.conninfo())).toBe("accepts");
  });
});

test("a signal ends it", async () => {
  await against([[]], async (server) => {
    const target = server.conninfo();
    const signal = AbortSignal.timeout(50);
    const error = await failureOf(() => AsyncConnection.ping(target, { signal }));
    expect(error).toMatchObject({ code: "ERR_MAHOUT_ABORTED" });
  });
});
