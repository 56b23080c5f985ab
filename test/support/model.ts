// The model-based test: several callers on one asynchronous connection do whatever they like, drawn by
// fast-check, and somebody may kill the session. Every call settles once, with its own rows or with an
// error that it may have; plain statements settle in the order in which they were called.
//
// An action is a row of the table: a new operation of the driver gets its row, and is mixed with all
// the others from then on.

import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { type AsyncConnection, MahoutError } from "../../src/index.ts";
import type { ServerAddress } from "./address.ts";
import { eventually, expectUsable } from "./shells.ts";

/** One step of one caller. */
export interface Step {
  readonly action: Action;
  /** A number to vary it with: a delay, a count. */
  readonly size: number;
  /** Whether the caller waits for it before the next one. */
  readonly waits: boolean;
}

/** What an action has at hand. */
export interface Call {
  readonly conn: AsyncConnection;
  /** Unlike any other call's. */
  readonly id: number;
  readonly size: number;
}

/** Something that a caller can do. */
export interface Action {
  readonly name: string;
  /** SQLSTATEs, or other codes, of errors that it may end with, besides those that all may. */
  readonly errors?: readonly string[];
  /** Whether it is a plain statement: those settle in the order in which they were called. */
  readonly plain?: boolean;
  /** Does it, and throws when it gets what isn't its own. */
  run(call: Call): Promise<void>;
}

/** A whole course of events. */
export interface Course {
  readonly callers: readonly (readonly Step[])[];
  /** After how many milliseconds the session is killed; null for never. */
  readonly killedAfter: number | null;
}

/**
 * What anybody may run into: somebody else's cancel() or failed transaction; a lost or a given up
 * connection, if there was a kill.
 */
const EVERYBODYS = ["57014", "25P02", "ERR_MAHOUT_ABORTED", "ERR_MAHOUT_STATEMENT_TIMEOUT"];
const KILLED = ["57P01", "ERR_MAHOUT_CONNECTION_LOST", "ERR_MAHOUT_CONNECTION_CLOSED"];

function expectSame(got: unknown, wanted: unknown): void {
  const [left, right] = [JSON.stringify(got), JSON.stringify(wanted)];
  if (left !== right) throw new Error(`rows of somebody else: ${left} instead of ${right}`);
}

const seconds = (size: number): string => (size / 2_000).toFixed(4);

/** The table. */
export const actions: readonly Action[] = [
  {
    name: "simple",
    plain: true,
    run: async ({ conn, id }) => expectSame(await conn.query(`select ${id} as n`), [{ n: id }]),
  },
  {
    name: "extended",
    plain: true,
    run: async ({ conn, id }) =>
      expectSame(await conn.query("select $1::int as n", [id]), [{ n: id }]),
  },
  {
    name: "many rows",
    plain: true,
    run: async ({ conn, id, size }) => {
      const count = size * 40;
      const text = "select $1::int as id, n from generate_series(1, $2::int) n";
      const rows = await conn.query(text, [id, count]);
      expectSame(
        rows,
        Array.from({ length: count }, (_, n) => ({ id, n: n + 1 })),
      );
    },
  },
  {
    name: "slow",
    plain: true,
    run: async ({ conn, id, size }) =>
      expectSame(await conn.query(`select $1::int as n from pg_sleep(${seconds(size)})`, [id]), [
        { n: id },
      ]),
  },
  {
    name: "error",
    errors: ["22012"],
    run: async ({ conn, id }) => {
      await conn.query("select $1::int / 0", [id]);
      throw new Error("a division by zero went well");
    },
  },
  {
    name: "syntax error",
    errors: ["42601"],
    run: async ({ conn }) => {
      await conn.query("selekt 1");
      throw new Error("nonsense went well");
    },
  },
  {
    name: "timeout",
    run: async ({ conn, id, size }) =>
      expectSame(
        await conn.query(`select ${id} as n from pg_sleep(0.002)`, [], { timeout: size }),
        [{ n: id }],
      ),
  },
  {
    name: "signal",
    run: async ({ conn, id, size }) => {
      const controller = new AbortController();
      const call = conn.query("select $1::int as n from pg_sleep(0.002)", [id], {
        signal: controller.signal,
      });
      void sleep(size).then(() => controller.abort());
      expectSame(await call, [{ n: id }]);
    },
  },
  { name: "cancel", run: ({ conn }) => conn.cancel() },
  { name: "begin", run: async ({ conn }) => void (await conn.execute("begin")) },
  { name: "commit", run: async ({ conn }) => void (await conn.execute("commit")) },
  { name: "roll back", run: async ({ conn }) => void (await conn.execute("rollback")) },
  {
    name: "fetch",
    run: async ({ conn, id }) => {
      const cursor = await conn.execute("select $1::int as id, n from generate_series(1, 4) n", [
        id,
      ]);
      expectSame(await cursor.fetchOne(), { id, n: 1 });
      // Others may run between: the result is the cursor's own.
      await sleep(1);
      expectSame((await cursor.fetchAll()).length, 3);
    },
  },
  {
    name: "stream",
    run: async ({ conn, id, size }) => {
      let seen = 0;
      const text = "select $1::int as id, n from generate_series(1, 200) n";
      for await (const row of conn.cursor().stream(text, [id])) {
        expectSame(row, { id, n: ++seen });
        if (seen === size * 30) return;
      }
      expectSame(seen, 200);
    },
  },
  {
    name: "copy out",
    run: async ({ conn, id }) => {
      const parts: Buffer[] = [];
      const text = `copy (select ${id}, n from generate_series(1, 50) n) to stdout`;
      await conn.cursor().copy(text, async (copy) => {
        for await (const part of copy) parts.push(part);
      });
      const lines = Array.from({ length: 50 }, (_, n) => `${id}\t${n + 1}\n`);
      expectSame(Buffer.concat(parts).toString(), lines.join(""));
    },
  },
  {
    name: "copy in",
    // A table of the session's, which a rollback may have taken back.
    errors: ["42P01"],
    run: async ({ conn, id, size }) => {
      await conn.cursor().copy("copy pg_temp.model from stdin", async (copy) => {
        for (let n = 0; n < size; n++) await copy.write(`${id}\n`);
      });
    },
  },
  {
    name: "server cursor",
    run: async ({ conn, id }) => {
      const cursor = conn.cursor(`c${id}`, { withHold: true });
      await cursor.execute("select $1::int as id, n from generate_series(1, 30) n", [id]);
      expectSame(await cursor.fetchMany(2), [
        { id, n: 1 },
        { id, n: 2 },
      ]);
      await cursor.close();
    },
    // A rollback of somebody else's takes it away.
    errors: ["34000"],
  },
  {
    name: "notify",
    run: async ({ conn, id }) =>
      void (await conn.query("select pg_notify('model', $1)", [String(id)])),
  },
];

/** Courses of events of so many callers at most. */
export function courses(table: readonly Action[] = actions): fc.Arbitrary<Course> {
  const step = fc.record({
    action: fc.constantFrom(...table),
    size: fc.integer({ min: 1, max: 8 }),
    waits: fc.boolean(),
  });
  return fc.record({
    callers: fc.array(fc.array(step, { minLength: 1, maxLength: 8 }), {
      minLength: 1,
      maxLength: 6,
    }),
    killedAfter: fc.option(fc.integer({ min: 0, max: 30 }), { freq: 3 }),
  });
}

/** A course in words, for a report. */
export function storyOf({ callers, killedAfter }: Course): string {
  const lines = callers.map((steps, caller) => {
    const told = steps.map(
      ({ action, size, waits }) => `${action.name}(${size})${waits ? "" : "&"}`,
    );
    return `caller ${caller}: ${told.join(", ")}`;
  });
  return [...lines, `killed after ${killedAfter ?? "never"}`].join("\n");
}

/** How long a course may take, in milliseconds. */
const BOUND = 20_000;

/** Lets a course take place; throws when anything is not as it has to be. */
export async function play(
  course: Course,
  server: ServerAddress,
  connect: () => Promise<AsyncConnection>,
): Promise<void> {
  const { callers, killedAfter } = course;
  const conn = await connect();
  const { backendPid } = conn.info;
  await conn.execute("create temp table model (id int)");
  await conn.execute("listen model");
  let serial = 0;
  let settled = 0;
  const order: number[] = [];
  const problems: unknown[] = [];
  const allowed = killedAfter === null ? EVERYBODYS : [...EVERYBODYS, ...KILLED];

  const call = async ({ action, size }: Step): Promise<void> => {
    const id = ++serial;
    // A context of its own: a block that is begun without one is begun for its caller, too.
    await undefined;
    try {
      await action.run({ conn, id, size });
      if (action.plain) order.push(id);
    } catch (error) {
      const isOurs = error instanceof MahoutError;
      const code = isOurs ? error.code : "";
      if (!isOurs || ![...allowed, ...(action.errors ?? [])].includes(code)) {
        problems.push(new Error(`${action.name} ended with this`, { cause: error }));
      }
    }
    settled++;
  };
  const caller = async (steps: readonly Step[]): Promise<void> => {
    const calls: Promise<void>[] = [];
    for (const step of steps) {
      const one = call(step);
      calls.push(one);
      if (step.waits) await one;
    }
    await Promise.all(calls);
  };

  const all = Promise.all(callers.map(caller));
  const killing =
    killedAfter === null
      ? undefined
      : sleep(killedAfter).then(() =>
          server.administer(`select pg_terminate_backend(${backendPid})`),
        );
  try {
    await Promise.race([
      all,
      late(() => `${serial - settled} of ${serial} calls have not settled`),
    ]);
    await killing;
    if (problems.length > 0) throw problems[0];
    const sorted = order.toSorted((left, right) => left - right);
    if (killedAfter === null && String(order) !== String(sorted)) {
      throw new Error(`the order was ${order.join()}`);
    }
    if (killedAfter === null) {
      await conn.execute("rollback");
      await expectUsable(conn);
    } else {
      await eventually(() => conn.broken && conn.disconnected.aborted);
    }
  } finally {
    await conn.close();
  }
  const text = `select 1 from pg_stat_activity where pid = ${backendPid}`;
  await eventually(async () => (await server.administer(text)).length === 0);
}

async function late(what: () => string): Promise<never> {
  await sleep(BOUND, undefined, { ref: false });
  throw new Error(what());
}
