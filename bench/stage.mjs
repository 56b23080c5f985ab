// Everything a measurement needs before it begins: the server with its tables, and one process per
// contender, connected and idle.

import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { startServer } from "./server.mjs";
import { setup } from "./workloads.mjs";

const program = fileURLToPath(new URL("child.mjs", import.meta.url));

/** A contender's process; `ask` resolves with the answer to a command of child.mjs. */
async function startContender(file, target) {
  const execArgv = ["--expose-gc", "--no-deprecation"];
  const child = fork(program, [file, JSON.stringify(target)], { execArgv });
  // First of all at the end: a client whose server goes away first has a lot to say about it.
  process.prependOnceListener("exit", () => child.kill("SIGKILL"));
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
    return { ...(await ask("connect")), pid: child.pid, ask, stop };
  } catch (error) {
    stop();
    console.log(`${file} skipped: ${error.message}`);
    return undefined;
  }
}

/** Starts server and contenders; `files` name modules of contenders/. */
export async function openStage(files) {
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(130));
  const server = await startServer();
  const target = { host: server.host, port: server.port, user: "postgres", database: "postgres" };
  const admin = new pg.Client(target);
  await admin.connect();
  for (const statement of setup) await admin.query(statement);
  await admin.end();
  const started = [];
  for (const file of files) started.push(await startContender(file, target));
  const contenders = started.filter((contender) => contender !== undefined);
  const close = async () => {
    for (const { ask, stop } of contenders) {
      await ask("close").catch(() => {});
      stop();
    }
    await server.stop();
  };
  return { server, contenders, close };
}
