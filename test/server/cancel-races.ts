// The tests of cancel-races.test.ts and cancel-races.slow.test.ts: cancelling at random moments, with the next
// statement issued at once. No other is ever hit, neither in the clear nor over TLS.

import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { race } from "../support/cancel-races.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { type Shell, shells } from "../support/shells.ts";

/** How many races there are by sslmode and shell, and how long a test may take, in milliseconds. */
export interface Size {
  readonly races: Readonly<Record<"disable" | "require", Readonly<Record<Shell["name"], number>>>>;
  readonly patience: number;
}

/** Tests of so many races. */
export function testCancelRaces({ races, patience }: Size): void {
  let server: TestServer;

  beforeAll(async () => {
    server = await startServer({ tls: true });
  }, 60_000);

  afterAll(async () => {
    await server.stop();
  });

  describe.each(shells)("$name shell", (shell) => {
    test.each(["disable", "require"] as const)(
      "with sslmode %s nobody else is hit",
      async (sslmode) => {
        const connect = () => shell.Connection.connect(server.conninfo({ sslmode }));
        const isAsync = shell.name === "async";
        const kinds = isAsync
          ? (["cancel", "signal", "timeout", "queued"] as const)
          : (["timeout"] as const);
        const tally = await race(shell, connect, races[sslmode][shell.name], kinds);
        expect(tally.completed).toBeGreaterThan(0);
        expect(tally.cancelled).toBeGreaterThan(0);
      },
      patience,
    );
  });
}
