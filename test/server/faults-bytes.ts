// The tests of faults-bytes.test.ts and faults-bytes.slow.test.ts: faults at single bytes while connecting, in the
// clear and over TLS, and in the answers to statements. The two take more or fewer of the bytes.

import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import * as bytes from "../support/fault-bytes.ts";
import { FaultProxy } from "../support/fault-proxy.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { type Shell, shells } from "../support/shells.ts";

/** How many of the bytes are taken. */
export interface Size {
  /** Every so manyth: while connecting, of answers with a wrong byte, of answers that are cut in two. */
  readonly step: { readonly connect: number; readonly corrupt: number; readonly split: number };
  /** What a wrong byte differs by. */
  readonly masks: readonly number[];
  /** How long a test may take, in milliseconds. */
  readonly patience: number;
}

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

/** Tests of faults at so many bytes. */
export function testFaultsAtBytes({ step, masks, patience }: Size): void {
  let server: TestServer;

  beforeAll(async () => {
    server = await startServer({ tls: true, settings: { max_connections: "200" } });
  }, 60_000);

  afterAll(async () => {
    await server.stop();
  });

  describe.each(shells)("$name shell", (shell) => {
    test.each(["disable", "require"])(
      "connecting with sslmode %s",
      async (sslmode) => {
        const conninfo = { sslmode };
        const length = await bytes.lengthOfGreeting(shell, server, conninfo);
        const faults = [
          ...bytes.connectFaults,
          ...placesOf(length, step.connect).flatMap((at) => bytes.connectFaultsAt(at)),
        ];
        await forEach(
          shell,
          faults,
          ({ name }) => name,
          (fault) => bytes.connectUnder(fault, shell, server, conninfo),
        );
      },
      patience,
    );

    test.each(bytes.answered.map((what) => [what.name, what] as const))(
      "%s, cut in two",
      async (_name, what) => {
        await using proxy = await FaultProxy.start(server);
        const victim = new bytes.Victim(shell, proxy);
        const length = await bytes.lengthOf(victim, what);
        for (const at of placesOf(length, step.split)) await bytes.splitAnswer(victim, what, at);
        await victim.leave();
      },
      patience,
    );

    test.each(bytes.answered.map((what) => [what.name, what] as const))(
      "%s, with a wrong byte",
      async (_name, what) => {
        await using proxy = await FaultProxy.start(server);
        const victim = new bytes.Victim(shell, proxy);
        const length = await bytes.lengthOf(victim, what);
        for (const mask of masks) {
          for (const at of placesOf(length, step.corrupt)) {
            await bytes.corruptAnswer(victim, what, at, mask).catch((error: unknown) => {
              throw new Error(`at ${at}, mask ${mask}`, { cause: error });
            });
          }
        }
        await victim.leave();
      },
      patience,
    );
  });
}
