// Which server a connection ends up with: what kind of session is wanted, which host is passed over,
// and which version of the protocol is spoken. A real standby needs a server of its own.

import { describe, expect, test } from "@jest/globals";
import { OperationalError } from "../../src/index.ts";
import { defaultServer } from "../support/default-server.ts";
import { answer, greeting, PID } from "../support/hostile.ts";
import { awaits, pauses, ScriptedServer, sends } from "../support/scripted-server.ts";
import { newApplicationName, untilGone } from "../support/sessions.ts";
import { failureOf, shells } from "../support/shells.ts";

const READ_ONLY = "-c default_transaction_read_only=on";

describe.each(shells)("$name shell", ({ connect, Connection }) => {
  test.each([
    ["any", undefined],
    ["read-write", undefined],
    ["primary", undefined],
    ["prefer-standby", undefined],
    ["any", READ_ONLY],
    ["read-only", READ_ONLY],
    ["primary", READ_ONLY],
  ])("target_session_attrs=%s takes a primary with options %s", async (wanted, options) => {
    await using conn = await connect({ target_session_attrs: wanted, options });
    expect(await conn.query("select 1 as n")).toEqual([{ n: 1 }]);
  });

  test.each([
    ["read-only", undefined, "the session is not read-only"],
    ["standby", undefined, "the server is not a standby"],
    ["read-write", READ_ONLY, "the session is read-only"],
  ])(
    "target_session_attrs=%s refuses a primary with options %s",
    async (wanted, options, reason) => {
      const name = newApplicationName();
      const error = await failureOf(() =>
        connect({ target_session_attrs: wanted, options, application_name: name }),
      );
      expect(error).toBeInstanceOf(OperationalError);
      expect(error.message).toBe(`${reason}, but target_session_attrs asks for ${wanted}`);
      await untilGone(defaultServer(), name);
    },
  );

  test.each([
    ["read-write", "off", "SHOW transaction_read_only", null],
    ["read-write", "on", "SHOW transaction_read_only", "the session is read-only"],
    ["read-only", "on", "SHOW transaction_read_only", null],
    ["read-only", "off", "SHOW transaction_read_only", "the session is not read-only"],
    ["primary", "f", "SELECT pg_catalog.pg_is_in_recovery()", null],
    ["primary", "t", "SELECT pg_catalog.pg_is_in_recovery()", "the server is a standby"],
    ["standby", "t", "SELECT pg_catalog.pg_is_in_recovery()", null],
    ["standby", "f", "SELECT pg_catalog.pg_is_in_recovery()", "the server is not a standby"],
  ])(
    "target_session_attrs=%s asks a server that doesn't report what it is, and hears %s",
    async (wanted, said, question, reason) => {
      const script = [awaits("startup"), sends(greeting()), awaits("Q"), sends(answer(said))];
      await using server = await ScriptedServer.start([script]);
      const target = server.conninfo({ target_session_attrs: wanted });
      if (reason === null) {
        await (await Connection.connect(target)).close();
      } else {
        const error = await failureOf(() => Connection.connect(target));
        expect(error.message).toBe(`${reason}, but target_session_attrs asks for ${wanted}`);
      }
      const [record] = await server.closed();
      const asked = record?.messages.find(({ type }) => type === "Q");
      expect(asked?.bytes.toString("latin1", 5)).toBe(`${question}\0`);
    },
  );

  test("connect_timeout ends one attempt, and the next host is tried", async () => {
    await using silent = await ScriptedServer.start([[]]);
    const live = defaultServer();
    const ports = `${silent.conninfo()["port"]},${live.port}`;
    const info = live.conninfo({ host: "127.0.0.1,127.0.0.1", port: ports, connect_timeout: 2 });
    await using conn = await Connection.connect(info);
    expect(conn.info.port).toBe(live.port);
    await silent.closed();
  });

  test("a server that answers late is waited for, though there are others", async () => {
    const script = [awaits("startup"), pauses(4_000), sends(greeting())];
    await using slow = await ScriptedServer.start([script]);
    const ports = `${slow.conninfo()["port"]},${defaultServer().port}`;
    const target = slow.conninfo({ host: "127.0.0.1,127.0.0.1", port: ports });
    await using conn = await Connection.connect(target);
    expect(conn.info.backendPid).toBe(PID);
  });

  test("load_balance_hosts=random comes to every host", async () => {
    const { port } = defaultServer();
    const info = defaultServer().conninfo({
      host: "127.0.0.1,localhost",
      port: `${port},${port}`,
      load_balance_hosts: "random",
    });
    const hosts = new Set<string>();
    // Both within 64 attempts, but for one run in 2^63.
    for (let attempt = 0; attempt < 64 && hosts.size < 2; attempt++) {
      await using conn = await Connection.connect(info);
      hosts.add(conn.info.host);
    }
    expect([...hosts].sort()).toEqual(["127.0.0.1", "localhost"]);
  });

  test("protocol 3.2 is spoken where the server can, with its longer key for cancelling", async () => {
    await using conn = await connect({ max_protocol_version: "3.2" });
    const speaks = defaultServer().major >= 18;
    expect(conn.info.fullProtocolVersion).toBe(speaks ? 30002 : 30000);
    const error = await failureOf(() =>
      conn.execute("select pg_sleep(60)", undefined, { timeout: 100 }),
    );
    expect(error.sqlstate).toBe("57014");
    expect(await conn.query("select 1 as n")).toEqual([{ n: 1 }]);
  });

  test("min_protocol_version=3.2 is had, or the reason why not", async () => {
    const attempt = (): unknown => connect({ min_protocol_version: "3.2" });
    if (defaultServer().major >= 18) {
      await using conn = (await attempt()) as Awaited<ReturnType<typeof connect>>;
      expect(conn.info.fullProtocolVersion).toBe(30002);
    } else {
      const error = await failureOf(attempt);
      expect(error.message).toBe("the server speaks protocol 3.0, but min_protocol_version is 3.2");
    }
  });
});
