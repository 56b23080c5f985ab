// Run by pool-process.test.ts with a conninfo as JSON and the name of a scene: what a pool does to its
// process. Whatever else is heard of it ends the process with a status that tells.

import { BlockingConnectionPool, ConnectionPool, NullConnectionPool } from "../../../src/index.ts";

for (const event of ["unhandledRejection", "uncaughtException", "warning"] as const) {
  process.on(event, (what: unknown) => {
    console.log(event, what);
    process.exit(4);
  });
}

const conninfo = JSON.parse(process.argv[2] ?? "{}") as Record<string, string | number>;
const settled = (promise: Promise<unknown>): Promise<unknown> => promise.catch(() => {});

/** How many bytes are in use when nothing is left to collect. */
async function heapUsed(): Promise<number> {
  for (let i = 0; i < 5; i++) {
    await new Promise(setImmediate);
    (globalThis as unknown as { gc: () => void }).gc();
  }
  return process.memoryUsage().heapUsed;
}

async function checkouts(pool: ConnectionPool, count: number): Promise<void> {
  for (let i = 0; i < count; i += 100) {
    const users = Array.from({ length: 50 }, () => pool.connection(() => i));
    const borrowers = Array.from({ length: 50 }, async () => {
      await using _conn = await pool.connection();
    });
    await Promise.all([...users, ...borrowers]);
  }
}

const scenes: Record<string, () => Promise<void>> = {
  /** Everything fails, and everything is closed. */
  async closed() {
    const pool = new ConnectionPool(conninfo, { minSize: 2, maxSize: 2, leakDetection: 10_000 });
    await Promise.all([pool.getConn(), pool.getConn()]);
    const waiting = settled(pool.getConn());
    const late = settled(pool.getConn({ timeout: 5 }));
    await late;
    await pool.close(10);
    await waiting;
    const refused = new ConnectionPool({ host: "127.0.0.1", port: 1, user: "x" }, { minSize: 2 });
    await settled(refused.getConn({ timeout: 100 }));
    void refused.open();
    const wrong = new ConnectionPool("nonsense=1");
    await settled(wrong.wait());
    await refused.close();
    const nothing = new NullConnectionPool(conninfo);
    await nothing.query("select 1");
    await nothing.close();
    using blocking = new BlockingConnectionPool(conninfo);
    blocking.query("select 1");
  },
  /** A pool that can't connect and is forgotten keeps no process alive. */
  async forgotten() {
    const refused = new ConnectionPool({ host: "127.0.0.1", port: 1, user: "x" }, { minSize: 2 });
    await settled(refused.getConn({ timeout: 100 }));
    const unused = new ConnectionPool(conninfo);
    void unused.name;
  },
  /** A million loans leave nothing behind. */
  async loans() {
    const pool = new ConnectionPool(conninfo, { minSize: 4, maxSize: 4 });
    await checkouts(pool, 100_000);
    const before = await heapUsed();
    await checkouts(pool, 1_000_000);
    const grown = (await heapUsed()) - before;
    if (grown > 1_000_000) throw new Error(`the heap has grown by ${grown} bytes`);
    await pool.close();
  },
};

void scenes[process.argv[3] ?? ""]!().then(() => console.log("done"));
