// Cancelling at a random moment, with the next statement issued at once: whoever was not meant is never
// hit, whatever wins.

import fc from "fast-check";
import { setTimeout as sleep } from "node:timers/promises";
import { type AsyncConnection, errors } from "../../src/index.ts";
import { seed, seeded } from "./seed.ts";
import { expectUsable, type Shell } from "./shells.ts";

/** One race. */
interface Race {
  readonly kind: "cancel" | "signal" | "timeout" | "queued";
  /** How long the statement takes that is aimed at, in seconds; 0 as long as it takes. */
  readonly duration: number;
  /** When it is cancelled: after so many turns of the event loop, then so many milliseconds. */
  readonly turns: number;
  readonly delay: number;
  /** Whether it has parameters. */
  readonly extended: boolean;
  /** How many statements follow. */
  readonly followers: number;
}

const races = (kinds: readonly Race["kind"][]): fc.Arbitrary<Race> =>
  fc.record({
    kind: fc.constantFrom(...kinds),
    duration: fc.constantFrom(0, 0, 0.0005, 0.001, 0.002, 0.003, 10),
    turns: fc.nat(6),
    delay: fc.constantFrom(0, 0, 0, 1, 2, 3),
    extended: fc.boolean(),
    followers: fc.integer({ min: 1, max: 3 }),
  });

/** One that is cancelled for sure, whatever else is drawn, and one that mostly isn't. */
const certain: readonly Race[] = [10, 0].map((duration) => ({
  kind: "timeout",
  duration,
  turns: 6,
  delay: 3,
  extended: true,
  followers: 1,
}));

/** How races ended, to see that both sides win now and then. */
export interface Tally {
  completed: number;
  cancelled: number;
  withdrawn: number;
}

function aim(
  conn: AsyncConnection,
  race: Race,
  options?: { signal?: AbortSignal },
): Promise<unknown> {
  const { duration, extended } = race;
  const from = duration === 0 ? "" : ` from pg_sleep(${duration})`;
  const given = race.kind === "timeout" ? { timeout: race.delay + race.turns / 4 } : options;
  // Called later for a blocking connection: it throws what the other one rejects with.
  return Promise.resolve().then(() =>
    extended
      ? conn.query(`select $1::int as n${from}`, [1], given)
      : conn.query(`select 1 as n${from}`, [], given),
  );
}

async function moment({ turns, delay }: Race): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate);
  if (delay > 0) await sleep(delay);
}

async function judge(call: Promise<unknown>, tally: Tally): Promise<void> {
  try {
    const rows = JSON.stringify(await call);
    if (rows !== '[{"n":1}]') throw new Error(`rows of somebody else: ${rows}`);
    tally.completed++;
  } catch (error) {
    if (!(error instanceof errors.QueryCanceled)) throw error;
    if (error.outcome === "not sent") tally.withdrawn++;
    else if (error.outcome === "cancelled") tally.cancelled++;
    else throw error;
  }
}

/** Statements that nobody means to cancel. */
async function follow(conn: AsyncConnection, count: number): Promise<void> {
  const calls: Promise<unknown>[] = [];
  for (let n = 0; n < count; n++) {
    const text = "select $1::int as n from pg_sleep(0.001)";
    calls.push(
      Promise.resolve(n % 2 === 0 ? conn.query(text, [n]) : conn.query(`select ${n} as n`)),
    );
  }
  for (const [n, outcome] of (await Promise.allSettled(calls)).entries()) {
    if (outcome.status === "rejected")
      throw new Error("the wrong one was hit", { cause: outcome.reason });
    const rows = JSON.stringify(outcome.value);
    if (rows !== `[{"n":${n}}]`) throw new Error(`rows of somebody else: ${rows}`);
  }
}

async function run(conn: AsyncConnection, race: Race, tally: Tally): Promise<void> {
  const controller = new AbortController();
  switch (race.kind) {
    case "timeout": {
      // A blocking call must have ended before the next begins; the other is followed at once.
      const call = aim(conn, race);
      const judged = judge(call, tally);
      await Promise.resolve();
      await Promise.all([judged, follow(conn, race.followers)]);
      return;
    }
    case "signal": {
      const judged = judge(aim(conn, race, { signal: controller.signal }), tally);
      const followed = moment(race).then(() => {
        controller.abort();
        return follow(conn, race.followers);
      });
      await Promise.all([judged, followed]);
      return;
    }
    case "queued": {
      const before = follow(conn, race.followers);
      const judged = judge(aim(conn, race, { signal: controller.signal }), tally);
      const behind = follow(conn, 1);
      await moment(race);
      controller.abort();
      await Promise.all([before, judged, behind, follow(conn, race.followers)]);
      return;
    }
    case "cancel": {
      const judged = judge(aim(conn, race), tally);
      await moment(race);
      const cancelling = conn.cancel();
      // Something that never ends by itself may have missed this cancel, if it had not begun.
      const again = race.duration === 10 ? sleep(5).then(() => conn.cancel()) : undefined;
      const followed = again
        ? again.then(() => follow(conn, race.followers))
        : follow(conn, race.followers);
      await Promise.all([cancelling, again, judged, followed]);
    }
  }
}

/** Holds so many races, on several connections at once where that is possible; never hits the wrong one. */
export async function race(
  shell: Shell,
  connect: () => Promise<AsyncConnection>,
  count: number,
  kinds: readonly Race["kind"][],
): Promise<Tally> {
  const tally: Tally = { completed: 0, cancelled: 0, withdrawn: 0 };
  await seeded(async () => {
    const left = [...certain, ...fc.sample(races(kinds), { seed, numRuns: count })];
    const work = async (): Promise<void> => {
      await using conn = await connect();
      for (let next = left.pop(); next !== undefined; next = left.pop()) {
        try {
          await run(conn, next, tally);
        } catch (error) {
          throw new Error(`in the race ${JSON.stringify(next)}`, { cause: error });
        }
      }
      await expectUsable(conn);
    };
    await Promise.all(Array.from({ length: shell.name === "blocking" ? 1 : 4 }, work));
  });
  return tally;
}
