// Two hundred thousand notifications through one connection that also runs statements: all of them arrive,
// once each, in order, and every statement has its own answer.

import { describe, expect, test } from "@jest/globals";
import { AsyncConnection } from "../../src/index.ts";
import { defaultServer } from "../support/default-server.ts";
import { shells } from "../support/shells.ts";

const COUNT = 200_000;
const TRANSACTIONS = 20;
const SECONDS = 120_000;

/** Has the server send them by itself, some time after this has returned: a blocking thread can't. */
async function sending(channel: string): Promise<{ done: Promise<unknown> }> {
  const agent = await AsyncConnection.connect(defaultServer().conninfo());
  const each = COUNT / TRANSACTIONS;
  const send = async (): Promise<void> => {
    await agent.execute(
      `do $$ begin
         for batch in 0..${TRANSACTIONS - 1} loop
           perform pg_notify('${channel}', (batch * ${each} + n)::text) from generate_series(0, ${each - 1}) n;
           commit;
         end loop;
       end $$`,
    );
    await agent.close();
  };
  const done = send();
  done.catch(() => {});
  return { done };
}

/** The first number that is not what it should be; -1 when all are. */
const disorder = (numbers: readonly number[]): number =>
  numbers.findIndex((number, index) => number !== index);

describe.each(shells)("$name shell", ({ name, connect }) => {
  test(
    "a generator gives all of them, though its body runs statements",
    async () => {
      await using conn = await connect();
      const channel = `flood_${process.pid}_${name}`;
      await conn.execute(`listen ${channel}`);
      const { done } = await sending(channel);
      const found: number[] = [];
      const wrong: unknown[] = [];
      for await (const { payload } of conn.notifies({ stopAfter: COUNT })) {
        found.push(Number(payload));
        if (found.length % 500 !== 0) continue;
        const [row] = await conn.query("select $1::int as n", [found.length]);
        if (row?.["n"] !== found.length) wrong.push(row);
      }
      await done;
      expect([found.length, disorder(found), wrong]).toEqual([COUNT, -1, []]);
      expect((await conn.notifies(0).next()).done).toBe(true);
      expect(conn.notificationsDropped).toBe(0);
    },
    SECONDS,
  );

  test(
    "a handler hears all of them while statements run",
    async () => {
      await using conn = await connect();
      const channel = `flood_${process.pid}_${name}_handler`;
      const heard: number[] = [];
      conn.addNotifyHandler(({ payload }) => heard.push(Number(payload)));
      await conn.execute(`listen ${channel}`);
      const { done } = await sending(channel);
      const wrong: unknown[] = [];
      for (let n = 0; heard.length < COUNT; n++) {
        const [row] = await conn.query("select $1::int as n, pg_sleep(0.001)", [n]);
        if (row?.["n"] !== n) wrong.push(row);
      }
      await done;
      expect([heard.length, disorder(heard), wrong]).toEqual([COUNT, -1, []]);
    },
    SECONDS,
  );
});
