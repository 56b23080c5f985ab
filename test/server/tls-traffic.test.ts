// What flows over TLS: as much as over a plain socket, both ways, and cancel requests as well.

import { createHash, randomBytes } from "node:crypto";
import { fstatSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type AsyncConnection, errors } from "../../src/index.ts";
import { greets, PID } from "../support/hostile.ts";
import { awaits, closes, ScriptedServer, secures, sends } from "../support/scripted-server.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { newApplicationName, untilGone, valueOf } from "../support/sessions.ts";
import { failureOf, shells } from "../support/shells.ts";

const MEGABYTE = 1024 * 1024;
const LARGE = 20 * MEGABYTE;
const ROWS = 20_000;

let server: TestServer;

beforeAll(async () => {
  const rules = ["hostssl all all 127.0.0.1/32 trust", "host all all 127.0.0.1/32 reject"];
  server = await startServer({ tls: true, hba: rules });
});

afterAll(async () => {
  await server.stop();
});

describe.each(shells)("$name", ({ Connection }) => {
  const connect = (): Promise<AsyncConnection> =>
    Connection.connect(server.conninfo({ sslmode: "require" }));

  test("fileno is the descriptor of the socket under it", async () => {
    await using conn = await connect();
    await using other = await connect();
    const [socket, another] = [conn, other].map((one) => fstatSync(one.fileno()));
    expect([socket?.isSocket(), another?.isSocket()]).toEqual([true, true]);
    expect(another?.ino).not.toBe(socket?.ino);
  });

  test("a value of 20 MB is received", async () => {
    await using conn = await connect();
    const value = await valueOf(conn, `select repeat('elephant', ${LARGE / 8}) as v`);
    expect(value).toBe("elephant".repeat(LARGE / 8));
  });

  test("20 MB of rows are received, every one in its place", async () => {
    await using conn = await connect();
    const rows = await conn.query(
      `select n, repeat(chr(97 + n % 26), 1000) as text from generate_series(1, ${ROWS}) n`,
    );
    expect(rows).toHaveLength(ROWS);
    const wrong = rows.filter(({ n, text }, index) => {
      return n !== index + 1 || text !== String.fromCharCode(97 + ((index + 1) % 26)).repeat(1000);
    });
    expect(wrong).toEqual([]);
  });

  test("a parameter of 20 MB is sent", async () => {
    await using conn = await connect();
    const bytes = randomBytes(LARGE);
    const digest = createHash("sha256").update(bytes).digest();
    expect(await valueOf(conn, "select sha256($1)", [bytes])).toEqual(digest);
    expect(await valueOf(conn, "select 1")).toBe(1);
  });

  test("20 MB go both ways at once", async () => {
    await using conn = await connect();
    const bytes = randomBytes(LARGE);
    expect(bytes.equals((await valueOf(conn, "select $1::bytea", [bytes])) as Buffer)).toBe(true);
  });

  test("200 statements at once: each gets its own answer", async () => {
    await using conn = await connect();
    const values = Array.from({ length: 200 }, (_, index) => index);
    const answers = values.map((n) =>
      valueOf(conn, "select $1::int || repeat('.', 1000) as v", [n]),
    );
    expect(await Promise.all(answers)).toEqual(values.map((n) => `${n}${".".repeat(1000)}`));
  });

  test("200 large statements at once: what the socket can't take waits", async () => {
    await using conn = await connect();
    const texts = Array.from({ length: 200 }, (_, n) => `${n}`.padEnd(100_000, "-"));
    const answers = texts.map((text) => valueOf(conn, "select md5($1)", [text]));
    expect(await Promise.all(answers)).toEqual(
      texts.map((text) => createHash("md5").update(text).digest("hex")),
    );
  });

  test("a timeout cancels the statement where all must be encrypted", async () => {
    await using conn = await connect();
    const error = await failureOf(() => conn.query("select pg_sleep(60)", [], { timeout: 100 }));
    expect(error).toBeInstanceOf(errors.QueryCanceled);
    expect(await valueOf(conn, "select 1")).toBe(1);
  });

  test("close() says goodbye", async () => {
    const name = newApplicationName();
    const target = server.conninfo({ sslmode: "require", application_name: name });
    const logged = server.log().length;
    for (let round = 0; round < 10; round++) await (await Connection.connect(target)).close();
    await untilGone(server, name);
    expect(server.log().slice(logged)).not.toMatch(/unexpected EOF|could not receive data/);
  });

  test("a cancel request travels encrypted, as its connection does", async () => {
    const starts = [awaits("ssl"), sends("S"), secures()];
    await using scripted = await ScriptedServer.start([
      [...starts, ...greets(), awaits("X")],
      [...starts, awaits("cancel"), closes()],
    ]);
    const conn = await Connection.connect(scripted.conninfo({ sslmode: "require" }));
    await conn.cancel();
    await conn.close();
    const [session, request] = await scripted.closed(2);
    // In the clear there is but the request for encryption.
    expect(session?.messages[0]?.type).toBe("ssl");
    expect(request?.plain).toEqual(session?.messages[0]?.bytes);
    expect(request?.messages.map(({ type }) => type)).toEqual(["ssl", "cancel"]);
    expect(request?.encrypted.readInt32BE(8)).toBe(PID);
  });
});
