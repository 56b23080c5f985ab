// A statement that waits for its own caller where no context shows it: a warning says so after a while.

import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import type { AsyncCopy } from "../../src/index.ts";
import { expectUsable, shells, warningsOf } from "../support/shells.ts";

const [{ connect }] = shells as [(typeof shells)[0]];

test("a statement that waits long for an idle COPY is told of, once, with the place", async () => {
  await using conn = await connect();
  const helper = async (): Promise<AsyncCopy> => {
    await conn.query("select 1");
    return await conn.cursor().copy("copy (select 1) to stdout");
  };
  const copy = await helper();
  let waiting: Promise<unknown> | undefined;
  const warnings = await warningsOf(async () => {
    waiting = conn.query("select 1 as n");
    await sleep(11_000);
    void conn.query("select 1");
    await sleep(11_000);
  });
  expect(warnings).toMatchObject([{ name: "MahoutWarning", code: "MAHOUT_OCCUPIED" }]);
  expect(warnings[0]?.message).toContain("waiting 10 s for copy()");
  expect((warnings[0] as Error & { detail: string }).detail).toContain("copy-turns.slow.test.ts");
  await copy.close();
  expect(await waiting).toEqual([{ n: 1 }]);
  await expectUsable(conn);
}, 40_000);

test("a COPY that goes on is none of that", async () => {
  await using conn = await connect();
  await conn.execute("create temp table t (n int)");
  const warnings = await warningsOf(async () => {
    const others: Promise<unknown>[] = [];
    const reading = async (): Promise<void> => {
      for (let round = 0; round < 3; round++) {
        await conn.cursor().copy("copy t from stdin", () => sleep(4_000));
      }
    };
    const copied = reading();
    others.push(sleep(100).then(() => conn.query("select 1")));
    await copied;
    await Promise.all(others);
  });
  expect(warnings).toEqual([]);
}, 40_000);
