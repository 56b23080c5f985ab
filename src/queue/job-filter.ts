/**
 * The check of what listings are narrowed down by: a filter that means nothing would list nothing, or everything, without a word.
 */
import { checkKnown } from "./defer-options.ts";
import { QueueConfigurationError } from "./errors.ts";
import type { JobFilter, JobStatus } from "./job.ts";

const TEXTS = ["queue", "taskName", "lock", "queueingLock"] as const;
const NUMBERS = ["id", "workerId", "limit"] as const;
const STATUSES: Readonly<Record<JobStatus, true>> = {
  todo: true,
  doing: true,
  succeeded: true,
  failed: true,
  cancelled: true,
  aborted: true,
};

/**
 * Gives the filter back if it can be meant.
 *
 * @throws QueueConfigurationError naming what can't.
 */
export function checkFilter(filter: JobFilter): JobFilter {
  checkKnown(filter, [...TEXTS, ...NUMBERS, "status"], "a filter of jobs");
  for (const name of TEXTS)
    if (filter[name] !== undefined && typeof filter[name] !== "string")
      throw refusal(name, filter[name], "a string");
  for (const name of NUMBERS) {
    const value = filter[name];
    if (value !== undefined && !(Number.isSafeInteger(value) && value >= 0))
      throw refusal(name, value, "a whole number from 0");
  }
  const { status } = filter;
  if (status !== undefined && !Object.hasOwn(STATUSES, status))
    throw refusal("status", status, Object.keys(STATUSES).join(", "));
  return filter;
}

function refusal(name: string, value: unknown, allowed: string): QueueConfigurationError {
  return new QueueConfigurationError(
    `${name} of a filter of jobs must be ${allowed}, not ${String(value)}`,
  );
}
