// Run by waits.test.ts with a conninfo as JSON: a connection whose replies have been quick waits in the system, and
// all of its waits end nevertheless. Prints what became of them.

import { spawn } from "node:child_process";
import { setTimeout as after } from "node:timers/promises";
import { Connection } from "../../../src/index.ts";

const target = JSON.parse(process.argv[2] ?? "{}") as Record<string, string>;
let signals = 0;
process.on("SIGURG", () => signals++);

/** A connection that has had so many quick replies that it reads for itself. */
function quick(): Connection {
  const conn = Connection.connect(target, { cancelTimeout: 300 });
  for (let i = 0; i < 200; i++) conn.query("select $1::int4 as n", [i]);
  return conn;
}

/** What a call throws, and whether it took about as long as it may. */
function endOf(call: () => unknown): { name: string; inTime: boolean } {
  const began = performance.now();
  let name = "nothing";
  try {
    call();
  } catch (error) {
    ({ name } = error as Error);
  }
  const took = performance.now() - began;
  return { name, inTime: took > 190 && took < 2_000 };
}

/** A statement of a server that has fallen silent. */
function silent(conn: Connection): { name: string; inTime: boolean } {
  const { backendPid } = conn.info;
  process.kill(backendPid, "SIGSTOP");
  try {
    return endOf(() => conn.query("select 1", [], { timeout: 200 }));
  } finally {
    process.kill(backendPid, "SIGCONT");
  }
}

async function main(): Promise<void> {
  const other = Connection.connect(target);
  const said: Record<string, unknown> = {};

  const slow = quick();
  said.slow = slow.query("select 1 as n from pg_sleep(0.2)");
  await after(50);
  said.interrupted = signals > 0;
  said.cancelled = endOf(() => slow.query("select pg_sleep(60)", [], { timeout: 200 })).name;

  const large = quick();
  const text = "x".repeat(8_000_000);
  said.large = large.query("select $1::text as text", [text])[0]?.text === text;

  said.silent = silent(quick());

  // Without a limit: it speaks again, because another process has it.
  const stopped = quick();
  const { backendPid } = stopped.info;
  process.kill(backendPid, "SIGSTOP");
  spawn("sh", ["-c", `sleep 0.5; kill -CONT ${backendPid}`]);
  said.again = endOf(() => stopped.query("select 1")).inTime;

  const unhandled = quick();
  process.removeAllListeners("SIGURG");
  said.unhandled = silent(unhandled);

  const ended = quick();
  said.open = ended.closed;
  ended.query("select 1");
  other.query("select pg_terminate_backend($1, 5000)", [ended.info.backendPid]);
  said.closed = ended.closed;

  const listener = quick();
  listener.execute("listen waits");
  for (let i = 0; i < 50; i++) listener.query("select 1");
  other.execute("notify waits");
  said.notified = [...listener.notifies({ timeout: 2_000, stopAfter: 1 })].length;

  const copier = quick();
  copier.execute("create temporary table items (n int4)");
  copier.transaction(() => {
    const cur = copier.cursor();
    cur.copy("copy items from stdin", (copy) => {
      for (let i = 0; i < 200_000; i++) copy.writeRow([i]);
    });
  });
  said.copied = copier.query("select count(*)::int4 as n from items");
  for (const conn of [slow, large, stopped, listener, copier, other]) conn.close();
  console.log(JSON.stringify(said));
}

void main();
