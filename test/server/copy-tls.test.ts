// COPY and streams over TLS: the pace is kept there as well, in both directions.

import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { AsyncConnection } from "../../src/index.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { eventually, expectUsable, failureOf, shells } from "../support/shells.ts";

const ENDLESS = "select generate_series(1, 1000000000) as n, repeat('x', 200) as s";
const ROWS = 20_000;

let server: TestServer;

beforeAll(async () => {
  server = await startServer({ tls: true });
});

afterAll(async () => {
  await server.stop();
});

describe.each(shells)("$name shell", ({ Connection }) => {
  const connect = (): Promise<AsyncConnection> =>
    Connection.connect(server.conninfo({ sslmode: "require" }));

  test.each(["text", "binary"])("20 MB in and out in %s", async (format) => {
    await using conn = await connect();
    await conn.execute("create temp table t (n int, s text)");
    const cur = conn.cursor();
    {
      await using copy = await cur.copy(`copy t from stdin (format ${format})`);
      for (let n = 0; n < ROWS; n++) await copy.writeRow([n, `${n}`.padStart(1000, "x")]);
      await copy.finish();
    }
    let rows = 0;
    await using copy = await cur.copy(`copy t to stdout (format ${format})`);
    for await (const row of copy.rows()) {
      expect(row[0] === rows && row[1] === `${rows}`.padStart(1000, "x")).toBe(true);
      rows++;
    }
    expect(rows).toBe(ROWS);
  });

  test("a reader that stands still holds the server up", async () => {
    await using conn = await connect();
    const waits = `select wait_event from pg_stat_activity where pid = ${conn.info.backendPid}`;
    for await (const row of conn.cursor().stream(ENDLESS)) {
      if (row.n === 5) {
        const { rss } = process.memoryUsage();
        await eventually(async () => (await server.administer(waits))[0]?.[0] === "ClientWrite");
        expect(process.memoryUsage().rss - rss).toBeLessThan(50e6);
      }
      if (row.n > 50_000) break;
    }
    await expectUsable(conn);
  });

  test("one that is left, and one that is closed in the middle", async () => {
    const conn = await connect();
    for await (const row of conn.cursor().stream(ENDLESS)) if (row.n === 3) break;
    await expectUsable(conn);
    const copy = await conn.cursor().copy(`copy (${ENDLESS}) to stdout`);
    expect((await copy.readRow())?.[0]).toBe(1);
    await conn.close();
    const rest = async (): Promise<void> => {
      for await (const piece of copy) expect(piece.length).toBeGreaterThan(0);
    };
    expect((await failureOf(rest)).message).toContain("the connection");
  });
});
