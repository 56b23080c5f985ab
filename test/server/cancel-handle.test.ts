// Cancelling the statement of a blocking connection from another thread, and from a signal of the terminal.
import { once } from "node:events";
import { inspect } from "node:util";
import { Worker } from "node:worker_threads";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type CancelHandle, Connection } from "../../src/index.ts";
import { root, runNode } from "../package/install.ts";
import { defaultServer } from "../support/default-server.ts";
import { administer, eventually, failureOf } from "../support/shells.ts";

beforeAll(() => {
  runNode([join(root, "scripts/build.js")], root);
}, 60_000);

/**
 * A thread that cancels what the connection of the handle runs, once for each time that it is asked to: some
 * milliseconds after the server has begun with it, whenever that is.
 */
class Canceller {
  readonly #asked = new Int32Array(new SharedArrayBuffer(4));
  readonly #worker: Worker;

  constructor(handle: CancelHandle) {
    this.#worker = new Worker(
      `const { connect, requestCancel } = require(${JSON.stringify(join(root, "dist/index.js"))});
       const { workerData: { asked, handle, server } } = require("node:worker_threads");
       const nap = (time) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, time);
       const text = "select 1 from pg_stat_activity where pid = $1 and state = 'active'";
       (async () => {
         const watcher = await connect(server);
         for (let round = 0; ; round++) {
           Atomics.wait(asked, 0, round);
           if (Atomics.load(asked, 0) < 0) return watcher.close();
           while ((await watcher.query(text, [handle.backendPid])).length === 0) nap(1);
           nap((round * 7) % 11);
           await requestCancel(handle);
         }
       })();`,
      { eval: true, workerData: { handle, asked: this.#asked, server: defaultServer().dsn() } },
    );
  }

  /** Has a request made for the next statement. */
  ask(): void {
    Atomics.add(this.#asked, 0, 1);
    Atomics.notify(this.#asked, 0);
  }

  async stop(): Promise<void> {
    Atomics.store(this.#asked, 0, -1);
    Atomics.notify(this.#asked, 0);
    await once(this.#worker, "exit");
  }
}

describe("a blocking connection's handle", () => {
  let conn: Connection;
  beforeAll(() => {
    conn = Connection.connect(defaultServer().conninfo());
  });
  afterAll(() => conn.close());

  test("cancels what another thread runs, and nothing that begins after the request", async () => {
    const canceller = new Canceller(conn.cancelHandle());
    for (let round = 0; round < 100; round++) {
      canceller.ask();
      const aimed = await failureOf(() => conn.execute("select pg_sleep(20)"));
      expect([aimed.sqlstate, aimed.outcome]).toEqual(["57014", "cancelled"]);
      for (let next = 0; next < 3; next++) {
        expect(conn.query("select $1::int as n", [next])).toEqual([{ n: next }]);
      }
    }
    await canceller.stop();
  }, 30_000);

  test("shows no secrets", () => {
    const own = Connection.connect({ ...defaultServer().conninfo(), password: "s3cret" });
    const handle = own.cancelHandle();
    const key = Buffer.from(handle.key ?? []).toString("hex");
    expect(JSON.stringify(handle)).toBe(JSON.stringify({ backendPid: own.info.backendPid }));
    expect(inspect(handle, { depth: 9 })).not.toContain(key.slice(0, 8));
    expect(JSON.stringify(structuredClone(handle))).not.toContain("s3cret");
    own.close();
  });
});

test("Ctrl-C leaves no statement running for long, with client_connection_check_interval", async () => {
  const dsn = defaultServer().dsn({ options: "-c client_connection_check_interval=200" });
  const program = `
    const { Connection } = require(${JSON.stringify(join(root, "dist/index.js"))});
    Connection.connect(${JSON.stringify(dsn)}).execute("select pg_sleep(60) /* interrupted */");`;
  const child = spawn(process.execPath, ["-e", program], { stdio: "ignore" });
  const active = async (): Promise<number> =>
    (
      await administer(
        "select 1 from pg_stat_activity where state = 'active' and query like '%interrupted */' and pid <> pg_backend_pid()",
      )
    ).length;
  await eventually(async () => (await active()) === 1);
  child.kill("SIGINT");
  await once(child, "exit");
  await eventually(async () => (await active()) === 0);
}, 30_000);
