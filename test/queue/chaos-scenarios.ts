// The disasters that jobs have to survive: each one is played once in `npm test`, and many times in the slow tests.

import { expect } from "@jest/globals";
import { connect } from "../../src/index.ts";
import { defaultServer } from "../support/default-server.ts";
import { FaultProxy } from "../support/fault-proxy.ts";
import { startServer } from "../support/server.ts";
import { Chaos } from "./chaos.ts";
import type { Hand } from "./chaos.ts";

/** A disaster. */
export interface Scenario {
  readonly name: string;
  /** Plays it once; throws when a job was lost, or anything else that must not be. */
  readonly play: (seed: number) => Promise<void>;
}

/** For scenarios in which nobody may be taken for dead, however busy the machine is. */
const PATIENT = { heartbeatInterval: 2_000, stalledWorkerTimeout: 60_000 };

/** A worker's sessions: all of them, or the one that listens. */
function sessions({ schema }: Chaos, which: "all" | "listening"): string {
  const listens = which === "listening" ? " and query ~* 'listen|pg_notify'" : "";
  return `select pid from pg_stat_activity where application_name ~ '^${schema}_[0-9]+$'${listens}`;
}

async function workersKilled(seed: number): Promise<void> {
  await using chaos = await Chaos.begin(defaultServer(), seed);
  const hands = await chaos.staff(3, { options: { prefetch: chaos.pick([0, 10]) } });
  await chaos.defer(250);
  const victims = hands.slice(1);
  for (const victim of victims) {
    await chaos.untilRuns(10 + chaos.below(20));
    await chaos.slay(victim);
    if (victim === victims[0]) chaos.hire();
  }
  await chaos.audit();
}

/** What is asked of the time is asked in heartbeats, and not of the clock of a machine that may be busy. */
async function rescuedInTime(seed: number): Promise<void> {
  await using chaos = await Chaos.begin(defaultServer(), seed);
  const options = { heartbeatInterval: 400, stalledWorkerTimeout: undefined, concurrency: 1 };
  const [victim, heir] = (await chaos.staff(2, { options })) as [Hand, Hand];
  const ids = await chaos.defer(2, { time: 3_000, failures: 0 });
  await chaos.untilRunning(victim);
  await chaos.untilRunning(heir);
  const killed = Date.now();
  await chaos.slay(victim);
  const rescuing = (): number => heir.of("heartbeat").findIndex(({ rescued }) => rescued?.length);
  await chaos.until(() => rescuing() >= 0, "the job is rescued");
  const beats = heir.of("heartbeat").slice(0, rescuing() + 1);
  const rescue = beats.at(-1)!;
  expect(ids).toContain(rescue.rescued?.[0]);
  // The first that began when it was time has done it. Those before were the regular ones, and the one that was kept for this.
  const silence = 2.5 * 400;
  expect(beats.filter(({ begun }) => begun! > killed + silence + 5).length).toBeLessThanOrEqual(1);
  expect(beats.filter(({ at }) => at > killed).length).toBeLessThanOrEqual(4);
  await chaos.audit();
  expect(await chaos.rescues()).toBe(1);
}

async function workersStopped(seed: number): Promise<void> {
  await using chaos = await Chaos.begin(defaultServer(), seed);
  const options = { ...PATIENT, prefetch: 20 };
  const hands = await chaos.staff(3, { options });
  await chaos.defer(300);
  for (const hand of hands.slice(1)) {
    await chaos.untilRuns(10 + chaos.below(30));
    await chaos.dismiss(hand);
  }
  await chaos.audit();
  expect(await chaos.rescues()).toBe(0);
  expect(await chaos.count(`select count(*) from ${chaos.schema}.workers`)).toBe(0);
}

async function serverRestarted(seed: number, mode: "fast" | "immediate"): Promise<void> {
  await using server = await startServer();
  await using chaos = await Chaos.begin(server, seed);
  await chaos.staff(2, { options: { prefetch: mode === "fast" ? 50 : chaos.pick([0, 100]) } });
  await chaos.defer(250);
  for (let i = 0; i < 2; i++) {
    await chaos.untilRuns(15 + chaos.below(30));
    await server.restart({ mode });
  }
  await chaos.audit();
}

async function backendsKilled(seed: number): Promise<void> {
  await using chaos = await Chaos.begin(defaultServer(), seed);
  const options = { ...PATIENT, prefetch: chaos.pick([0, 8]) };
  await chaos.staff(2, { options });
  await chaos.defer(250);
  const text = `select pg_terminate_backend(pid) from (${sessions(chaos, "all")} order by md5(pid::text || '?') limit 1) s`;
  for (let i = 0; i < 25; i++) {
    await chaos.sql(text.replace("?", String(chaos.below(1e9))));
    await chaos.untilRuns(1 + chaos.below(4));
  }
  await chaos.audit();
  // Whose answers were lost has told what it holds; nobody was dead.
  expect(await chaos.rescues()).toBe(0);
}

async function poolExhausted(seed: number): Promise<void> {
  await using chaos = await Chaos.begin(defaultServer(), seed);
  await chaos.staff(2, {
    connections: chaos.pick([1, 2]),
    options: { ...PATIENT, concurrency: 8 },
  });
  await chaos.defer(60, { children: 3, failures: 0 });
  await chaos.audit();
  expect(await chaos.rescues()).toBe(0);
  expect(await chaos.count(`select count(*) from ${chaos.schema}.finished`)).toBe(60 * 4);
}

async function networkGone(seed: number): Promise<void> {
  await using chaos = await Chaos.begin(defaultServer(), seed);
  await using proxy = await FaultProxy.start(defaultServer());
  const options = { prefetch: 5 };
  const [remote] = (await chaos.staff(1, { conninfo: proxy.conninfo(), options })) as [Hand];
  const [local] = (await chaos.staff(1)) as [Hand];
  await chaos.defer(150, { time: 40 });
  await chaos.untilRunning(remote);
  await proxy.inflict({ do: chaos.pick(["hole", "freeze"] as const) }, { newcomers: true });
  await chaos.until(
    () => local.of("heartbeat").some(({ rescued }) => rescued!.length > 0),
    "the other worker has taken over",
  );
  await chaos.untilEmpty();
  await proxy.inflict({ do: "pass" }, { newcomers: true });
  await chaos.dismiss(local);
  // It is alone now, and has to have come back.
  const last = await chaos.defer(20);
  await chaos.audit();
  const own = `select count(distinct job_id) from ${chaos.schema}_runs
    where worker = '${remote.name}' and job_id in (${last.join(",")})`;
  expect(await chaos.count(own)).toBe(20);
}

async function workerFrozen(seed: number): Promise<void> {
  await using chaos = await Chaos.begin(defaultServer(), seed);
  const [frozen, other] = (await chaos.staff(2, { options: { prefetch: 10 } })) as [Hand, Hand];
  await chaos.defer(150, { time: 40 });
  await chaos.untilRunning(frozen);
  frozen.kill("SIGSTOP");
  await chaos.until(
    () => other.of("heartbeat").some(({ rescued }) => rescued!.length > 0),
    "the other worker has taken over",
  );
  await chaos.untilRuns(20);
  frozen.kill("SIGCONT");
  await chaos.until(
    () => frozen.of("worker:registered-again").length > 0,
    "the frozen worker has registered again",
  );
  await chaos.audit();
}

async function idleNeighbour(seed: number): Promise<void> {
  await using chaos = await Chaos.begin(defaultServer(), seed);
  await using neighbour = await connect(defaultServer().conninfo());
  const payload = { time: 1, failures: 0, children: 0 };
  const cancelled = await chaos.errand.configure({ lock: "its own" }).defer(payload);
  const behind = await chaos.errand.configure({ lock: "its own" }).defer(payload);
  await neighbour.execute("begin");
  const inside = chaos.errand.configure({ lock: "lock 0", connection: neighbour });
  const added = await inside.batchDefer([payload, payload]);
  const cancel = { connection: neighbour };
  expect(await chaos.app.jobManager.cancelJobById(cancelled, {}, cancel)).toBe(true);
  await chaos.staff(2, { options: PATIENT });
  await chaos.defer(100);
  // What the neighbour has in its hands waits, and nothing else.
  const left = `select array_agg(id order by id) from ${chaos.schema}.jobs`;
  const own = `{${cancelled},${behind}}`;
  await chaos.until(async () => (await chaos.sql(left))[0]![0] === own, "all others have ended");
  await neighbour.execute("commit");
  chaos.expectEnd([...added, behind]);
  await chaos.audit();
  expect(await chaos.app.jobManager.getJobStatus(cancelled)).toBe("cancelled");
  expect(await chaos.rescues()).toBe(0);
}

async function hearingLost(seed: number): Promise<void> {
  await using chaos = await Chaos.begin(defaultServer(), seed);
  // So seldom that asking is of no help.
  await chaos.staff(1, { options: { ...PATIENT, pollingInterval: 600_000 } });
  for (let i = 0; i < 3; i++) {
    const text = `select pg_terminate_backend(pid) from (${sessions(chaos, "listening")}) s`;
    await chaos.until(async () => (await chaos.sql(text)).length === 1, "somebody listens");
    if (chaos.chance() < 0.5)
      await chaos.until(
        async () => (await chaos.sql(sessions(chaos, "listening"))).length === 1,
        "it listens again",
      );
    await chaos.defer(5);
    await chaos.untilEmpty();
  }
  await chaos.audit();
  expect(await chaos.rescues()).toBe(0);
}

async function answersLost(seed: number): Promise<void> {
  await using chaos = await Chaos.begin(defaultServer(), seed);
  await using proxy = await FaultProxy.start(defaultServer());
  const options = { ...PATIENT, prefetch: chaos.pick([0, 8]) };
  const [hand] = (await chaos.staff(1, { conninfo: proxy.conninfo(), options })) as [Hand];
  // Those that fail are ready again at once, and may be claimed by the very exchange that said so.
  await chaos.defer(100);
  await chaos.defer(60, { failures: 2 });
  for (let i = 0; i < 25; i++) {
    // The queues are in each exchange, and in nothing else.
    const struck = proxy.struck.length;
    if (chaos.chance() < 0.3) await proxy.arm("mayhem", { do: "reset" });
    else await proxy.arm("mayhem", { do: "end" }, { direction: "toClient" });
    await chaos.until(
      async () => proxy.struck.length > struck || (await chaos.isEmpty()),
      "an exchange has gone out",
    );
    if (proxy.struck.length === struck) break;
    await chaos.untilRuns(1 + chaos.below(5));
  }
  await proxy.heal();
  await chaos.audit();
  expect(hand.of("storage:failed").length).toBeGreaterThan(0);
  // It was there all the time: nothing had to be taken from it.
  expect(await chaos.rescues()).toBe(0);
}

/** All of them. */
export const scenarios: readonly Scenario[] = [
  { name: "workers are killed", play: workersKilled },
  { name: "a killed worker's job is rescued at the first heartbeat that can", play: rescuedInTime },
  { name: "workers are stopped under load", play: workersStopped },
  { name: "the server is restarted", play: (seed) => serverRestarted(seed, "fast") },
  { name: "the server crashes", play: (seed) => serverRestarted(seed, "immediate") },
  { name: "sessions are ended", play: backendsKilled },
  { name: "the pool is too small for what jobs do", play: poolExhausted },
  { name: "the network is gone for one worker", play: networkGone },
  { name: "a worker stands still", play: workerFrozen },
  { name: "a neighbour stays idle in its transaction", play: idleNeighbour },
  { name: "the session that listens is ended", play: hearingLost },
  { name: "answers are lost", play: answersLost },
];
