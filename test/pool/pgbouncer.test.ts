// A pool in front of PgBouncer in transaction mode, where a session of the server may be another one with
// each transaction. Skipped, with a line, where there is no pgbouncer: Debian and others have a package;
// MAHOUT_PGBOUNCER names a program that is not on the search path.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { ConnectionPool, NullConnectionPool, registerTypes, TypeInfo } from "../../src/index.ts";
import { giveToServer, serverAccount } from "../support/account.ts";
import { defaultServer } from "../support/default-server.ts";
import { findFreePort, LOOPBACK } from "../support/ports.ts";
import { eventually, expectUsable } from "../support/shells.ts";

const program = process.env["MAHOUT_PGBOUNCER"] ?? "pgbouncer";
const found = spawnSync(program, ["--version"], { encoding: "utf8" }).status === 0;
if (!found) process.stderr.write("skipped: there is no pgbouncer; its package is called so\n");

(found ? describe : describe.skip)("behind PgBouncer in transaction mode", () => {
  let folder: string;
  let bouncer: ChildProcess;
  let port: number;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "mahout-pgbouncer-"));
    chmodSync(folder, 0o755);
    port = await findFreePort();
    const { host, port: serverPort } = defaultServer();
    const { user } = defaultServer().conninfo();
    writeFileSync(join(folder, "users.txt"), `"${String(user)}" ""\n`);
    writeFileSync(
      join(folder, "pgbouncer.ini"),
      `[databases]
* = host=${host} port=${serverPort}
[pgbouncer]
listen_addr = ${LOOPBACK}
listen_port = ${port}
unix_socket_dir =
auth_type = trust
auth_file = ${folder}/users.txt
pool_mode = transaction
default_pool_size = 3
ignore_startup_parameters = extra_float_digits,options
`,
    );
    for (const name of ["users.txt", "pgbouncer.ini"]) giveToServer(join(folder, name));
    bouncer = spawn(program, ["-q", join(folder, "pgbouncer.ini")], {
      ...serverAccount,
      stdio: "ignore",
    });
    await eventually(() => listens(port));
  });

  afterAll(async () => {
    const gone = new Promise((resolve) => bouncer.once("exit", resolve));
    bouncer.kill("SIGKILL");
    await gone;
    rmSync(folder, { recursive: true, force: true });
  });

  const conninfo = (): ReturnType<ReturnType<typeof defaultServer>["conninfo"]> =>
    defaultServer().conninfo({ host: LOOPBACK, port });

  test.each([
    ["a pool", ConnectionPool],
    ["a pool that keeps nothing", NullConnectionPool],
  ])("%s serves 200 users with statements and transactions", async (_what, Pool) => {
    const pool = new Pool(conninfo(), {
      maxSize: 10,
      check: ConnectionPool.checkConnection,
      connect: { prepareThreshold: null },
    });
    const user = (n: number): Promise<unknown> =>
      pool.connection(async (conn) => {
        if (n % 2 === 0) return (await conn.query<{ n: number }>("select $1::int as n", [n]))[0]?.n;
        return await conn.transaction(async () => {
          await conn.execute("select set_config('mahout.n', $1, true)", [String(n)]);
          const [row] = await conn.query<{ n: number }>(
            "select current_setting('mahout.n')::int as n",
          );
          return row?.n;
        });
      });
    const all = Array.from({ length: 200 }, (_, n) => n);
    expect(await Promise.all(all.map(user))).toEqual(all);
    expect(pool.getStats()).toMatchObject({ returnsBad: 0, checksFailed: 0, connectionsErrors: 0 });
    await pool.connection((conn) => expectUsable(conn));
    await pool.close();
  });

  test("the types of the database are fetched through it", async () => {
    const pool = new ConnectionPool(conninfo(), {
      maxSize: 3,
      connect: { prepareThreshold: null, fetchTypes: true },
    });
    await pool.execute(
      "drop schema if exists bounced cascade; create schema bounced; create type bounced.mood as enum ('ok')",
    );
    registerTypes(await TypeInfo.fetchAll(pool), pool);
    pool.drain();
    const text = "select array[$1::bounced.mood] as moods";
    const rows = await Promise.all(["ok", "ok", "ok"].map((mood) => pool.query(text, [mood])));
    expect(rows).toEqual(Array.from({ length: 3 }, () => [{ moods: ["ok"] }]));
    await pool.execute("drop schema bounced cascade");
    await pool.close();
  });

  test("what is left open is rolled back there as well", async () => {
    const pool = new ConnectionPool(conninfo(), {
      maxSize: 1,
      reset: "rollback",
      connect: { prepareThreshold: null },
    });
    const conn = await pool.getConn();
    await conn.execute("begin; select 1");
    await pool.putConn(conn);
    await pool.connection((next) => expectUsable(next));
    expect(pool.getStats()).toMatchObject({ returnsInTransaction: 1, returnsBad: 0 });
    await pool.close();
  });
});

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, LOOPBACK);
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", () => end(true)).once("error", () => end(false));
  });
}
