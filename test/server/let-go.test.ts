// What a statement gave belongs to the program alone: once the program has let go of it, so has the connection.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "@jest/globals";
import { eventually, expectUsable, shells } from "../support/shells.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

describe.each(shells)("$name shell", ({ connect }) => {
  test.each([1, 10_000])("%j rows are let go of, however often they were asked for", async (n) => {
    await using conn = await connect();
    const ask = async (): Promise<WeakRef<object>> => {
      const rows = await conn.query(`select n from generate_series(1, ${n}) n`);
      expect(rows.length).toBe(n);
      return new WeakRef(rows);
    };
    // The first ones are not prepared yet.
    const asked: WeakRef<object>[] = [];
    for (let times = 0; times < 10; times++) asked.push(await ask());
    await eventually(() => {
      collect();
      return asked.every((rows) => rows.deref() === undefined);
    });
    await expectUsable(conn);
  });
});
