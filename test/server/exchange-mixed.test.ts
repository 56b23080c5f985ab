// Statements of one exchange among everything else that wants the same connection at the same time.

import { expect, test } from "@jest/globals";
import { connect, errors } from "../../src/index.ts";
import { defaultServer } from "../support/default-server.ts";
import { failureOf } from "../support/shells.ts";

const TEXT = "select $1::int4 as n";

test("answers find their callers, and who stands alone has its turn, whatever runs beside exchanges", async () => {
  await using conn = await connect(defaultServer().conninfo());
  await conn.query(TEXT, [0], { prepare: true });
  let random = 1;
  const next = (below: number): number => {
    random = (random * 48271) % 2147483647;
    return random % below;
  };
  let stopped = 0;
  const actions: ((n: number) => Promise<unknown>)[] = [
    async (n) => expect(await conn.query(TEXT, [n])).toEqual([{ n }]),
    async (n) => expect(await conn.query(TEXT, [n])).toEqual([{ n }]),
    async (n) => expect(await (await conn.execute(TEXT, [n])).fetchOne()).toEqual({ n }),
    async (n) => expect(await conn.query(`select ${n} as n`)).toEqual([{ n }]),
    async (n) => expect(await conn.query(TEXT, [n], { timeout: 60_000 })).toEqual([{ n }]),
    async () => {
      const error = await failureOf(() => conn.query("select pg_sleep(60)", [], { timeout: 1 }));
      expect(error).toBeInstanceOf(errors.QueryCanceled);
      stopped++;
    },
    async (n) => {
      for await (const row of conn.cursor().stream(TEXT, [n])) expect(row).toEqual({ n });
    },
    async (n) => {
      await conn.cursor().copy(`copy (select ${n}) to stdout`, async (copy) => {
        for await (const row of copy.rows()) expect(row).toEqual([n]);
      });
    },
  ];
  let n = 0;
  for (let round = 0; round < 30; round++) {
    const running: Promise<unknown>[] = [];
    for (let count = 0; count < 40; count++) {
      const action = next(20) === 0 ? 5 : next(actions.length);
      const chosen = actions[action === 5 && next(3) > 0 ? 0 : action] as (typeof actions)[0];
      const given = n++;
      // In a context of its own: a stream occupies that of its loop.
      running.push(Promise.resolve().then(() => chosen(given)));
      if (next(8) === 0) await running[next(running.length)];
    }
    await Promise.all(running);
  }
  expect(stopped).toBeGreaterThan(0);
}, 60_000);

test("thousands at once come in order, past a socket that takes no more", async () => {
  await using conn = await connect(defaultServer().conninfo());
  const text = "select length($1::text) as n, $2::int4 as i";
  await conn.query(text, ["", 0], { prepare: true });
  const large = "x".repeat(20_000);
  const seen: number[] = [];
  await Promise.all(
    Array.from({ length: 3000 }, async (_, i) => {
      const [row] = await conn.query(text, [large, i]);
      expect(row).toEqual({ n: 20_000, i });
      seen.push(i);
    }),
  );
  expect(seen).toEqual(Array.from({ length: 3000 }, (_, i) => i));
}, 60_000);

test("endless exchanges don't keep who stands alone from its turn", async () => {
  await using conn = await connect(defaultServer().conninfo());
  await conn.query(TEXT, [0], { prepare: true });
  let isOver = false;
  const busy = Array.from({ length: 20 }, async () => {
    while (!isOver) await conn.query(TEXT, [1]);
  });
  for (let turn = 0; turn < 20; turn++) {
    expect(await conn.query(TEXT, [turn], { timeout: 30_000 })).toEqual([{ n: turn }]);
    await conn.transaction(async () => {});
  }
  isOver = true;
  await Promise.all(busy);
}, 60_000);

test("what fails has the stack of its caller, and is nobody else's when it is handled", async () => {
  await using conn = await connect(defaultServer().conninfo());
  const text = "select 1 / $1::int4 as n";
  await conn.query(text, [1], { prepare: true });
  async function theCaller(run: "query" | "execute"): Promise<unknown> {
    return await conn[run](text, [0]);
  }
  for (const run of ["query", "execute"] as const) {
    const alone = await failureOf(() => theCaller(run));
    expect(alone.stack).toContain("theCaller");
    const [one, two] = await Promise.allSettled([theCaller(run), theCaller(run)]);
    expect([one.status, two.status]).toEqual(["rejected", "rejected"]);
    expect((one as PromiseRejectedResult).reason.stack).toContain("theCaller");
    expect((one as PromiseRejectedResult).reason).not.toBe((two as PromiseRejectedResult).reason);
  }
});
