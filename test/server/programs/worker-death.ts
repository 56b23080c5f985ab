// Run by worker-death.test.ts with a conninfo as JSON: the worker that owns a blocking connection's socket dies,
// and a file gets the descriptor that the socket had. Prints what the connection says, and what is in the file.

import { closeSync, openSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

const require = createRequire(__filename);
const threads = require("node:worker_threads") as {
  Worker: typeof import("node:worker_threads").Worker;
};

const started: InstanceType<typeof threads.Worker>[] = [];
threads.Worker = class extends threads.Worker {
  constructor(...given: ConstructorParameters<typeof import("node:worker_threads").Worker>) {
    super(...given);
    started.push(this);
  }
};
// After the class above has taken its place.
const { Connection } = require("../../../src/index.ts") as typeof import("../../../src/index.ts");

async function main(): Promise<void> {
  const conn = Connection.connect(JSON.parse(process.argv[2] ?? "{}") as Record<string, string>);
  const descriptor = conn.fileno();
  await started[0]?.terminate();
  const file = join(tmpdir(), `mahout-worker-death-${process.pid}`);
  const opened: number[] = [];
  while (!opened.includes(descriptor) && opened.length < 64) opened.push(openSync(file, "a+"));
  let message = "nothing was thrown";
  try {
    conn.query("select 'written to whoever has the descriptor now'");
  } catch (error) {
    ({ message } = error as Error);
  }
  const { closed, broken } = conn;
  const content = readFileSync(file, "utf8");
  for (const one of opened) closeSync(one);
  const again = Connection.connect(JSON.parse(process.argv[2] ?? "{}") as Record<string, string>);
  const rows = again.query("select 1 as n");
  again.close();
  console.log(
    JSON.stringify({ reused: opened.includes(descriptor), closed, broken, message, content, rows }),
  );
}

void main();
