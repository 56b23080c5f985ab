// A program's own class of connections that fails when it is made: whoever asked hears of it, and the pool goes on.

import { describe, expect, test } from "@jest/globals";
import {
  AsyncConnection,
  BlockingConnectionPool,
  Connection,
  ConnectionPool,
  type DictRow,
} from "../../src/index.ts";
import { defaultServer } from "../support/default-server.ts";
import { expectUsable, failureOf } from "../support/shells.ts";

let isFaulty = false;

function fault(): void {
  if (isFaulty) throw new Error("there is no such face");
}

class Faulty<Row> extends AsyncConnection<Row> {
  constructor(...parts: ConstructorParameters<typeof AsyncConnection<Row>>) {
    super(...parts);
    fault();
  }
}

class BlockingFaulty<Row> extends Connection<Row> {
  constructor(...parts: ConstructorParameters<typeof Connection<Row>>) {
    super(...parts);
    fault();
  }
}

/** Calls with the classes failing. */
async function faultily<T>(run: () => Promise<T> | T): Promise<T> {
  isFaulty = true;
  try {
    return await run();
  } finally {
    isFaulty = false;
  }
}

describe("a class that fails", () => {
  const open = async (): Promise<ConnectionPool> => {
    const options = { minSize: 1, maxSize: 1, connectionClass: Faulty<DictRow> };
    const pool = new ConnectionPool(defaultServer().conninfo(), options);
    await pool.open({ wait: true });
    return pool;
  };

  test.each<[string, (pool: ConnectionPool) => Promise<unknown>]>([
    ["getConn", (pool) => pool.getConn()],
    ["connection", (pool) => pool.connection()],
    ["connection with a function", (pool) => pool.connection(() => 1)],
    ["query", (pool) => pool.query("select 1")],
  ])("%s fails where a connection is free", async (_call, borrow) => {
    const pool = await open();
    const error = await faultily(() => failureOf(() => borrow(pool)));
    expect(error.message).toBe("there is no such face");
    await pool.connection((conn) => expectUsable(conn));
    expect(pool.getStats()).toMatchObject({ poolSize: 1, poolAvailable: 1 });
    await pool.close();
  });

  test("who waits fails as well, and nobody else", async () => {
    const pool = await open();
    const held = await pool.getConn();
    const [first, second] = [failureOf(() => pool.getConn()), pool.getConn()];
    await faultily(() => pool.putConn(held));
    expect((await first).message).toBe("there is no such face");
    const conn = await second;
    await expectUsable(conn);
    await pool.putConn(conn);
    expect(pool.getStats()).toMatchObject({ poolSize: 1, poolAvailable: 1 });
    await pool.close();
  });

  test("a blocking pool goes on, too", async () => {
    const options = { minSize: 1, maxSize: 1, connectionClass: BlockingFaulty<DictRow> };
    const pool = new BlockingConnectionPool(defaultServer().conninfo(), options);
    const error = await faultily(() => failureOf(() => pool.getConn()));
    expect(error.message).toBe("there is no such face");
    expect(pool.query("select 1 as n")).toEqual([{ n: 1 }]);
    pool.close();
  });
});

/* oxlint-disable unicorn/no-thenable -- That is what this is about. */
test("loans have no then, and say so where it is looked for first", async () => {
  class Unthenable<Row> extends AsyncConnection<Row> {
    declare then?: undefined;
    constructor(...parts: ConstructorParameters<typeof AsyncConnection<Row>>) {
      super(...parts);
      this.then = undefined;
    }
  }
  for (const connectionClass of [AsyncConnection<DictRow>, Unthenable<DictRow>]) {
    const pool = new ConnectionPool(defaultServer().conninfo(), { maxSize: 1, connectionClass });
    await pool.connection(async (conn) => {
      expect(Object.hasOwn(Object.getPrototypeOf(conn) as object, "then")).toBe(true);
      expect("then" in conn && conn.then).toBe(undefined);
      expect(await Promise.resolve(conn)).toBe(conn);
    });
    await pool.close();
  }
});
