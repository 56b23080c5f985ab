// What can go wrong, and in which state of a connection, as tables: the other two sides of the fault
// matrix. See operations.ts for the first.

import type { AsyncConnection } from "../../src/index.ts";
import type { Fault, FaultProxy } from "./fault-proxy.ts";
import type { Shell } from "./shells.ts";
import { failureOf } from "./shells.ts";

/** One way in which networks and servers fail. */
export interface FaultRow {
  readonly name: string;
  /** Whether the system gets to know that the connection is over, whatever is done with it. */
  readonly ends?: boolean;
  /** Lets it happen, or has it happen as soon as the word has passed. */
  inflict(proxy: FaultProxy, word: string): Promise<void>;
}

const HOLE: Fault = { do: "hole" };
const FREEZE: Fault = { do: "freeze" };
const RESET: Fault = { do: "reset" };
const END: Fault = { do: "end" };
const toClient = { direction: "toClient" } as const;
const toServer = { direction: "toServer" } as const;

/** Faults of the session's own connection, and of the one that a cancel request needs. */
export const faultRows: readonly FaultRow[] = [
  { name: "nothing", inflict: async () => {} },
  { name: "a black hole", inflict: (proxy) => proxy.inflict(HOLE) },
  {
    name: "a black hole for everybody",
    inflict: (proxy) => proxy.inflict(HOLE, { newcomers: true }),
  },
  { name: "a black hole once it was heard", inflict: (proxy, word) => proxy.arm(word, HOLE) },
  { name: "answers that are lost", inflict: (proxy) => proxy.inflict(HOLE, toClient) },
  {
    name: "a black hole in the middle of the answer",
    inflict: (proxy, word) => proxy.arm(word, { do: "until", at: 9, next: HOLE }, toClient),
  },
  { name: "a peer that stands still", inflict: (proxy) => proxy.inflict(FREEZE) },
  {
    name: "a peer that stands still in the middle of the answer",
    inflict: (proxy, word) => proxy.arm(word, { do: "until", at: 21, next: FREEZE }, toClient),
  },
  {
    name: "a peer that does not read",
    inflict: (proxy) => proxy.inflict({ do: "deaf" }, toServer),
  },
  {
    name: "delays",
    inflict: (proxy) => proxy.inflict({ do: "delay", milliseconds: 8 }, { newcomers: true }),
  },
  {
    name: "byte by byte",
    inflict: (proxy) => proxy.inflict({ do: "bytewise" }, { ...toClient, newcomers: true }),
  },
  {
    name: "a half-close of the server",
    ends: true,
    inflict: (proxy) => proxy.inflict(END, toClient),
  },
  {
    name: "a half-close of the server once it was heard",
    inflict: (proxy, word) => proxy.arm(word, END, toClient),
  },
  {
    name: "a half-close in the middle of the answer",
    inflict: (proxy, word) => proxy.arm(word, { do: "until", at: 12, next: END }, toClient),
  },
  {
    name: "a half-close of the client",
    ends: true,
    inflict: (proxy) => proxy.inflict(END, toServer),
  },
  { name: "a reset", ends: true, inflict: (proxy) => proxy.inflict(RESET) },
  { name: "a reset once it was heard", inflict: (proxy, word) => proxy.arm(word, RESET, toServer) },
  {
    name: "a reset in the middle of the answer",
    inflict: (proxy, word) => proxy.arm(word, { do: "until", at: 12, next: RESET }, toClient),
  },
  {
    name: "a wrong type byte",
    inflict: (proxy, word) => proxy.arm(word, { do: "corrupt", at: 0 }, toClient),
  },
  {
    name: "a wrong length",
    inflict: (proxy, word) => proxy.arm(word, { do: "corrupt", at: 4, mask: 0x10 }, toClient),
  },
  {
    name: "a huge length",
    inflict: (proxy, word) => proxy.arm(word, { do: "corrupt", at: 1 }, toClient),
  },
  ...(["refuse", "hole", "drop", "reset"] as const).map((admission): FaultRow => ({
    name: `answers that stand still and no way to cancel: ${admission}`,
    inflict: async (proxy, word) => {
      await proxy.arm(word, FREEZE, toClient);
      await proxy.admit(admission);
    },
  })),
  {
    name: "no way to cancel",
    inflict: (proxy) => proxy.admit("refuse"),
  },
  {
    name: "cancel requests that are heard and not confirmed",
    inflict: (proxy) => proxy.inflict(HOLE, { ...toClient, newcomers: "only" }),
  },
];

/** One state in which a connection can be when it is asked for something. */
export interface StateRow {
  readonly name: string;
  readonly shell?: Shell["name"];
  /** Whether an insert takes effect only if somebody commits. */
  readonly inTransaction?: boolean;
  /** Brings the connection there. */
  enter?(conn: AsyncConnection): Promise<unknown>;
  /** Begins what others have under way. */
  begin?(conn: AsyncConnection): Promise<unknown>[];
}

/** The states. */
export const stateRows: readonly StateRow[] = [
  { name: "idle" },
  {
    name: "in a transaction",
    inTransaction: true,
    enter: async (conn) => {
      await conn.execute("begin");
      await conn.execute("select 1");
    },
  },
  {
    name: "in a failed transaction",
    inTransaction: true,
    enter: async (conn) => {
      await conn.execute("begin");
      await failureOf(() => conn.execute("select 1/0"));
    },
  },
  {
    name: "just after an error",
    enter: (conn) => failureOf(() => conn.query("select $1::int", ["no number"])),
  },
  {
    name: "running, with others queued",
    shell: "async",
    begin: (conn) => [
      conn.query("select pg_sleep(0.03)"),
      conn.query("select 1", [], { timeout: 200 }),
      conn.query("select $1::int", [2]),
    ],
  },
];
