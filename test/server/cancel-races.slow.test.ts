// Ten thousand cancellations at random moments, with the next statement issued at once: no other is ever hit,
// neither in the clear nor over TLS. A few of them are in cancel-races.test.ts.

import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { race } from "../support/cancel-races.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { shells } from "../support/shells.ts";

const RACES = { async: 10_000, blocking: 2_000 };

let server: TestServer;

beforeAll(async () => {
  server = await startServer({ tls: true });
}, 60_000);

afterAll(async () => {
  await server.stop();
});

describe.each(shells)("$name shell", (shell) => {
  test.each(["disable", "require"])(
    "with sslmode %s nobody else is hit",
    async (sslmode) => {
      const connect = () => shell.Connection.connect(server.conninfo({ sslmode }));
      const isAsync = shell.name === "async";
      const kinds = isAsync
        ? (["cancel", "signal", "timeout", "queued"] as const)
        : (["timeout"] as const);
      const count = sslmode === "require" ? RACES[shell.name] / 2 : RACES[shell.name];
      const tally = await race(shell, connect, count, kinds);
      expect(tally.completed).toBeGreaterThan(0);
      expect(tally.cancelled).toBeGreaterThan(0);
    },
    3_600_000,
  );
});
