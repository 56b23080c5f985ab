// Column names are data: no name becomes code, and none reaches a prototype. See column-names.ts.

import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { tupleRow } from "../../src/index.ts";
import { runProgram } from "../support/programs.ts";
import { shells } from "../support/shells.ts";
import { hostileNames, readHostileNames } from "./column-names.ts";

describe.each(shells)("$name shell", ({ connect }) => {
  test("names that are traps", async () => {
    await using conn = await connect();
    await readHostileNames(conn);
  });

  test("the names of a table's columns, which the server cuts at 63 bytes", async () => {
    await using conn = await connect();
    const names = [...new Set(hostileNames)];
    const columns = names.map(
      (name, index) => `"${name.replaceAll('"', '""')}" int default ${index}`,
    );
    await conn.execute(`create temp table t (${columns.join()})`);
    await conn.execute("insert into t default values");
    const [row] = await conn.query("select * from t where $1::int = 1", [1]);
    expect(Object.getOwnPropertyNames(row).toSorted()).toEqual(names.toSorted());
    const [tuple] = await conn.query("select * from t", [], { rowFactory: tupleRow });
    expect(tuple).toEqual([...names.keys()]);
  });

  test("names of an object's members in json are data, too", async () => {
    await using conn = await connect();
    for (const count of [1, 500]) {
      const rows = await conn.query(
        `select '{"__proto__": {"polluted": 1}, "constructor": 2}'::jsonb as j
           from generate_series(1, $1::int)`,
        [count],
      );
      const value = rows.at(-1)?.["j"] as object;
      expect(Object.getOwnPropertyNames(value).toSorted()).toEqual(["__proto__", "constructor"]);
      expect("polluted" in value).toBe(false);
    }
  });
});

test("where no code can be made from strings, the rows are the same", () => {
  const { status, stdout, stderr } = runProgram(
    join(__dirname, "programs", "without-code-generation.ts"),
    { flags: ["--disallow-code-generation-from-strings"], timeout: 30_000 },
  );
  expect([stderr, stdout.trim().split("\n"), status]).toEqual([
    "",
    ["AsyncConnection: done", "Connection: done"],
    0,
  ]);
});
