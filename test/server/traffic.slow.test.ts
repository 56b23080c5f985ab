// Much more than fits between the thread that reads and the one that waits, again and again: a pause
// that is never ended, or bytes that are lost, show once in some hundred megabytes.

import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { startServer, type TestServer } from "../support/server.ts";
import { shells } from "../support/shells.ts";

const ROUNDS = 50;
const ROWS = 20_000;

let server: TestServer;

beforeAll(async () => {
  server = await startServer({ tls: true });
});

afterAll(async () => {
  await server.stop();
});

describe.each(shells)("$name", ({ Connection }) => {
  test.each(["disable", "require"])(
    `receives 20 MB ${ROUNDS} times with sslmode %s`,
    async (sslmode) => {
      for (let round = 0; round < ROUNDS; round++) {
        await using conn = await Connection.connect(server.conninfo({ sslmode }));
        const rows = await conn.query(
          "select n, repeat('x', 1000) as text from generate_series(1, $1::int) n",
          [ROWS],
          { timeout: 20_000 },
        );
        expect(rows).toHaveLength(ROWS);
        expect(rows.at(-1)).toEqual({ n: ROWS, text: "x".repeat(1000) });
      }
    },
    120_000,
  );
});
