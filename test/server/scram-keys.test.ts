// scram_client_key and scram_server_key: what SCRAM makes of a password logs in without it.

import { createHmac, pbkdf2Sync } from "node:crypto";
import { inspect } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { ProgrammingError } from "../../src/index.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { askOnce } from "../support/sessions.ts";
import { failureOf, shells } from "../support/shells.ts";

let server: TestServer;
let keys: { scram_client_key: string; scram_server_key: string };

beforeAll(async () => {
  server = await startServer({
    tls: true,
    hba: ["host all owner 127.0.0.1/32 scram-sha-256", "host all clear 127.0.0.1/32 password"],
  });
  await server.administer(
    "create role owner login password 'old'; create role clear login password 'old'",
  );
  const [row] = await server.administer(
    "select rolpassword from pg_authid where rolname = 'owner'",
  );
  const [, count, salt] = /^SCRAM-SHA-256\$(\d+):([^$]+)\$/.exec(String(row?.[0])) ?? [];
  const salted = pbkdf2Sync("old", Buffer.from(salt ?? "", "base64"), Number(count), 32, "sha256");
  const key = (name: string): string => createHmac("sha256", salted).update(name).digest("base64");
  keys = { scram_client_key: key("Client Key"), scram_server_key: key("Server Key") };
});

afterAll(async () => {
  await server.stop();
});

describe.each(shells)("$name: SCRAM's keys", ({ Connection }) => {
  const target = (more: object = {}): object =>
    server.conninfo({ user: "owner", ...keys, ...more } as Record<string, string>);

  test("log in without the password, in the clear, encrypted and bound", async () => {
    for (const more of [
      { sslmode: "disable" },
      { sslmode: "require" },
      { sslmode: "require", channel_binding: "require" },
      { require_auth: "scram-sha-256" },
      { password: "wrong, and not needed" },
    ]) {
      expect(await askOnce(Connection.connect(target(more)), "select current_user")).toBe("owner");
    }
  });

  test("of somebody else don't", async () => {
    const { scram_client_key: client, scram_server_key: server_ } = keys;
    const stranger = target({ scram_client_key: server_ });
    expect((await failureOf(() => Connection.connect(stranger))).sqlstate).toBe("28P01");
    const impostor = target({ scram_server_key: client });
    const error = await failureOf(() => Connection.connect(impostor));
    expect(error).toMatchObject({ code: "ERR_MAHOUT_SERVER_UNPROVEN" });
  });

  test("are no password for those who ask for one", async () => {
    const error = await failureOf(() => Connection.connect(target({ user: "clear" })));
    expect(error).toMatchObject({ code: "ERR_MAHOUT_NO_PASSWORD" });
  });

  test.each([
    [{ scram_server_key: "" }, /needed both.*only scram_client_key, from the connection options$/],
    [{ scram_client_key: "" }, /needed both.*only scram_server_key, from the connection options$/],
    [{ scram_client_key: "AAAA" }, /^scram_client_key, from the connection options, .* 32 bytes/],
    [{ scram_server_key: "no base64!" }, /^scram_server_key, from .* 32 bytes in base64/],
  ])("%j is refused", async (more, says) => {
    const error = await failureOf(() => Connection.connect(target(more)));
    expect(error).toBeInstanceOf(ProgrammingError);
    expect(error.message).toMatch(says);
    expect(error.message).not.toMatch(/AAAA|no base64/);
  });

  test("can't be seen", async () => {
    const conn = await Connection.connect(target());
    const shown = inspect([conn, conn.info, conn.info.dsn], { depth: 9, showHidden: true });
    for (const key of Object.values(keys)) {
      expect(shown).not.toContain(key);
      expect(shown).not.toContain(String([...Buffer.from(key, "base64").subarray(0, 8)]));
    }
    await conn.close();
  });
});
