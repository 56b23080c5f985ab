// Run by chaos.ts with its orders as JSON: one worker, in a process that tests kill, stop, freeze and cut off. What its jobs do is
// written into a ledger, through connections that no test touches on purpose, so that it can be compared with what the queue says.

import { randomUUID } from "node:crypto";
import { inspect } from "node:util";
import { ConnectionPool } from "../../../src/index.ts";
import type { Conninfo } from "../../../src/index.ts";
import { App } from "../../../src/queue/app.ts";
import { MahoutConnector } from "../../../src/queue/connectors/mahout.ts";
import type { RunOptions } from "../../../src/queue/connector.ts";
import type { JobContext } from "../../../src/queue/job-context.ts";
import type { Input, OperationName, Output } from "../../../src/queue/operations.ts";
import type { WorkerOptions } from "../../../src/queue/worker-options.ts";

/** How it is to work. */
export interface Orders {
  readonly name: string;
  readonly schema: string;
  readonly conninfo: Conninfo;
  /** Where the ledger is. */
  readonly ledger: Conninfo;
  /** The size of the pool. */
  readonly connections: number;
  readonly options: WorkerOptions;
}

/** What it tells, one line each. */
export interface Told {
  readonly kind: string;
  /** When, by the clock of this machine. */
  readonly at: number;
  /** Of a heartbeat: when it was begun, and whose jobs it has taken back. */
  readonly begun?: number;
  readonly rescued?: readonly number[];
  readonly detail?: string;
}

/** What a job is to do. */
export interface Errand {
  /** For how long. */
  readonly time: number;
  /** How often it fails before it succeeds. */
  readonly failures: number;
  /** How many jobs it defers, in a transaction. */
  readonly children: number;
}

const orders = JSON.parse(process.argv[2] ?? "{}") as Orders;
const pause = (time: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, time));
/** How long the ledger may be away. */
const PATIENCE = 60_000;

function tell(told: Omit<Told, "at">): void {
  process.stdout.write(`${JSON.stringify({ at: Date.now(), ...told })}\n`);
}

process.on("unhandledRejection", (error) => {
  console.error("unhandled rejection", error);
  process.exit(4);
});
// Its test has ended, however that was.
process.stdin.on("end", () => process.exit(9)).resume();

/** Tells of heartbeats. */
class Watched extends MahoutConnector {
  override async run<Name extends OperationName>(
    name: Name,
    input: Input<Name>,
    options?: RunOptions,
  ): Promise<Output<Name>> {
    const begun = Date.now();
    const output = await super.run(name, input, options);
    if (name === "heartbeat") {
      const { rescued } = output as Output<"heartbeat">;
      tell({ kind: "heartbeat", begun, rescued: rescued.map(({ jobId }) => jobId) });
    }
    return output;
  }
}

const ledger = new ConnectionPool(orders.ledger, { minSize: 1, maxSize: 2, timeout: 2_000 });
const pool = new ConnectionPool(orders.conninfo, { minSize: 1, maxSize: orders.connections });
const app = new App({ connector: new Watched(orders.conninfo, { schema: orders.schema }) });

/** Writes into the ledger, however long that takes: each statement may be executed twice. */
async function write(text: string, values: readonly unknown[]): Promise<void> {
  const deadline = Date.now() + PATIENCE;
  for (;;) {
    try {
      await ledger.query(text, values, { timeout: 5_000 });
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await pause(20);
    }
  }
}

const errand = app.task(
  { name: "errand", queue: "mayhem", retry: 1_000 },
  async ({ time, failures, children }: Errand, { job }: JobContext) => {
    const run = randomUUID();
    const table = `${orders.schema}_runs`;
    // By this machine's clock: a process may be frozen between what it does and what it writes.
    await write(
      `insert into ${table} (run, job_id, lease, lock, worker, started)
       values ($1, $2, $3, $4, $5, to_timestamp($6::float8 / 1000)) on conflict do nothing`,
      [run, job.id, job.lease, job.lock, orders.name, Date.now()],
    );
    const fails = job.attempts < failures;
    await pause(time);
    if (children > 0) {
      await pool.connection((conn) =>
        conn.transaction(async () => {
          const payloads = Array.from({ length: children }, () => ({
            time: 1,
            failures: 0,
            children: 0,
          }));
          await errand.configure({ connection: conn }).batchDefer(payloads);
        }),
      );
    }
    await write(
      `update ${table} set ended = to_timestamp($2::float8 / 1000), failed = $3 where run = $1 and ended is null`,
      [run, Date.now(), fails],
    );
    if (fails) throw new Error("as it was told");
  },
);

async function main(): Promise<void> {
  await pool.open({ wait: true });
  await app.open(pool);
  await app.runWorker({
    name: orders.name,
    queues: ["mayhem"],
    ...orders.options,
    onEvent: (event) => {
      if (event.kind.startsWith("job:") && event.kind !== "job:lost") return;
      const { error, reason, operation } = event as {
        error?: unknown;
        reason?: unknown;
        operation?: string;
      };
      const detail = [operation, inspect(error ?? reason, { depth: 0 })].join(" ");
      tell({ kind: event.kind, detail });
    },
  });
  await app.close();
  await pool.close();
  await ledger.close();
  // Nothing else may keep it alive.
  process.stdin.destroy();
}

main().catch((error: unknown) => {
  console.error(error);
  process.exit(3);
});
