// Everything a measurement needs before it begins: the server with its tables, and one process per
// contender, connected and idle.

import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { findBun } from "./find-bun.mjs";
import { startServer } from "./server.mjs";
import { setup } from "./workloads.mjs";

/** Flags of Node's for some contenders. */
const ownFlags = { "mahout-roomy": ["--max-semi-space-size=128"] };

const children = new Set();
// First of all at the end: a client whose server goes away first has a lot to say about it.
const killAll = () => {
  for (const child of children) child.kill("SIGKILL");
};

/** A process of ours, which ends with this one at the latest. */
function forked(file, args = [], options = {}) {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), args, options);
  children.add(child);
  child.once("exit", () => children.delete(child));
  return child;
}

/** A contender's process; `ask` resolves with the answer to a command of child.mjs. */
async function startContender(file, target, flags) {
  const execArgv = ["--expose-gc", "--no-deprecation", ...(ownFlags[file] ?? []), ...flags];
  const execPath = file === "bun" ? findBun().program : process.execPath;
  const child = forked("child.mjs", [file, JSON.stringify(target)], { execArgv, execPath });
  let settle;
  child.on("message", (reply) => settle(reply));
  child.once("exit", () => settle?.({ error: "its process ended" }));
  const ask = async (command, request) => {
    const reply = new Promise((resolve) => (settle = resolve));
    if (child.connected) child.send({ command, ...request });
    else settle({ error: "its process ended" });
    const { answer, error } = await reply;
    if (error !== undefined) throw new Error(error);
    return answer;
  };
  const stop = () => child.connected && child.disconnect();
  try {
    return { ...(await ask("connect")), file, pid: child.pid, ask, stop };
  } catch (error) {
    stop();
    console.log(`${file} skipped: ${error.message}`);
    return undefined;
  }
}

/** Starts the server of notifications; gives its port and the way to stop it. */
async function startReplay() {
  const child = forked("replay.mjs");
  const port = await new Promise((resolve) => child.once("message", resolve));
  return { port, stop: () => child.disconnect() };
}

/** Lets contenders leave, and their processes end. */
export async function stopAll(contenders) {
  for (const { ask, stop } of contenders) {
    await ask("close").catch(() => {});
    stop();
  }
}

/**
 * Starts server and contenders, and gives the way to start more; `files` name modules of contenders/, `flags` are more
 * of Node's for their processes.
 */
export async function openStage(files, flags = []) {
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(130));
  const server = await startServer();
  // A client that prefers encryption would have it wherever it is offered.
  const encrypted = await startServer({ isEncrypted: true });
  process.prependOnceListener("exit", killAll);
  const replay = await startReplay();
  const address = { host: server.host, port: server.port };
  const target = { ...address, user: "postgres", database: "postgres" };
  const detours = {
    encrypted: { host: encrypted.host, port: encrypted.port, ca: encrypted.ca },
    ...(server.socketFolder === undefined ? {} : { socket: { host: server.socketFolder } }),
  };
  const admin = new pg.Client(target);
  await admin.connect();
  const run = async (statements = []) => {
    for (const statement of statements) await admin.query(statement);
  };
  await run(setup);
  const other = new pg.Client({ ...target, port: encrypted.port });
  await other.connect();
  for (const statement of setup) await other.query(statement);
  await other.end();
  const start = async (names) => {
    const started = [];
    for (const name of names)
      started.push(
        await startContender(name, { ...target, ...detours, replayPort: replay.port }, flags),
      );
    return started.filter((contender) => contender !== undefined);
  };
  const contenders = await start(files);
  const close = async () => {
    await stopAll(contenders);
    await admin.end();
    replay.stop();
    await server.stop();
    await encrypted.stop();
  };
  /** Has the server run SQL: statements without results, or one that gives a row. */
  const sql = { run, row: async (text) => (await admin.query(text)).rows[0] };
  const serverPids = [server.pid, encrypted.pid];
  return { server, serverPids, contenders, start, sql, close };
}
