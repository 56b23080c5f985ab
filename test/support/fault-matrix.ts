// One cell of the fault matrix: an operation, in a state, under a fault. Whatever happens, it ends in
// time and with an error of ours, the error says truthfully whether there was an effect, and the
// connection says truthfully whether it can be used; nothing is left behind.

import { inspect } from "node:util";
import { expect } from "@jest/globals";
import { type AsyncConnection, MahoutError } from "../../src/index.ts";
import type { Conninfo, ServerAddress } from "./address.ts";
import { FaultProxy } from "./fault-proxy.ts";
import type { FaultRow, StateRow } from "./faults.ts";
import { leftovers, resources } from "./hostile.ts";
import type { Operation } from "./operations.ts";
import { eventually, expectUsable, failureOf, type Shell } from "./shells.ts";

/** A combination. */
export interface Cell {
  readonly shell: Shell;
  readonly operation: Operation;
  readonly state: StateRow;
  readonly fault: FaultRow;
  /** Further keywords for the connection. */
  readonly conninfo?: Conninfo;
}

/** How long anything may take on a busy machine, in milliseconds: far less than for ever. */
const BOUND = 10_000;

/** The limit of what is played: short, because many cells wait for it. What comes before has none of its own. */
const STATEMENT_TIMEOUT = 120;
const LIMITS = { cancelTimeout: 120, connectTimeout: BOUND };

/** A server notices that a client is gone while it runs something only if it is told to look. */
const CONNINFO = { sslmode: "disable", options: "-c client_connection_check_interval=50" };

let serial = 0;

/** A combination in words. */
export function titleOf({ shell, operation, state, fault }: Cell): string {
  return `${shell.name}: ${operation.name}; ${state.name}; ${fault.name}`;
}

/** Every combination that makes sense. */
export function cellsOf(
  shell: Shell,
  operations: readonly Operation[],
  states: readonly StateRow[],
  faults: readonly FaultRow[],
): Cell[] {
  const exists = (row: { shell?: Shell["name"] }): boolean =>
    row.shell === undefined || row.shell === shell.name;
  const cells: Cell[] = [];
  for (const operation of operations.filter(exists)) {
    for (const state of states.filter(exists)) {
      for (const fault of faults) cells.push({ shell, operation, state, fault });
    }
  }
  return cells;
}

/** What an operation came to. */
export interface Outcome {
  readonly error: unknown;
  readonly failed: boolean;
}

export async function bounded<T>(what: string, run: () => T | Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not end`)), BOUND);
  });
  const begin = performance.now();
  try {
    const value = await Promise.race([(async () => await run())(), late]);
    // A blocking call ends before any timer could fire.
    expect(performance.now() - begin).toBeLessThan(BOUND);
    return value;
  } finally {
    clearTimeout(timer);
  }
}

export async function settle(run: () => unknown): Promise<Outcome> {
  try {
    await run();
    return { error: undefined, failed: false };
  } catch (error) {
    return { error, failed: true };
  }
}

/** What every error has to be. */
export function expectTyped(error: unknown): void {
  if (error instanceof MahoutError && error.code.length > 0 && error.message.length > 0) return;
  throw new Error("this is no error of ours", { cause: error });
}

/** Plays one combination; throws what is wrong. */
export async function playCell(cell: Cell, server: ServerAddress, table: string): Promise<void> {
  const { shell, operation, state, fault } = cell;
  const word = `word_${process.pid}_${++serial}`;
  await using proxy = await FaultProxy.start(server);
  const conn = await shell.Connection.connect(
    proxy.conninfo({ ...CONNINFO, ...cell.conninfo }),
    LIMITS,
  );
  const { backendPid } = conn.info;
  try {
    const scene = { conn, word, table };
    const prepared = await bounded("its preparation", () => operation.prepare?.(scene));
    await bounded("entering its state", () => state.enter?.(conn));
    conn.statementTimeout = STATEMENT_TIMEOUT;
    const others = (state.begin?.(conn) ?? []).map(async (call) => settle(() => call));
    await fault.inflict(proxy, word);
    const outcome = await bounded("the operation", () =>
      settle(() => operation.run({ ...scene, prepared })),
    );
    for (const other of [outcome, ...(await bounded("the others", () => Promise.all(others)))]) {
      if (other.failed) expectTyped(other.error);
    }
    await proxy.heal();
    if (fault.ends === true) await eventually(() => conn.closed);
    await expectTruth(conn);
    if (operation.inserts === true) {
      if (conn.closed) await untilGone(server, backendPid);
      await expectEffect(cell, outcome, server, `select 1 from ${table} where word = '${word}'`);
    }
  } finally {
    await bounded("close", () => conn.close());
  }
  expect(conn.closed).toBe(true);
  await proxy.closed();
  await untilGone(server, backendPid);
}

/** Waits until a session is no more: nobody has left one behind. */
async function untilGone(server: ServerAddress, pid: number): Promise<void> {
  const text = `select 1 from pg_stat_activity where pid = ${pid}`;
  await eventually(async () => (await server.administer(text)).length === 0);
}

/** A connection that says it is open can be used; one that says it is not, says why. */
export async function expectTruth(conn: AsyncConnection): Promise<void> {
  if (conn.closed) {
    expect(conn.disconnected.aborted).toBe(conn.broken);
    const refusal = await bounded("a refusal", () => failureOf(() => conn.query("select 1")));
    expectTyped(refusal);
    expect([refusal.code, refusal.outcome]).toEqual(["ERR_MAHOUT_CONNECTION_CLOSED", "not sent"]);
    if (conn.broken) expectTyped(refusal.cause);
    return;
  }
  expect([conn.broken, conn.disconnected.aborted]).toEqual([false, false]);
  // Nothing is wrong any more: whoever calls itself open has no excuse, and any time that it needs.
  const { statementTimeout } = conn;
  conn.statementTimeout = null;
  await bounded("a rollback", async () => {
    if (conn.info.transactionStatus !== "idle") await conn.execute("rollback");
    await expectUsable(conn);
  });
  conn.statementTimeout = statementTimeout;
}

/** What was inserted is what the outcome says. */
async function expectEffect(
  { state }: Cell,
  { error, failed }: Outcome,
  server: ServerAddress,
  text: string,
): Promise<void> {
  const isThere = (await server.administer(text)).length > 0;
  const outcome = failed ? (error as MahoutError).outcome : "completed";
  if (state.inTransaction) expect(isThere).toBe(false);
  else if (outcome === "completed") expect(isThere).toBe(true);
  // An error of the server's says that there was no effect as well.
  else if (outcome !== "unknown") expect(isThere).toBe(false);
}

/** How many asynchronous cells are played at once. */
const AT_ONCE = 8;

/** Plays combinations and throws what went wrong, with the names of those in which it did. */
export async function playCells(
  cells: readonly Cell[],
  server: ServerAddress,
  table: string,
): Promise<void> {
  const before = resources();
  const failures: string[] = [];
  const left = [...cells];
  const play = async (): Promise<void> => {
    for (let cell = left.shift(); cell !== undefined; cell = left.shift()) {
      try {
        await playCell(cell, server, table);
      } catch (error) {
        failures.push(`${titleOf(cell)}\n${inspect(error, { depth: 4 })}`);
      }
    }
  };
  const isBlocking = cells[0]?.shell.name === "blocking";
  await Promise.all(Array.from({ length: isBlocking ? 1 : AT_ONCE }, play));
  if (failures.length === 0) await eventually(() => leftovers(before).length === 0);
  else {
    throw new Error(
      `${failures.length} of ${cells.length} failed:\n\n${failures.slice(0, 5).join("\n\n")}`,
    );
  }
}
