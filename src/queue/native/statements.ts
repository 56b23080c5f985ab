/**
 * The operations of the native schema as statements. Most of them call a function: what a function says can be told apart by version, so that
 * workers of two versions can work on one schema.
 */
import type { NewJob, Outcome, Rescue } from "../job.ts";
import type { Exchanged, Input, OperationName, Output } from "../operations.ts";
import type { AnyRow, Statement } from "../statement.ts";
import { listCounts, listJobs, listWorkers, stalledJobs } from "./listing.ts";
import { claimedOf, documentOf, numberOf } from "./rows.ts";

type Statements = {
  readonly [Name in OperationName]: (input: Input<Name>) => Statement<Output<Name>>;
};

const first = (rows: readonly AnyRow[], column: string): unknown => rows[0]?.[column];

/** A list of numbers as an array of PostgreSQL. */
const arrayOf = (numbers: readonly number[]): string => `{${numbers.join()}}`;

/** A list of texts as an array of PostgreSQL. */
function textArrayOf(texts: readonly string[]): string {
  const quoted = texts.map((text) => `"${text.replaceAll(/["\\]/g, "\\$&")}"`);
  return `{${quoted.join()}}`;
}

/** A job as the server unpacks it. */
function packed(job: NewJob): Record<string, unknown> {
  const { taskName, queue, payload, priority, lock, queueingLock, scheduledAt, scheduledIn } = job;
  return {
    task: taskName,
    queue,
    payload,
    priority,
    lock,
    queueing: queueingLock,
    at: scheduledAt?.getTime() ?? null,
    in: scheduledIn,
  };
}

const GIVEN = `json_to_recordset($1::json) AS (
  task text, queue text, payload jsonb, priority integer, lock text, queueing text,
  at double precision, "in" double precision)`;
const MOMENT = `CASE WHEN j.at IS NOT NULL THEN to_timestamp(j.at / 1000)
  WHEN j."in" IS NOT NULL THEN clock_timestamp() + j."in" * interval '1 millisecond' END`;
const STORED = "task_name, queue_name, payload, priority, lock, queueing_lock, scheduled_at, state";
const UNPACKED = `j.task, j.queue, coalesce(j.payload, '{}'), j.priority, j.lock, j.queueing, m.at,
  CASE WHEN j.lock IS NOT NULL THEN 'b' WHEN m.at > clock_timestamp() THEN 's' ELSE 'r' END::"char"`;

const DEFER = `
INSERT INTO {schema}.jobs (${STORED})
SELECT ${UNPACKED} FROM ROWS FROM (${GIVEN}) WITH ORDINALITY AS j CROSS JOIN LATERAL (SELECT ${MOMENT} AS at) m
ORDER BY j.ordinality
RETURNING id::double precision AS id`;

const DEFER_SKIPPING = `
WITH given AS MATERIALIZED (
  SELECT nextval({ids}::regclass) AS id, j.* FROM ROWS FROM (${GIVEN}) WITH ORDINALITY AS j
), stored AS (
  INSERT INTO {schema}.jobs (id, ${STORED}) OVERRIDING SYSTEM VALUE
  SELECT j.id, ${UNPACKED} FROM given j CROSS JOIN LATERAL (SELECT ${MOMENT} AS at) m ORDER BY j.ordinality
  ON CONFLICT DO NOTHING RETURNING id
)
SELECT s.id::double precision AS id FROM given g LEFT JOIN stored s ON s.id = g.id ORDER BY g.ordinality`;

/** What a bulk needs before it can be copied: its ids, and the server's time. */
export const RESERVE: string = `
SELECT string_agg(nextval({ids}::regclass)::text, ',') AS ids, date_part('epoch', clock_timestamp()) * 1000 AS now
  FROM generate_series(1, $1::integer)`;
/** The COPY of a bulk. */
export const COPY: string = `COPY {schema}.jobs (id, ${STORED}) FROM STDIN`;

/** Reads what {@link RESERVE} gives. */
export function readReserved(rows: readonly AnyRow[]): { ids: number[]; now: number } {
  const ids = (first(rows, "ids") as string).split(",").map(Number);
  return { ids, now: Number(first(rows, "now")) };
}

/** What tells whether a key was given at all: null is a lock that is taken away. */
const relocked = (change: { readonly lock?: string | null | undefined }): object =>
  change.lock === undefined ? {} : { relock: true, lock: change.lock };

function packedOutcome(outcome: Outcome): object {
  return outcome.kind === "retry" ? { ...outcome, ...relocked(outcome) } : outcome;
}

/** Whether an outcome can go the short way: a success that is like the others. */
function exchange(input: Input<"exchange">): Statement<Exchanged> {
  const { workerId, outcomes, claim, queues } = input;
  const done: Outcome[] = [];
  const others: Outcome[] = [];
  let remove: boolean | null = null;
  for (const outcome of outcomes) {
    if (outcome.kind === "succeeded" && outcome.error === null) {
      remove ??= outcome.remove;
      if (outcome.remove === remove) {
        done.push(outcome);
        continue;
      }
    }
    others.push(outcome);
  }
  done.sort((one, other) => one.id - other.id);
  return {
    text: "SELECT * FROM {schema}.exchange_v1($1::bigint, $2::bigint[], $3::bigint[], $4::boolean, $5::jsonb, $6::integer, $7::text[])",
    values: [
      workerId,
      arrayOf(done.map(({ id }) => id)),
      arrayOf(done.map(({ lease }) => lease)),
      remove ?? false,
      others.length === 0 ? null : JSON.stringify(others.map(packedOutcome)),
      claim,
      queues === null ? null : textArrayOf(queues),
    ],
    read: readExchange,
  };
}

function readExchange(rows: readonly AnyRow[]): Exchanged {
  const rest = JSON.parse(rows.at(-1)?.["payload"] as string) as Omit<Exchanged, "jobs">;
  const jobs = rows.slice(0, -1).map(claimedOf);
  return { jobs, lost: rest.lost, nextDueIn: rest.nextDueIn, registered: rest.registered };
}

const counted = (rows: readonly AnyRow[]): number => Number(first(rows, "count"));

/** The operations. */
export const STATEMENTS: Statements = {
  deferJobs: ({ jobs, skipTaken }) => ({
    text: skipTaken ? DEFER_SKIPPING : DEFER,
    values: [JSON.stringify(jobs.map(packed))],
    read: (rows) => rows.map((row) => numberOf(row["id"])),
  }),
  deferPeriodic: ({ job, periodicId, timestamp, catchUp }) => ({
    text: `SELECT {schema}.defer_periodic_v1($2::text, $3::bigint, j.task, coalesce(j.payload, '{}'), j.queue, j.priority,
             j.lock, j.queueing, m.at, $4::bigint)::double precision AS id
           FROM ${GIVEN.replace(" AS (", " AS j(")} CROSS JOIN LATERAL (SELECT ${MOMENT} AS at) m`,
    values: [
      JSON.stringify([packed(job)]),
      periodicId,
      timestamp,
      Math.ceil(Math.min(catchUp, 8.64e15) / 1000),
    ],
    read: (rows) => numberOf(first(rows, "id")),
  }),
  exchange,
  registerWorker: ({ name, stalledAfter }) => ({
    text: "INSERT INTO {schema}.workers (name, stalled_after) VALUES ($1::text, $2::double precision) RETURNING id::double precision AS id",
    values: [name, stalledAfter],
    read: (rows) => Number(first(rows, "id")),
  }),
  unregisterWorker: ({ workerId }) => ({
    text: "SELECT {schema}.unregister_worker_v1($1::bigint)::text AS done",
    values: [workerId],
    read: () => undefined,
  }),
  heartbeat: ({ workerId, maxRescues }) => ({
    text: "SELECT {schema}.heartbeat_v1($1::bigint, $2::integer)::text AS beat",
    values: [workerId, maxRescues],
    read: (rows) => {
      const beat = documentOf(first(rows, "beat")) as Output<"heartbeat">;
      return { ...beat, rescued: beat.rescued as readonly Rescue[] };
    },
  }),
  reconcile: ({ workerId, successor, held }) => ({
    text: "SELECT to_json({schema}.reconcile_v1($1::bigint, $2::bigint, $3::bigint[], $4::bigint[]))::text AS ids",
    values: [
      workerId,
      successor,
      arrayOf(held.map(({ id }) => id)),
      arrayOf(held.map(({ lease }) => lease)),
    ],
    read: (rows) => documentOf(first(rows, "ids")) as number[] | null,
  }),
  cancelJob: ({ id, abort, remove }) => ({
    text: "SELECT {schema}.cancel_job_v1($1::bigint, $2::boolean, $3::boolean) AS done",
    values: [id, abort, remove],
    read: (rows) => first(rows, "done") === true,
  }),
  retryJob: ({ id, ...change }) => ({
    text: "SELECT {schema}.retry_job_v1($1::bigint, $2::jsonb) AS done",
    values: [id, JSON.stringify({ id, ...change, ...relocked(change) })],
    read: (rows) => first(rows, "done") === true,
  }),
  jobStatus: ({ id }) => {
    const listing = listJobs({ id, limit: 1 });
    return { ...listing, read: (rows) => listing.read(rows)[0]?.status ?? null };
  },
  listJobs,
  listQueues: (filter) => listCounts("queue_name", filter),
  listTasks: (filter) => listCounts("task_name", filter),
  listLocks: (filter) => listCounts("lock", filter),
  listWorkers,
  stalledJobs,
  deleteFinished: ({ olderThan, statuses, queue, limit }) => ({
    text: `WITH gone AS (
             DELETE FROM {schema}.finished f WHERE f.id = ANY (ARRAY(
               SELECT o.id FROM {schema}.finished o
                WHERE o.finished_at < clock_timestamp() - $1::double precision * interval '1 millisecond'
                  AND o.status = ANY ($2::text[]) AND ($3::text IS NULL OR o.queue_name = $3::text)
                ORDER BY o.finished_at LIMIT $4::bigint FOR UPDATE SKIP LOCKED))
             RETURNING f.id
           ) SELECT count(*)::double precision AS count FROM gone`,
    values: [olderThan, textArrayOf(statuses), queue ?? null, limit],
    read: counted,
  }),
  // A table that may not be there can't be named in a statement.
  schemaVersion: () => ({
    text: `SELECT CASE WHEN to_regclass({version}) IS NOT NULL THEN substring(query_to_xml(
             'SELECT max(version) AS v FROM ' || {version}, false, true, '')::text FROM '<v>(\\d+)</v>')::integer END AS version`,
    values: [],
    read: (rows) => numberOf(first(rows, "version")),
  }),
};
