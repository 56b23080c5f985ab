/**
 * Listings: jobs and counts of them, from those that have ended and those that have not.
 *
 * The text holds only the conditions that are given, so that each question gets a plan of its own.
 */
import type { Job, JobCounts, JobFilter, WorkerRecord } from "../job.ts";
import type { Input } from "../operations.ts";
import type { Statement } from "../statement.ts";
import { countsOf, jobOf, workerOf } from "./rows.ts";

type Value = string | number | boolean | null;

const LIMIT = 1_000;

const millis = (column: string): string => `date_part('epoch', ${column}) * 1000 AS ${column}`;

const columns = (status: string, abortRequested: string, finishedAt: string): string => `
  id::double precision AS id, task_name, queue_name, payload::text AS payload, priority, lock, queueing_lock,
  ${millis("scheduled_at")}, ${millis("created_at")}, attempts, rescues, ${status} AS status,
  worker_id::double precision AS worker_id, ${abortRequested} AS abort_requested, ${millis("started_at")},
  ${finishedAt} AS finished_at, error`;

const LIVE_STATUS = "CASE state WHEN 'd' THEN 'doing' ELSE 'todo' END";
const liveColumns = columns(
  LIVE_STATUS,
  "EXISTS (SELECT FROM {schema}.aborts a WHERE a.job_id = jobs.id)",
  "NULL::double precision",
);
const endedColumns = columns("status", "false", "date_part('epoch', finished_at) * 1000");

/** The two tables with the conditions of a filter. */
class Sources {
  readonly values: Value[] = [];
  readonly #live: string[] = [];
  readonly #ended: string[] = [];
  #has = { live: true, ended: true };

  constructor(filter: JobFilter) {
    this.#both("id", filter.id, "bigint");
    this.#both("queue_name", filter.queue, "text");
    this.#both("task_name", filter.taskName, "text");
    this.#both("lock", filter.lock, "text");
    this.#both("queueing_lock", filter.queueingLock, "text");
    this.#both("worker_id", filter.workerId, "bigint");
    const { status } = filter;
    if (status === undefined) return;
    if (status === "todo" || status === "doing") {
      this.#live.push(status === "doing" ? "state = 'd'" : "state <> 'd'");
      this.#has = { live: true, ended: false };
    } else {
      this.#ended.push(`status = $${this.values.push(status)}::text`);
      this.#has = { live: false, ended: true };
    }
  }

  #both(column: string, value: string | number | undefined, type: string): void {
    if (value === undefined) return;
    const condition = `${column} = $${this.values.push(value)}::${type}`;
    this.#live.push(condition);
    this.#ended.push(condition);
  }

  /** A selection from both, or from the one that can have any. */
  select(live: string, ended: string, tail: string = ""): string {
    const parts: string[] = [];
    if (this.#has.live) parts.push(`SELECT ${live} FROM {schema}.jobs${where(this.#live)}${tail}`);
    if (this.#has.ended)
      parts.push(`SELECT ${ended} FROM {schema}.finished${where(this.#ended)}${tail}`);
    return parts.map((part) => `(${part})`).join(" UNION ALL ");
  }
}

function where(conditions: readonly string[]): string {
  return conditions.length === 0 ? "" : ` WHERE ${conditions.join(" AND ")}`;
}

/** Jobs, in the order of their ids. */
export function listJobs(filter: JobFilter): Statement<Job[]> {
  const sources = new Sources(filter);
  const tail = ` ORDER BY id LIMIT $${sources.values.push(filter.limit ?? LIMIT)}::bigint`;
  return {
    text: `SELECT * FROM (${sources.select(liveColumns, endedColumns, tail)}) j${tail}`,
    values: sources.values,
    read: (rows) => rows.map(jobOf),
  };
}

/** How many jobs there are for each value of a column. */
export function listCounts(
  column: "queue_name" | "task_name" | "lock",
  filter: JobFilter,
): Statement<JobCounts[]> {
  const sources = new Sources(filter);
  const counted = sources.select(
    `${column} AS name, ${LIVE_STATUS} AS status`,
    `${column} AS name, status`,
  );
  const counts = ["todo", "doing", "succeeded", "failed", "cancelled", "aborted"]
    .map((status) => `count(*) FILTER (WHERE status = '${status}')::double precision AS ${status}`)
    .join(", ");
  return {
    text: `SELECT name, count(*)::double precision AS total, ${counts} FROM (${counted}) j
           WHERE name IS NOT NULL GROUP BY name ORDER BY name
           LIMIT $${sources.values.push(filter.limit ?? LIMIT)}::bigint`,
    values: sources.values,
    read: (rows) => rows.map(countsOf),
  };
}

/** Workers, in the order of their ids. */
export function listWorkers(): Statement<WorkerRecord[]> {
  return {
    text: `SELECT id::double precision AS id, name, ${millis("started_at")}, ${millis("last_heartbeat")},
             (SELECT count(*) FROM {schema}.jobs j WHERE j.state = 'd' AND j.worker_id = w.id)::double precision AS jobs
           FROM {schema}.workers w ORDER BY w.id`,
    values: [],
    read: (rows) => rows.map(workerOf),
  };
}

/** Jobs whose workers are gone or silent. */
export function stalledJobs(input: Input<"stalledJobs">): Statement<Job[]> {
  const values: Value[] = [input.olderThan];
  const more = [
    ["queue_name", input.queue],
    ["task_name", input.taskName],
  ] as const;
  const conditions = more.flatMap(([column, value]) =>
    value === undefined ? [] : [` AND ${column} = $${values.push(value)}::text`],
  );
  return {
    text: `SELECT ${liveColumns} FROM {schema}.jobs WHERE state = 'd' AND NOT EXISTS (
             SELECT FROM {schema}.workers w WHERE w.id = jobs.worker_id
                AND w.last_heartbeat >= clock_timestamp() - $1::double precision * interval '1 millisecond'
           )${conditions.join("")} ORDER BY jobs.id`,
    values,
    read: (rows) => rows.map(jobOf),
  };
}
