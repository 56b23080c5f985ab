// Faults at single bytes: while connecting, in the clear and over TLS, and in the answers to statements. All
// of the bytes are taken in faults-bytes.slow.test.ts; here it is every so manyth.

import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import * as bytes from "../support/fault-bytes.ts";
import { FaultProxy } from "../support/fault-proxy.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { type Shell, shells } from "../support/shells.ts";

/** Every so manyth byte is taken. */
const STEP = { connect: 151, corrupt: 11, split: 1 };
const MASKS = [0xff];
const PATIENCE = 120_000;

let server: TestServer;

beforeAll(async () => {
  server = await startServer({ tls: true, settings: { max_connections: "200" } });
}, 60_000);

afterAll(async () => {
  await server.stop();
});

/** 0, step, 2 * step, ... */
function placesOf(length: number, step: number): number[] {
  return Array.from({ length: Math.ceil(length / step) }, (_, index) => index * step);
}

/** Runs something for each, several at once where that is possible; names those that failed. */
async function forEach<T>(
  shell: Shell,
  items: readonly T[],
  nameOf: (item: T) => string,
  run: (item: T) => Promise<void>,
): Promise<void> {
  const left = [...items];
  const failures: unknown[] = [];
  const work = async (): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) {
      const current = item;
      await run(current).catch((error: unknown) => {
        failures.push(new Error(nameOf(current), { cause: error }));
      });
    }
  };
  await Promise.all(Array.from({ length: shell.name === "blocking" ? 1 : 8 }, work));
  expect(items.length).toBeGreaterThan(0);
  if (failures.length > 0)
    throw new AggregateError(failures.slice(0, 5), `${failures.length} failed`);
}

describe.each(shells)("$name shell", (shell) => {
  test.each(["disable", "require"])(
    "connecting with sslmode %s",
    async (sslmode) => {
      const conninfo = { sslmode };
      const length = await bytes.lengthOfGreeting(shell, server, conninfo);
      const faults = [
        ...bytes.connectFaults,
        ...placesOf(length, STEP.connect).flatMap((at) => bytes.connectFaultsAt(at)),
      ];
      await forEach(
        shell,
        faults,
        ({ name }) => name,
        (fault) => bytes.connectUnder(fault, shell, server, conninfo),
      );
    },
    PATIENCE,
  );

  test.each(bytes.answered.map((what) => [what.name, what] as const))(
    "%s, cut in two",
    async (_name, what) => {
      await using proxy = await FaultProxy.start(server);
      const victim = new bytes.Victim(shell, proxy);
      const length = await bytes.lengthOf(victim, what);
      for (const at of placesOf(length, STEP.split)) await bytes.splitAnswer(victim, what, at);
      await victim.leave();
    },
    PATIENCE,
  );

  test.each(bytes.answered.map((what) => [what.name, what] as const))(
    "%s, with a wrong byte",
    async (_name, what) => {
      await using proxy = await FaultProxy.start(server);
      const victim = new bytes.Victim(shell, proxy);
      const length = await bytes.lengthOf(victim, what);
      for (const mask of MASKS) {
        for (const at of placesOf(length, STEP.corrupt)) {
          await bytes.corruptAnswer(victim, what, at, mask).catch((error: unknown) => {
            throw new Error(`at ${at}, mask ${mask}`, { cause: error });
          });
        }
      }
      await victim.leave();
    },
    PATIENCE,
  );
});
