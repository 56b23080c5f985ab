// A crowd around the locks of one schema, from a seed: workers that claim and tell outcomes at random, programs that defer, cancel and
// retry, in transactions that stay open or are rolled back. What everybody knows for sure is kept in a model, and each claim is held against it.
//
// Workers ask only when a worker would: when they are told, when they were told to come back, or when they have outcomes. So a job
// that is left at the end is one that nobody would ever have run.

import { setTimeout as sleep } from "node:timers/promises";
import type { ClaimedJob, NewJob, Outcome } from "../../src/queue/job.ts";
import type { Wake } from "../../src/queue/operations.ts";
import { type AsyncConnection, connect } from "../../src/index.ts";
import { defaultServer } from "../support/default-server.ts";
import { newJob } from "./new-job.ts";
import { TestQueue } from "./storages.ts";

/** A job as the crowd knows it. */
interface Known {
  readonly id: number;
  lock: string | null;
  priority: number;
  /** Whether it waits, committed, as far as is known for sure. */
  waits: boolean;
  /** Since when, by the number of events. */
  since: number;
  /** How many calls are under way that may change it. */
  touched: number;
}

export interface CrowdOptions {
  readonly seed: number;
  readonly workers: number;
  readonly programs: number;
  /** How often all programs stop until every job has run: what nobody would run shows when it is quiet. */
  readonly rounds: number;
  /** How many things each program does in a round. */
  readonly deeds: number;
  /** Whether some workers serve all queues. */
  readonly everywhere: boolean;
  /** How long it may take in a round until all jobs have run, in milliseconds. */
  readonly patience: number;
  readonly locks: number;
}

/** What came of it. */
export interface CrowdResult {
  readonly violations: readonly string[];
  readonly claims: number;
  readonly jobs: number;
  readonly exchanges: number;
  /** What is left in the tables: jobs that nobody would run. */
  readonly left: readonly string[][];
  /** The longest that it took in a round until all jobs had run, in milliseconds. */
  readonly longest: number;
}

/** What a program works with. */
interface Place {
  readonly queue: TestQueue;
  readonly conn: AsyncConnection;
}

function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export class Crowd {
  readonly #options: CrowdOptions;
  readonly #random: () => number;
  readonly #queue: TestQueue;
  readonly #known = new Map<number, Known>();
  /** Who holds the lock, by what clients know. */
  readonly #holders = new Map<string, number>();
  readonly #violations: string[] = [];
  readonly #bells = new Set<(wake: Wake) => void>();
  #events = 0;
  #claims = 0;
  #exchanges = 0;
  #over = false;
  #longest = 0;

  constructor(queue: TestQueue, options: CrowdOptions) {
    this.#queue = queue;
    this.#options = options;
    this.#random = generator(options.seed);
  }

  #chance(part: number): boolean {
    return this.#random() < part;
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  async run(): Promise<CrowdResult> {
    const { workers, programs, rounds, patience } = this.#options;
    const { connector } = this.#queue;
    const ears = await connector.listen((wake) => {
      for (const ring of this.#bells) ring(wake);
    }, new AbortController().signal);
    const working = Array.from({ length: workers }, (_, index) => this.#worker(index));
    const places = await Promise.all(Array.from({ length: programs }, () => this.#place()));
    let left: string[][] = [];
    try {
      for (let round = 0; round < rounds && left.length === 0; round++) {
        await Promise.all(places.map((place) => this.#program(place)));
        const start = performance.now();
        do {
          await sleep(2);
          left = await this.#queue.sql("select id, state, lock, queue_name from {jobs} limit 20");
        } while (left.length > 0 && performance.now() - start < patience);
        this.#longest = Math.max(this.#longest, performance.now() - start);
      }
    } finally {
      this.#over = true;
      for (const ring of this.#bells) ring({ type: "gap" });
      await Promise.all(working);
      await Promise.all(places.map(({ conn }) => conn.close()));
      await ears?.close();
    }
    return {
      violations: this.#violations,
      claims: this.#claims,
      exchanges: this.#exchanges,
      jobs: this.#known.size,
      left,
      longest: Math.round(this.#longest),
    };
  }

  async #worker(index: number): Promise<void> {
    const queue = await TestQueue.at(this.#queue.schema);
    const workerId = await queue.worker();
    // Every queue has somebody who serves it.
    const kinds = this.#options.everywhere ? [null, ["a"], ["b"], ["a", "b"]] : [["a"], ["b"]];
    const queues = kinds[index % kinds.length] ?? null;
    const held: ClaimedJob[] = [];
    let ring: () => void = () => undefined;
    let mayHave = true;
    let dueAt = Infinity;
    this.#bells.add((wake) => {
      if (wake.type === "abort" || wake.type === "deaf") return;
      if (wake.type !== "gap" && queues !== null && wake.queues.length > 0) {
        if (!wake.queues.some((name) => queues.includes(name))) return;
      }
      if (wake.type === "due") dueAt = Math.min(dueAt, performance.now() + wake.in);
      else mayHave = true;
      ring();
    });
    while (!this.#over) {
      const now = performance.now();
      if (!mayHave && held.length === 0 && dueAt > now) {
        const rung = new Promise<void>((resolve) => (ring = resolve));
        await Promise.race([rung, ...(dueAt < Infinity ? [sleep(Math.max(1, dueAt - now))] : [])]);
        continue;
      }
      if (this.#chance(0.3)) await sleep(this.#below(4));
      const ended = held.splice(0, this.#chance(0.7) ? held.length : 1);
      const outcomes = ended.map((job) => this.#outcome(job));
      const claim = Math.max(0, 1 + this.#below(4) - held.length);
      const before = ++this.#events;
      if (claim > 0) {
        mayHave = false;
        dueAt = Infinity;
      }
      const result = await queue.exchange(workerId, claim, outcomes, queues);
      this.#exchanges++;
      const after = ++this.#events;
      for (const outcome of outcomes) this.#settled(outcome, before, after);
      for (const job of result.jobs) this.#claimed(job, before);
      // What came later in the same answer can't be held against what came before.
      for (const job of result.jobs) this.#take(job);
      held.push(...result.jobs);
      if (claim > 0 && result.jobs.length === claim) mayHave = true;
      if (result.lost.length > 0) this.#violations.push(`lost ${result.lost.join()}`);
      if (result.nextDueIn !== null) dueAt = Math.min(dueAt, performance.now() + result.nextDueIn);
    }
    await queue.run("unregisterWorker", { workerId });
  }

  #outcome(job: ClaimedJob): Outcome {
    const { id, lease } = job;
    const known = this.#know(job);
    known.touched++;
    if (job.lock !== null && this.#holders.get(job.lock) === id) this.#holders.delete(job.lock);
    const kind = this.#random();
    if (kind < 0.15 && job.attempts < 3) {
      const delay = this.#chance(0.5) ? 0 : this.#below(20);
      const change = this.#random();
      if (change < 0.1) return { kind: "retry", id, lease, delay, error: "e", lock: this.#lock() };
      if (change < 0.3)
        return { kind: "retry", id, lease, delay, error: "e", priority: this.#below(3) };
      if (change < 0.5)
        return { kind: "retry", id, lease, delay, error: "e", queue: this.#queueName() };
      return { kind: "retry", id, lease, delay, error: "e" };
    }
    if (kind < 0.3) return { kind: "release", id, lease };
    if (kind < 0.4) return { kind: "failed", id, lease, remove: false, error: "e" };
    return { kind: "succeeded", id, lease, remove: this.#chance(0.5), error: null };
  }

  #know(job: ClaimedJob): Known {
    let known = this.#known.get(job.id);
    if (known === undefined) {
      const { id, lock, priority } = job;
      known = { id, lock, priority, waits: false, since: 0, touched: 0 };
      this.#known.set(id, known);
    }
    return known;
  }

  #settled(outcome: Outcome, before: number, after: number): void {
    const known = this.#known.get(outcome.id)!;
    known.touched--;
    if (outcome.kind !== "retry" && outcome.kind !== "release") return;
    // Somebody has claimed it again, and may be done with it.
    if (known.since > before) return;
    if (outcome.kind === "retry") {
      known.priority = outcome.priority ?? known.priority;
      if (outcome.lock !== undefined) known.lock = outcome.lock;
    }
    known.waits = true;
    known.since = after;
  }

  #claimed(job: ClaimedJob, before: number): void {
    this.#claims++;
    if (job.lock === null) return;
    const holder = this.#holders.get(job.lock);
    if (holder !== undefined && holder !== job.id)
      this.#violations.push(`${job.id} was claimed while ${holder} held ${job.lock}`);
    for (const other of this.#known.values()) {
      if (other.lock !== job.lock || other.id === job.id) continue;
      if (!other.waits || other.touched > 0 || other.since >= before) continue;
      if (other.priority > job.priority || (other.priority === job.priority && other.id < job.id)) {
        this.#violations.push(
          `${job.id} (priority ${job.priority}) was claimed before ${other.id} (priority ${other.priority}) of ${job.lock}`,
        );
      }
    }
  }

  #take(job: ClaimedJob): void {
    const known = this.#know(job);
    known.waits = false;
    known.lock = job.lock;
    known.priority = job.priority;
    known.since = ++this.#events;
    if (job.lock !== null) this.#holders.set(job.lock, job.id);
  }

  #lock(): string | null {
    return this.#chance(0.1) ? null : `lock ${this.#below(this.#options.locks)}`;
  }

  #queueName(): string {
    return this.#chance(0.5) ? "a" : "b";
  }

  #newJob(): NewJob {
    return newJob({
      queue: this.#queueName(),
      lock: this.#lock(),
      priority: this.#chance(0.7) ? 0 : this.#below(3),
      scheduledIn: this.#chance(0.2) ? this.#below(30) : null,
    });
  }

  #stored(ids: readonly (number | null)[], jobs: readonly NewJob[]): void {
    const event = ++this.#events;
    for (const [index, id] of ids.entries()) {
      if (id === null || this.#known.has(id)) continue;
      const { lock, priority } = jobs[index]!;
      this.#known.set(id, { id, lock, priority, waits: true, since: event, touched: 0 });
    }
  }

  /** Has something done to a job that may change it. */
  async #touching(id: number, act: () => Promise<boolean>): Promise<void> {
    const known = this.#known.get(id);
    if (known === undefined) return;
    known.touched++;
    try {
      if (await act()) known.waits = false;
    } finally {
      known.touched--;
    }
  }

  async #place(): Promise<Place> {
    const queue = await TestQueue.at(this.#queue.schema);
    return { queue, conn: await connect(defaultServer().conninfo()) };
  }

  async #program({ queue, conn }: Place): Promise<void> {
    for (let deed = 0; deed < this.#options.deeds; deed++) {
      await this.#deed(queue, conn);
      if (this.#chance(0.5)) await sleep(this.#below(10));
    }
  }

  async #deed(queue: TestQueue, conn: AsyncConnection): Promise<void> {
    const kind = this.#random();
    const someone = 1 + this.#below(this.#known.size + 1);
    if (kind < 0.4) {
      const jobs = Array.from({ length: 1 + this.#below(4) }, () => this.#newJob());
      this.#stored(await queue.run("deferJobs", { jobs, skipTaken: this.#chance(0.3) }), jobs);
    } else if (kind < 0.55) {
      const remove = this.#chance(0.5);
      await this.#touching(someone, () =>
        queue.run("cancelJob", { id: someone, abort: false, remove }),
      );
    } else if (kind < 0.62) {
      await this.#touching(someone, () => queue.run("retryJob", { id: someone, delay: 0 }));
    } else {
      await this.#transaction(queue, conn, someone);
    }
  }

  /** A transaction that stays open for a while, and is rolled back now and then. */
  async #transaction(queue: TestQueue, conn: AsyncConnection, id: number): Promise<void> {
    const jobs = Array.from({ length: this.#below(3) }, () => this.#newJob());
    const options = { connection: conn };
    const rollback = this.#chance(0.4);
    await conn.execute("begin");
    const ids =
      jobs.length > 0 ? await queue.run("deferJobs", { jobs, skipTaken: false }, options) : [];
    await this.#touching(id, async () => {
      const cancels = this.#chance(0.6);
      const done =
        cancels && (await queue.run("cancelJob", { id, abort: false, remove: false }, options));
      await sleep(this.#below(40));
      await conn.execute(rollback ? "rollback" : "commit");
      return done && !rollback;
    });
    if (conn.info.transactionStatus !== "idle")
      await conn.execute(rollback ? "rollback" : "commit");
    if (!rollback) this.#stored(ids, jobs);
  }
}
