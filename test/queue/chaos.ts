// What chaos tests stand on: workers in processes of their own on one schema, and the audit afterwards, which compares what the queue
// says of its jobs with what the jobs have written of themselves.

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect } from "@jest/globals";
import { App } from "../../src/queue/app.ts";
import { MahoutConnector } from "../../src/queue/connectors/mahout.ts";
import type { ConfiguredTask } from "../../src/queue/configured-task.ts";
import type { WorkerOptions } from "../../src/queue/worker-options.ts";
import type { Conninfo, ServerAddress } from "../support/address.ts";
import type { Errand, Orders, Told } from "./programs/chaos-worker.ts";

const LOADER = join(__dirname, "..", "..", "scripts", "load-typescript.js");
const PROGRAM = join(__dirname, "programs", "chaos-worker.ts");
/** How long a fact may take to come true, on a machine that has other things to do. */
const PATIENCE = 60_000;

/** How a worker of the chaos is started. */
export interface Hiring {
  /** How it reaches the server; directly by default. */
  readonly conninfo?: Conninfo;
  /** The size of its pool; 4 by default. */
  readonly connections?: number;
  readonly options?: WorkerOptions;
}

/** A worker in a process of its own. */
export class Hand {
  readonly name: string;
  readonly told: Told[] = [];
  /** How it ended: its status, or the signal. */
  readonly ended: Promise<number | string>;
  stderr = "";
  readonly #process: ChildProcess;

  constructor(orders: Orders) {
    this.name = orders.name;
    const args = ["--enable-source-maps", "--require", LOADER, PROGRAM, JSON.stringify(orders)];
    const child = spawn(process.execPath, args, { stdio: "pipe" });
    this.#process = child;
    child.stderr.on("data", (data: Buffer) => (this.stderr += data.toString()));
    createInterface(child.stdout).on("line", (line) => this.told.push(JSON.parse(line) as Told));
    this.ended = new Promise((resolve) => {
      child.once("close", (status, signal) => resolve(status ?? signal ?? "?"));
    });
  }

  /** Sends it a signal. */
  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  /** What it has told of a kind. */
  of(kind: string): Told[] {
    return this.told.filter((one) => one.kind === kind);
  }

  /** Whether it has begun, and hears of jobs. */
  get ready(): boolean {
    if (this.stderr !== "") throw new Error(`${this.name} has failed: ${this.stderr}`);
    return this.of("worker:listening").length > 0;
  }

  /** Has it stop in its own way, and expects that it does. */
  async dismiss(): Promise<void> {
    this.kill("SIGTERM");
    expect([await this.ended, this.stderr]).toEqual([0, ""]);
  }
}

/** A schema, its workers, and the ledger of what their jobs did. */
export class Chaos implements AsyncDisposable {
  readonly server: ServerAddress;
  readonly schema: string;
  readonly app: App;
  readonly errand: ConfiguredTask<Errand>;
  readonly hands: Hand[] = [];
  /** Chance, the same for the same seed. */
  readonly chance: () => number;
  #deferred: number[] = [];
  /** Those that have ended as they were told. */
  readonly #gone = new Set<Hand>();

  private constructor(server: ServerAddress, seed: number) {
    this.server = server;
    this.chance = chanceOf(seed);
    this.schema = `chaos_${randomBytes(6).toString("hex")}`;
    const connector = new MahoutConnector(server.conninfo(), { schema: this.schema });
    this.app = new App({ connector });
    this.errand = this.app.configureTask<Errand>("errand", { allowUnknown: true, queue: "mayhem" });
  }

  /** Makes the schema. */
  static async begin(server: ServerAddress, seed: number): Promise<Chaos> {
    const chaos = new Chaos(server, seed);
    await chaos.app.open();
    await chaos.app.schemaManager.apply();
    await chaos.sql(
      `create table ${chaos.schema}_runs (run uuid primary key, job_id bigint, lease bigint, lock text,
         worker text, started timestamptz, ended timestamptz, failed boolean)`,
    );
    return chaos;
  }

  /** Executes SQL, through a connection that is none of the driver's. */
  async sql(text: string): Promise<(string | null)[][]> {
    return await this.server.administer(text);
  }

  /** The only value of a query, as a number. */
  async count(text: string): Promise<number> {
    return Number((await this.sql(text))[0]?.[0]);
  }

  /** A whole number below another. */
  below(limit: number): number {
    return Math.floor(this.chance() * limit);
  }

  /** One of several. */
  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!;
  }

  /** Starts a worker; it is ready some time later. */
  hire({ conninfo, connections = 4, options = {} }: Hiring = {}): Hand {
    const name = `${this.schema}_${this.hands.length}`;
    const named = { application_name: name };
    const hand = new Hand({
      name,
      schema: this.schema,
      conninfo: { ...this.server.conninfo(), ...conninfo, ...named },
      ledger: this.server.conninfo({ application_name: `${this.schema}_ledger` }),
      connections,
      options: {
        concurrency: 4,
        heartbeatInterval: 200,
        stalledWorkerTimeout: 600,
        pollingInterval: 1_000,
        maxRescues: 1_000,
        ...options,
      },
    });
    this.hands.push(hand);
    return hand;
  }

  /** Starts several, and waits until they are ready. */
  async staff(count: number, hiring: Hiring = {}): Promise<Hand[]> {
    const hands = Array.from({ length: count }, () => this.hire(hiring));
    await this.until(() => hands.every((hand) => hand.ready), "the workers are ready");
    return hands;
  }

  /** Defers jobs: a third of them with one of a few locks, and some that fail first. */
  async defer(count: number, errand: Partial<Errand> = {}): Promise<number[]> {
    const locks = new Map<string | null, Errand[]>();
    for (let i = 0; i < count; i++) {
      const lock = this.chance() < 0.35 ? `lock ${this.below(6)}` : null;
      const payloads = locks.get(lock) ?? [];
      locks.set(lock, payloads);
      const failures = this.chance() < 0.2 ? 1 : 0;
      payloads.push({ time: 1 + this.below(25), failures, children: 0, ...errand });
    }
    const ids: number[] = [];
    for (const [lock, payloads] of locks) {
      ids.push(...(await this.errand.configure({ lock }).batchDefer(payloads)));
    }
    this.expectEnd(ids);
    return ids;
  }

  /** Takes note of jobs that are to succeed. */
  expectEnd(ids: readonly number[]): void {
    this.#deferred.push(...ids);
  }

  /** Waits for a fact; says where everything stands when it doesn't come true. */
  async until(fact: () => boolean | Promise<boolean>, what: string): Promise<void> {
    const deadline = Date.now() + PATIENCE;
    while (!(await fact())) {
      if (Date.now() > deadline)
        throw new Error(`not within a minute: ${what}\n${await this.#state()}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Whether nothing is left to do. */
  async isEmpty(): Promise<boolean> {
    return (await this.count(`select count(*) from ${this.schema}.jobs`)) === 0;
  }

  /** Waits until so many more runs have begun, or nothing is left to do. */
  async untilRuns(more: number): Promise<void> {
    const text = `select count(*) from ${this.schema}_runs`;
    const least = (await this.count(text)) + more;
    const enough = async (): Promise<boolean> =>
      (await this.count(text)) >= least || (await this.isEmpty());
    await this.until(enough, `${least} runs`);
  }

  /** Waits until a worker is in the middle of a job. */
  async untilRunning(hand: Hand): Promise<void> {
    const text = `select count(*) from ${this.schema}_runs where ended is null and worker = '${hand.name}'`;
    await this.until(async () => (await this.count(text)) > 0, `${hand.name} runs a job`);
  }

  /** Waits until nothing is left to do. */
  async untilEmpty(): Promise<void> {
    await this.until(() => this.isEmpty(), "the queue is empty");
  }

  /** How many rescues the queue has recorded. */
  async rescues(): Promise<number> {
    return await this.count(`select coalesce(sum(rescues), 0) from ${this.schema}.finished`);
  }

  /** Waits for the end of all jobs, dismisses the workers, and compares the books. */
  async audit(): Promise<void> {
    await this.untilEmpty();
    const left = this.hands.filter((hand) => !this.#gone.has(hand));
    await this.until(() => left.every(({ ready }) => ready), "the workers are ready");
    await Promise.all(left.map((hand) => this.dismiss(hand)));
    const { schema } = this;
    const wrong = async (text: string): Promise<unknown> => (await this.sql(text)).slice(0, 10);
    const deferred = `unnest('{${this.#deferred.join(",")}}'::bigint[]) as d(id)`;
    const jobs = `(select f.id, f.attempts, f.rescues, count(r.run) as runs, count(r.run) filter (where r.failed) as failures
      from ${schema}.finished f left join ${schema}_runs r on r.job_id = f.id group by f.id) j`;
    expect({
      "not succeeded": await wrong(
        `select d.id, f.status, f.error from ${deferred} left join ${schema}.finished f using (id) where f.status is distinct from 'succeeded'`,
      ),
      "more runs than recorded": await wrong(`select * from ${jobs} where runs > attempts`),
      "fewer runs than recorded": await wrong(
        `select * from ${jobs} where runs + rescues < attempts`,
      ),
      "more attempts than failures and rescues explain": await wrong(
        `select * from ${jobs} where attempts > 1 + failures + rescues`,
      ),
      "one lease twice": await wrong(
        `select job_id, lease, count(*) from ${schema}_runs group by 1, 2 having count(*) > 1`,
      ),
      "begun after it was taken away": await wrong(
        `select a.job_id, a.lease, a.worker, a.started, b.lease, b.worker, b.started
           from ${schema}_runs a join ${schema}_runs b on a.job_id = b.job_id and a.lease < b.lease and a.started > b.started`,
      ),
      "a lock violated": await wrong(
        `with spans as (
           select r.*, least(r.ended, lead(r.started) over (partition by r.job_id order by r.lease)) as till
             from ${schema}_runs r where r.lock is not null)
         select a.lock, a.job_id, a.lease, a.worker, a.started, a.till, b.job_id, b.lease, b.worker, b.started, b.till
           from spans a join spans b on a.lock = b.lock and a.job_id < b.job_id and a.started < b.till and b.started < a.till`,
      ),
      "still registered": await wrong(
        `select * from ${schema}.workers where last_heartbeat > clock_timestamp() - stalled_after * interval '1 millisecond'`,
      ),
    }).toEqual({
      "not succeeded": [],
      "more runs than recorded": [],
      "fewer runs than recorded": [],
      "more attempts than failures and rescues explain": [],
      "one lease twice": [],
      "begun after it was taken away": [],
      "a lock violated": [],
      "still registered": [],
    });
  }

  /** Kills a worker as it stands. */
  async slay(hand: Hand): Promise<void> {
    this.#gone.add(hand);
    hand.kill("SIGKILL");
    expect([await hand.ended, hand.stderr]).toEqual(["SIGKILL", ""]);
  }

  /** Has a worker stop by itself. */
  async dismiss(hand: Hand): Promise<void> {
    this.#gone.add(hand);
    await hand.dismiss();
  }

  async #state(): Promise<string> {
    const { schema } = this;
    const rows = async (text: string): Promise<string> =>
      (await this.sql(text).catch((error: unknown) => [[String(error)]]))
        .map((row) => row.join(" | "))
        .join("\n");
    return [
      "jobs:",
      await rows(
        `select id, lease, worker_id, state, attempts, rescues, lock, scheduled_at from ${schema}.jobs order by id limit 20`,
      ),
      "turns:",
      await rows(`select * from ${schema}.turns limit 20`),
      "workers:",
      await rows(`select *, clock_timestamp() - last_heartbeat from ${schema}.workers`),
      ...this.hands.map(
        ({ name, told, stderr }) =>
          `${name}: ${stderr} ${told
            .filter(({ kind }) => kind !== "heartbeat")
            .slice(-8)
            .map((one) => JSON.stringify(one))
            .join("\n  ")}`,
      ),
    ].join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const hand of this.hands) hand.kill("SIGKILL");
    await Promise.all(this.hands.map((hand) => hand.ended));
    await this.app.close();
    await this.sql(`drop schema if exists ${this.schema} cascade`);
    await this.sql(`drop table if exists ${this.schema}_runs`);
  }
}

/** A generator of chance that gives the same for the same seed. */
function chanceOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t ^= t + Math.imul(t ^ (t >>> 7), 61 | t);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
