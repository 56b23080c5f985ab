// Faults at each byte: while connecting, and in the answer to a statement. The tests choose how many of
// the bytes they take.

import { expect } from "@jest/globals";
import type { AsyncConnection } from "../../src/index.ts";
import type { Conninfo, ServerAddress } from "./address.ts";
import { bounded, expectTruth, expectTyped, settle } from "./fault-matrix.ts";
import type { Admission, Fault } from "./fault-proxy.ts";
import { FaultProxy } from "./fault-proxy.ts";
import type { Shell } from "./shells.ts";

/** What is done to who connects; `succeeds` tells whether that must do no harm, or must. */
export interface ConnectFault {
  readonly name: string;
  readonly admission?: Admission;
  readonly toServer?: Fault;
  readonly toClient?: Fault;
  readonly succeeds?: boolean;
}

const HOLE: Fault = { do: "hole" };
const FREEZE: Fault = { do: "freeze" };

/** Faults that have no place in the stream. */
export const connectFaults: readonly ConnectFault[] = [
  ...(["refuse", "hole", "drop", "reset"] as const).map((admission) => ({
    name: admission,
    admission,
    succeeds: false,
  })),
  { name: "a black hole", toServer: HOLE, toClient: HOLE, succeeds: false },
  { name: "answers that are lost", toClient: HOLE, succeeds: false },
  { name: "a peer that stands still", toServer: FREEZE, succeeds: false },
  { name: "answers that stand still", toClient: FREEZE, succeeds: false },
  { name: "a peer that does not read", toServer: { do: "deaf" }, succeeds: false },
  { name: "a half-close of the server", toClient: { do: "end" }, succeeds: false },
  { name: "a half-close of the client", toServer: { do: "end" }, succeeds: false },
  { name: "a reset", toServer: { do: "reset" }, succeeds: false },
  { name: "byte by byte, both ways", ...both({ do: "bytewise" }), succeeds: true },
  { name: "delays", ...both({ do: "delay", milliseconds: 5 }), succeeds: true },
];

function both(fault: Fault): { toServer: Fault; toClient: Fault } {
  return { toServer: fault, toClient: fault };
}

/** Faults at a place in the server's answers. */
export function connectFaultsAt(at: number): ConnectFault[] {
  const until = (next: Fault): Fault => ({ do: "until", at, next });
  return [
    { name: `split at ${at}`, toClient: { do: "split", at }, succeeds: true },
    { name: `corrupt at ${at}`, toClient: { do: "corrupt", at } },
    { name: `one bit wrong at ${at}`, toClient: { do: "corrupt", at, mask: 1 } },
    { name: `a hole at ${at}`, toClient: until(HOLE) },
    { name: `an end at ${at}`, toClient: until({ do: "end" }) },
    { name: `a reset at ${at}`, toClient: until({ do: "reset" }) },
  ];
}

const LIMITS = { statementTimeout: 120, cancelTimeout: 120, connectTimeout: 250 };

/** Connects under a fault: it works, or fails in time with an error of ours, and leaves nothing. */
export async function connectUnder(
  fault: ConnectFault,
  shell: Shell,
  server: ServerAddress,
  conninfo: Conninfo,
): Promise<void> {
  await using proxy = await FaultProxy.start(server);
  const { admission, toServer, toClient, succeeds } = fault;
  if (admission) await proxy.admit(admission);
  const newcomers = "only" as const;
  if (toServer) await proxy.inflict(toServer, { direction: "toServer", newcomers });
  if (toClient) await proxy.inflict(toClient, { direction: "toClient", newcomers });
  let conn: AsyncConnection | undefined;
  const limits = succeeds === true ? { ...LIMITS, connectTimeout: 10_000 } : LIMITS;
  const outcome = await bounded("connecting", () =>
    settle(async () => {
      conn = await shell.Connection.connect(proxy.conninfo(conninfo), limits);
    }),
  );
  if (outcome.failed) expectTyped(outcome.error);
  if (succeeds !== undefined && outcome.failed === succeeds) {
    throw new Error(succeeds ? "it failed" : "it succeeded", { cause: outcome.error });
  }
  await proxy.heal();
  if (conn) {
    try {
      // Only what follows tells that the end came right behind the greeting.
      await settle(() => conn?.query("select 1"));
      await expectTruth(conn);
    } finally {
      await conn.close();
    }
  }
  await proxy.closed();
}

/** A statement with an answer of many kinds of messages. */
export interface Answered {
  readonly name: string;
  run(conn: AsyncConnection): Promise<unknown>;
}

/** What is asked while the answer is tampered with; each must give the same twice. */
export const answered: readonly Answered[] = [
  {
    name: "a simple query with several results and a notice",
    run: (conn) =>
      conn.query(
        "select 1 as n, null as nothing; do $$ begin raise notice 'hello'; end $$; select 'x' as x, true as b",
      ),
  },
  {
    name: "a described statement",
    run: (conn) => conn.query("select $1::int as n, now() - now() as zero", [7]),
  },
  {
    name: "an error",
    run: async (conn) =>
      [await settle(() => conn.query("select 1/0"))].map(({ error }) => String(error)),
  },
  {
    name: "many rows",
    run: (conn) => conn.query("select n, n::text as text from generate_series(1, $1) n", [20]),
  },
];

/** A connection through a proxy, made again when it was broken. */
export class Victim {
  readonly proxy: FaultProxy;
  readonly #shell: Shell;
  #conn: AsyncConnection | null = null;

  constructor(shell: Shell, proxy: FaultProxy) {
    this.#shell = shell;
    this.proxy = proxy;
  }

  /** The connection, untouched by faults. */
  async connection(): Promise<AsyncConnection> {
    await this.proxy.heal();
    if (this.#conn && !this.#conn.closed) return this.#conn;
    await this.#conn?.close();
    this.#conn = await this.#shell.Connection.connect(this.proxy.conninfo({ sslmode: "disable" }), {
      cancelTimeout: LIMITS.cancelTimeout,
    });
    return this.#conn;
  }

  /** Closes what there is; nothing may be left of all the connections. */
  async leave(): Promise<void> {
    await this.#conn?.close();
    await this.proxy.closed();
  }
}

/** How many bytes the answer to a statement has, when it is asked for a second time. */
export async function lengthOf(victim: Victim, { run }: Answered): Promise<number> {
  const conn = await victim.connection();
  await run(conn);
  // An order to the proxy is done only after what had been reported before it.
  await victim.proxy.heal();
  const before = victim.proxy.answered;
  await run(conn);
  await victim.proxy.heal();
  return victim.proxy.answered - before;
}

/** How many bytes a server says until a connection is ready. */
export async function lengthOfGreeting(
  shell: Shell,
  server: ServerAddress,
  conninfo: Conninfo,
): Promise<number> {
  await using proxy = await FaultProxy.start(server);
  await using _conn = await shell.Connection.connect(proxy.conninfo(conninfo));
  await proxy.heal();
  return proxy.answered;
}

/** Asks while the answer is cut in two at a place: nobody notices. */
export async function splitAnswer(victim: Victim, what: Answered, at: number): Promise<void> {
  const conn = await victim.connection();
  const expected = await what.run(conn);
  await victim.proxy.inflict({ do: "split", at }, { direction: "toClient" });
  expect(await what.run(conn)).toEqual(expected);
}

/** Asks while one byte of the answer is wrong: it ends in time, and the connection tells no lies. */
export async function corruptAnswer(
  victim: Victim,
  what: Answered,
  at: number,
  mask: number,
): Promise<void> {
  const conn = await victim.connection();
  await victim.proxy.inflict({ do: "corrupt", at, mask }, { direction: "toClient" });
  conn.statementTimeout = LIMITS.statementTimeout;
  const outcome = await bounded("a statement", () => settle(() => what.run(conn)));
  conn.statementTimeout = null;
  if (outcome.failed) expectTyped(outcome.error);
  await victim.proxy.heal();
  await expectTruth(conn);
}
