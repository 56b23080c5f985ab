// Run by series-callers.test.ts with a conninfo as JSON: queries of pipelines that fail, and that nobody looks at.
// Prints of each what the pipeline told, and what was an unhandled rejection.

import { AsyncConnection } from "../../../src/index.ts";

const unhandled: string[] = [];
process.on("unhandledRejection", (error: Error) => unhandled.push(error.message));

const conninfo = JSON.parse(process.argv[2] ?? "{}") as Record<string, string | number>;

const CASES = {
  failed: (conn) => conn.query("select 1/0"),
  "failed, prepared": (conn) => conn.query("select 1/$1::int", [0]),
  refused: (conn) => conn.query("select $1::int", [undefined]),
  unreadable: (conn) => conn.query("select 9007199254740993::int8 as n"),
  "unreadable, prepared": (conn) => conn.query("select $1::int8 as n", ["9007199254740993"]),
} satisfies Record<string, (conn: AsyncConnection) => Promise<unknown>>;

async function main(): Promise<void> {
  const heard: Record<string, unknown> = {};
  for (const [name, query] of Object.entries(CASES)) {
    const conn = await AsyncConnection.connect(conninfo, { int8: "number" });
    await conn.query("select 1/$1::int", [1], { prepare: true });
    await conn.query("select $1::int8 as n", [1], { prepare: true });
    const told = await conn
      .pipeline(() => void query(conn))
      .then(
        () => null,
        ({ message }: Error) => message,
      );
    await conn.close();
    for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate);
    heard[name] = { told, unhandled: unhandled.splice(0) };
  }
  console.log(JSON.stringify(heard));
}

void main();
