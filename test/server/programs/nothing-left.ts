// Run by nothing-left.test.ts with a conninfo as JSON: everything that can go wrong, each failure caught by the
// one who called. Whatever else is heard of it ends the process with a status that tells; so does, by its
// absence of an end, whatever is left behind.

import { AsyncConnection, Connection } from "../../../src/index.ts";

type Call = () => unknown;

for (const event of ["unhandledRejection", "uncaughtException", "warning"] as const) {
  process.on(event, (what: unknown) => {
    console.log(event, what);
    process.exit(event === "warning" ? 5 : 4);
  });
}

const conninfo = JSON.parse(process.argv[2] ?? "{}") as Record<string, string | number>;

/** Fails with `sqlstate`, or with any error. */
async function fails(call: Call, sqlstate?: string): Promise<void> {
  let error: { sqlstate?: string | null } | undefined;
  try {
    await call();
  } catch (thrown) {
    error = thrown as object;
  }
  if (error === undefined) throw new Error(`this did not fail: ${call.toString()}`);
  if (sqlstate !== undefined && error.sqlstate !== sqlstate) throw error;
}

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate);
};

async function bothShells(kind: typeof AsyncConnection): Promise<void> {
  const conn = await kind.connect(conninfo);
  await fails(() => conn.query("select 1/0"), "22012");
  await fails(() => conn.query("select $1::int", ["x"]), "22P02");
  await fails(() => conn.query("select $1::int", [undefined]));
  await fails(() => conn.query("copy (select 1) to stdout"));
  await fails(() => conn.query("select pg_sleep(60)", [], { timeout: 20 }), "57014");
  await turns();
  const cur = await conn.execute("select 1");
  await cur.close();
  await fails(() => cur.fetchOne());
  await conn.close();
  await fails(() => conn.query("select 1"));
  const broken = await kind.connect(conninfo);
  const { disconnected } = broken;
  await fails(() => broken.query("select pg_terminate_backend(pg_backend_pid())"), "57P01");
  await fails(() => broken.query("select 1"));
  if (!disconnected.aborted) throw new Error("nobody was told of the end");
  await turns();
  await fails(() => kind.connect({ ...conninfo, dbname: "there is none" }), "3D000");
  await fails(() => kind.connect({ ...conninfo, port: 1 }));
  await turns();
}

async function manyAtOnce(): Promise<void> {
  const conn = await AsyncConnection.connect(conninfo);
  const controller = new AbortController();
  const { signal } = controller;
  const calls = [
    fails(() => conn.query("select pg_sleep(60)", [], { signal }), "57014"),
    fails(() => conn.query("select pg_sleep(60)", [], { timeout: 5 }), "57014"),
    fails(() => conn.query("select 1/0"), "22012"),
    fails(() => conn.query("select $1::int", [undefined])),
  ];
  await turns();
  controller.abort();
  await Promise.all(calls);
  await turns();
  // Nobody asks what becomes of these before they have failed.
  const lost = [
    conn.query("select pg_sleep(0.2)"),
    conn.query("select 2", [], { timeout: 60_000 }),
  ];
  const outcomes = Promise.allSettled(lost);
  await turns();
  await conn.close();
  if ((await outcomes).some(({ status }) => status === "fulfilled")) throw new Error("it went on");
  await fails(() => AsyncConnection.connect(conninfo, { signal: AbortSignal.abort() }));
  await fails(() => AsyncConnection.connect(conninfo, { connectTimeout: 0 }));
  await turns();
}

async function main(): Promise<void> {
  await bothShells(AsyncConnection);
  await bothShells(Connection as unknown as typeof AsyncConnection);
  await manyAtOnce();
  // A blocking connection that nobody closes doesn't keep the process alive.
  Connection.connect(conninfo).query("select 1");
  console.log("done");
}

main().catch((error: unknown) => {
  console.log("failed", error);
  process.exitCode = 3;
});
