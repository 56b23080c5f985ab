// Runs statements until the engine has compiled what they go through, collects all garbage while nothing is under
// way, and prints how many functions of ours were compiled, and which of them have lost their code.

import { runInThisContext } from "node:vm";
import type { AsyncConnection, Connection } from "../../../src/index.ts";
import { connect, Connection as Blocking, ConnectionPool } from "../../../src/index.ts";

const [conninfo, shell] = [JSON.parse(process.argv[2] as string), process.argv[3] as string];
const STATEMENT = "select $1::int4 as n";
/** How often each thing is done: most functions are compiled after a thousand calls. */
const TIMES = 4_000;
const AT_ONCE = 500;

async function times(play: () => unknown, count: number = TIMES): Promise<void> {
  for (let i = 0; i < count; i++) await play();
}

async function many(ask: () => Promise<unknown>): Promise<unknown> {
  return await Promise.all(Array.from({ length: AT_ONCE }, ask));
}

async function playAsync(conn: AsyncConnection): Promise<void> {
  await times(() => conn.query(STATEMENT, [1]));
  await times(async () => (await conn.execute(STATEMENT, [1])).fetchOne());
  await times(() => many(() => conn.query(STATEMENT, [1])), TIMES / AT_ONCE);
  await times(() => conn.query(STATEMENT, [1], { prepare: false }));
  await times(() => conn.transaction(() => conn.query(STATEMENT, [1])));
  await times(() => conn.pipeline((p) => many(() => p.query(STATEMENT, [1]))), TIMES / AT_ONCE);
  await times(() => conn.pipeline((p) => p.query(STATEMENT, [1])));
  conn.addNotifyHandler(() => {});
  await conn.execute("listen remembered");
  await times(() => conn.execute("select pg_notify('remembered', $1)", ["x"]));
}

function playBlocking(conn: Connection): void {
  for (let i = 0; i < TIMES; i++) {
    conn.query(STATEMENT, [1]);
    conn.execute(STATEMENT, [1]).fetchOne();
    conn.query(STATEMENT, [1], { prepare: false });
    conn.transaction(() => conn.query(STATEMENT, [1]));
    conn.pipeline((p) => p.query(STATEMENT, [1]));
  }
}

async function playPool(pool: ConnectionPool): Promise<void> {
  await times(() => pool.query(STATEMENT, [1]));
  await times(() => pool.connection((conn) => conn.query(STATEMENT, [1])));
  await times(() => many(async () => pool.putConn(await pool.getConn())), TIMES / AT_ONCE);
}

/** Functions and methods of all modules of the driver that have been loaded. */
function ownFunctions(): Set<() => unknown> {
  const found = new Set<() => unknown>();
  const add = (value: unknown): void => {
    if (typeof value !== "function" || found.has(value as () => unknown)) return;
    found.add(value as () => unknown);
    for (const holder of [value, value.prototype]) {
      const properties = holder ? Object.getOwnPropertyDescriptors(holder) : {};
      for (const { get, set, value: method } of Object.values(properties))
        for (const each of [get, set, method]) add(each);
    }
  };
  for (const [path, module] of Object.entries(require.cache))
    if (/[\\/]src[\\/]/.test(path)) Object.values(module?.exports ?? {}).forEach(add);
  return found;
}

// The engine's own words, which no TypeScript can be written in.
const statusOf = runInThisContext("(f) => %GetOptimizationStatus(f)") as (f: unknown) => number;
const OPTIMIZED = 16;
const isOptimized = (f: unknown): boolean => (statusOf(f) & OPTIMIZED) !== 0;

async function report(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  const compiled = [...ownFunctions()].filter(isOptimized);
  (globalThis as { gc?: () => void }).gc?.();
  const lost = compiled.filter((f) => !isOptimized(f)).map(({ name }) => name);
  console.log(JSON.stringify({ compiled: compiled.length, lost }));
}

async function main(): Promise<void> {
  if (shell === "async") {
    await using conn = await connect(conninfo);
    await playAsync(conn);
    await report();
  } else if (shell === "blocking") {
    using conn = Blocking.connect(conninfo);
    playBlocking(conn);
    await report();
  } else {
    await using pool = new ConnectionPool(conninfo, { minSize: 1, maxSize: 1 });
    await pool.open({ wait: true });
    await playPool(pool);
    await report();
  }
}

void main();
