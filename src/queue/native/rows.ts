/**
 * Rows of the native schema as what operations give. Numbers and moments come as double precision, documents as text: all drivers agree on these.
 */
import type { ClaimedJob, Job, JobCounts, JobStatus, WorkerRecord } from "../job.ts";
import type { AnyRow } from "../statement.ts";

/** A number, however the driver gives it; null when there is none. */
export function numberOf(value: unknown): number | null {
  return value === null || value === undefined ? null : Number(value);
}

/** A moment told in milliseconds. */
function momentOf(value: unknown): Date | null {
  const milliseconds = numberOf(value);
  return milliseconds === null ? null : new Date(Math.floor(milliseconds));
}

/** A document; some drivers have read it already. */
export function documentOf(value: unknown): unknown {
  return typeof value === "string" ? (JSON.parse(value) as unknown) : value;
}

function textOf(value: unknown): string | null {
  return (value ?? null) as string | null;
}

/** What listings and claims have in common. */
function coreOf(row: AnyRow): Omit<ClaimedJob, "lease"> {
  return {
    id: Number(row["id"]),
    taskName: row["task_name"] as string,
    queue: row["queue_name"] as string,
    payload: JSON.parse(row["payload"] as string) as unknown,
    priority: Number(row["priority"]),
    lock: textOf(row["lock"]),
    queueingLock: textOf(row["queueing_lock"]),
    scheduledAt: momentOf(row["scheduled_at"]),
    createdAt: momentOf(row["created_at"]) as Date,
    attempts: Number(row["attempts"]),
    rescues: Number(row["rescues"]),
  };
}

/** A row of an exchange that is a job. */
export function claimedOf(row: AnyRow): ClaimedJob {
  return { ...coreOf(row), lease: Number(row["lease"]) };
}

/** A row of a listing. */
export function jobOf(row: AnyRow): Job {
  return {
    ...coreOf(row),
    status: row["status"] as JobStatus,
    workerId: numberOf(row["worker_id"]),
    abortRequested: row["abort_requested"] === true,
    startedAt: momentOf(row["started_at"]),
    finishedAt: momentOf(row["finished_at"]),
    error: textOf(row["error"]),
  };
}

/** A row of counts. */
export function countsOf(row: AnyRow): JobCounts {
  return {
    name: row["name"] as string,
    total: Number(row["total"]),
    todo: Number(row["todo"]),
    doing: Number(row["doing"]),
    succeeded: Number(row["succeeded"]),
    failed: Number(row["failed"]),
    cancelled: Number(row["cancelled"]),
    aborted: Number(row["aborted"]),
  };
}

/** A row that is a worker. */
export function workerOf(row: AnyRow): WorkerRecord {
  return {
    id: Number(row["id"]),
    name: row["name"] as string,
    startedAt: momentOf(row["started_at"]) as Date,
    lastHeartbeat: momentOf(row["last_heartbeat"]) as Date,
    jobs: Number(row["jobs"]),
  };
}
