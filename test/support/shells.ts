// Both shells in one table, so that one test body runs in both: `describe.each(shells)(...)`. A
// blocking connection is given out under the asynchronous one's type, because `await` of a plain
// value, `for await` over a plain iterable and `await using` of something plainly disposable all
// work. Only what throws needs `failureOf`, as a blocking call throws before there is a promise.
//
// A file that imports this also fails when a server session of its connections outlives its tests.
// Unhandled rejections need no help from here: jest fails the test in which one happens.

import { setTimeout as sleep } from "node:timers/promises";
import { runInThisContext } from "node:vm";
import { afterAll, expect } from "@jest/globals";
import {
  type AsyncConnectOptions,
  AsyncConnection,
  Connection,
  type DictRow,
  dictRow,
  type MahoutError,
  type TransactionStatus,
} from "../../src/index.ts";
import type { Conninfo } from "./address.ts";
import { defaultServer } from "./default-server.ts";
import { pipelined } from "./pipelined.ts";

/** One shell, behind the face of the asynchronous one. */
export interface Shell {
  readonly name: "async" | "blocking";
  /** The class of its connections. */
  readonly Connection: typeof AsyncConnection;
  /** Connects to the shared server; the options may hold libpq's keywords and win. */
  connect<Row = DictRow>(options?: AsyncConnectOptions<Row>): Promise<AsyncConnection<Row>>;
}

/** A blocking class under the asynchronous one's type. */
const blockingConnection = Connection as unknown as typeof AsyncConnection;

/** The shells, to be given to `describe.each`. */
export const shells: readonly Shell[] = [
  shellOf("async", AsyncConnection),
  shellOf("blocking", blockingConnection),
];

/** Whether connections are in a pipeline as soon as they are made; see `pipelined.ts`. */
let isPipelineOn = false;

/** Has all connections of {@link shells} be in a pipeline, from here on. */
export function turnPipelineOn(): void {
  isPipelineOn = true;
}

/** How long a fact may take to come true, in milliseconds. */
const PATIENCE = 10_000;

const pids = new Set<number>();

function shellOf(name: Shell["name"], kind: typeof AsyncConnection): Shell {
  return {
    name,
    Connection: kind,
    connect: async (options) => {
      const conn = await kind.connect(defaultServer().conninfo(), options);
      pids.add(conn.info.backendPid);
      return isPipelineOn ? await pipelined(conn) : conn;
    },
  };
}

afterAll(async () => {
  if (pids.size === 0) return;
  const text = `select pid, query from pg_stat_activity where pid = any('{${[...pids].join()}}')`;
  let left: unknown[] = [];
  try {
    await eventually(async () => (left = await administer(text)).length === 0);
  } catch {
    throw new Error(`sessions were left on the server: ${JSON.stringify(left)}`);
  }
});

/**
 * What `run` throws, or what the promise that it returns is rejected with.
 *
 * @throws Error when it does neither.
 */
export async function failureOf(run: () => unknown): Promise<MahoutError> {
  try {
    await run();
  } catch (error) {
    return error as MahoutError;
  }
  throw new Error("nothing was thrown");
}

/** Waits until the fact is true, looking every few milliseconds; throws when that takes too long. */
export async function eventually(fact: () => unknown): Promise<void> {
  const deadline = Date.now() + PATIENCE;
  while (!(await fact())) {
    if (Date.now() > deadline) throw new Error(`this never came true: ${fact.toString()}`);
    await sleep(5);
  }
}

/** Runs SQL on the shared server, through a connection that is none of the driver's. */
export async function administer(text: string, overrides: Conninfo = {}): Promise<string[][]> {
  const { dbname } = defaultServer().conninfo(overrides);
  return (await defaultServer().administer(text, String(dbname))) as string[][];
}

/** Waits until the server runs something for the connection. */
export async function running(conn: AsyncConnection<unknown>): Promise<void> {
  const text = `select state from pg_stat_activity where pid = ${conn.info.backendPid}`;
  await eventually(async () => (await administer(text))[0]?.[0] === "active");
}

/** Expects a connection that is open, in this state, and gives right answers in both protocols. */
export async function expectUsable(
  conn: AsyncConnection<unknown>,
  status: TransactionStatus = "idle",
): Promise<void> {
  expect([conn.closed, conn.broken, conn.info.transactionStatus]).toEqual([false, false, status]);
  if (status === "inError") return;
  const options = { rowFactory: dictRow };
  expect(await conn.query("select $1::int as n", [1], options)).toEqual([{ n: 1 }]);
  expect(await conn.query("select 2 as n", [], options)).toEqual([{ n: 2 }]);
}

/** Ends a session from outside, and waits until the server has forgotten it. */
export async function terminate(pid: number): Promise<void> {
  await administer(`select pg_terminate_backend(${pid})`);
  const text = `select 1 from pg_stat_activity where pid = ${pid}`;
  await eventually(async () => (await administer(text)).length === 0);
}

/**
 * Has the server itself call `action` as soon as session `pid` runs a statement with `word` in it:
 * for a session whose thread will be blocked by then. The result settles when that has happened.
 */
export async function onceRunning(
  pid: number,
  word: string,
  action: "pg_terminate_backend" | "pg_cancel_backend",
): Promise<{ done: Promise<unknown> }> {
  const agent = await AsyncConnection.connect(defaultServer().conninfo());
  const act = async (): Promise<void> => {
    try {
      await agent.execute(
        `do $$ begin
           while not exists (select from pg_stat_activity
               where pid = ${pid} and state = 'active' and query like '%${word}%') loop
             perform pg_sleep(0.002), pg_stat_clear_snapshot();
           end loop;
           perform ${action}(${pid});
         end $$`,
        [],
        { timeout: PATIENCE },
      );
    } finally {
      over = true;
      await agent.close();
    }
  };
  let over = false;
  const done = act();
  // Whoever never gets to see that it failed shall not make it an unhandled rejection, too.
  done.catch(() => {});
  const { backendPid } = agent.info;
  const text = `select 1 from pg_stat_activity where pid = ${backendPid} and state = 'active'`;
  await eventually(async () => over || (await administer(text)).length === 1);
  return { done };
}

/** The process as Node made it: jest gives tests a copy, which has no events. */
const realProcess = runInThisContext("process") as NodeJS.Process;

/** Collects the warnings of the process, instead of printing them, while `run` runs. */
export async function warningsOf(run: () => unknown): Promise<Error[]> {
  const warnings: Error[] = [];
  const others = realProcess.listeners("warning");
  realProcess.removeAllListeners("warning");
  realProcess.on("warning", (warning) => void warnings.push(warning));
  try {
    await run();
    // A warning is an event of the next tick.
    await new Promise(setImmediate);
  } finally {
    realProcess.removeAllListeners("warning");
    for (const other of others) realProcess.on("warning", other);
  }
  return warnings;
}
