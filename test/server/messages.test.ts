// What programs get wrong at first, and what they are told: what was wrong, and what would be right.

import { describe, expect, test } from "@jest/globals";
import type { AsyncConnection } from "../../src/index.ts";
import { ConnectionPool, ProgrammingError } from "../../src/index.ts";
import { defaultServer } from "../support/default-server.ts";
import { expectUsable, failureOf, shells } from "../support/shells.ts";

describe.each(shells)("what a newcomer is told, $name", ({ name, connect, Connection }) => {
  test.each<[text: string, values: unknown[], message: string]>([
    ["select 1 where 1 in ($1)", [[1, 2]], "; for a list write = any($1) instead of in ($1)"],
    [
      "select 1 where 'a' not  IN( $1 )",
      [["a"]],
      "; for a list write <> all($1) instead of in ($1)",
    ],
    [
      "select $2::int where 'a' in ($1)",
      [["a"], 1],
      "; for a list write = any($1) instead of in ($1)",
    ],
    ["select %s", [1], "placeholders are $1, $2, ..., not %s"],
    ["select %(name)s", [1], "placeholders are $1, $2, ..., not %(name)s"],
    ["select 1 where 1 = ?", [1], "placeholders are $1, $2, ..., not ?"],
    ["select :name", [1], "placeholders are $1, $2, ..., not :name"],
    ["select 1", [1], "the statement has 0 parameters, but 1 value was given"],
    ["select '%s'::text", [1], "the statement has 0 parameters, but 1 value was given"],
  ])("%s with %j", async (text, values, message) => {
    await using conn = await connect();
    for (const run of [
      () => conn.query(text, values),
      () => conn.query(text, values),
      () => conn.query(text, values, { prepare: true }),
    ]) {
      const error = await failureOf(run);
      expect(error).toBeInstanceOf(ProgrammingError);
      expect(error.message).toContain(message);
    }
    await expectUsable(conn);
  });

  test("an array where none is expected has no such hint elsewhere", async () => {
    await using conn = await connect();
    const error = await failureOf(() => conn.query("select $1::int", [[1]]));
    expect(error.message).toMatch(/^parameter \$1 \(int4\): (?!.*any)/);
  });

  test("what to connect to", async () => {
    const to = Connection.connect as (...given: unknown[]) => Promise<AsyncConnection>;
    const dsn = defaultServer().dsn();
    const refused: [given: unknown[], message: string][] = [
      [
        [dsn, { conectTimeout: 5 }],
        '"conectTimeout" in the connection options; did you mean connectTimeout?',
      ],
      [[dsn, { statmentTimeout: 5 }], "did you mean statementTimeout?"],
      [[dsn, { timeout: 5 }], "did you mean connectTimeout?"],
      [[dsn, { connecttimeout: 5 }], "did you mean connect_timeout?"],
      [[dsn, { rowfactory: null }], "did you mean rowFactory?"],
      [[{ connectionString: dsn }], "a connection string is itself the first argument"],
      [[{ uri: dsn }], "a connection string is itself the first argument"],
      [[{ hosst: "x" }], "did you mean host?"],
      [[null], "not null"],
      [[5], "must be a string or a plain object, not a number"],
    ];
    for (const [given, message] of refused) {
      const error = await failureOf(async () => {
        const conn = await to(...given);
        await conn.close();
      });
      expect(error).toBeInstanceOf(ProgrammingError);
      expect(error.message).toContain(message);
      expect(error.message).not.toContain(dsn);
    }
  });

  test("with() looks at its function before it connects", async () => {
    const nowhere = "host=127.0.0.1 port=1";
    const using = Connection.with as (...given: unknown[]) => unknown;
    for (const given of [[nowhere], [nowhere, {}], [nowhere, {}, () => 1]]) {
      const error = await failureOf(() => using.call(Connection, ...given));
      expect(error).toBeInstanceOf(ProgrammingError);
      expect(error.message).toBe("with() takes where to connect to, then a function, then options");
    }
  });

  test("strings in the place of numbers are shown as strings", async () => {
    await using conn = await connect();
    const retry = await failureOf(() => conn.transaction(() => 1, { retry: "5" as never }));
    expect(retry.message).toBe('retry must be a whole number of repetitions, not "5"');
    const cursor = await conn.execute("select 1");
    const size = await failureOf(() => cursor.fetchMany("5" as never));
    expect(size.message).toContain('not "5"');
  });

  test("one row is one row", async () => {
    await using conn = await connect();
    const cursor = await conn.execute("select 1");
    expect((await failureOf(() => cursor.scroll(7))).message).toMatch(/which has 1 row$/);
  });

  if (name === "blocking") {
    test("a signal is refused where nothing could hear it", async () => {
      const signal = AbortSignal.timeout(1000);
      const error = await failureOf(() => connect({ signal } as never));
      expect(error.message).toBe(
        "connecting cannot be stopped by a signal in the blocking shell; use connectTimeout",
      );
    });
  }
});

test("settings of a pool", () => {
  const pool = (options: object): unknown => new ConnectionPool("", { open: false, ...options });
  expect(() => pool({ maxSize: "5" })).toThrow('not "5"');
  expect(() => pool({ timeout: "5" })).toThrow('not "5"');
});
