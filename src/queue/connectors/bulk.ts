/**
 * Many jobs at once, through COPY.
 *
 * COPY gives no ids, so these are reserved first: what isn't used then is a gap in the sequence, and nothing else. The COPY is one statement, so all jobs are
 * stored, or none; the trigger of the table sees them all at once. Manual: COPY, "Text Format".
 */
import type { NewJob } from "../job.ts";

/** From how many jobs on COPY is the faster way: its two round trips cost more than they save before, and it is twice as fast with 900. */
export const COPY_FROM = 500;

/** How much is written at a time, in characters. */
const CHUNK = 65_536;

/** What is reserved for a bulk. */
export interface Reserved {
  /** An id for each job. */
  readonly ids: readonly number[];
  /** The server's time, in milliseconds. */
  readonly now: number;
}

const ESCAPES: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  "\t": "\\t",
  "\n": "\\n",
  "\r": "\\r",
};

function field(text: string | null): string {
  if (text === null) return "\\N";
  return /[\\\t\n\r]/.test(text) ? text.replaceAll(/[\\\t\n\r]/g, (sign) => ESCAPES[sign]!) : text;
}

/** The data of the COPY, in pieces. Columns: id, task, queue, payload, priority, lock, queueing lock, time, state. */
export function* bulkData(
  jobs: readonly NewJob[],
  { ids, now }: Reserved,
): Generator<string, void, undefined> {
  let text = "";
  for (const [index, job] of jobs.entries()) {
    const { taskName, queue, payload, priority, lock, queueingLock, scheduledAt, scheduledIn } =
      job;
    const at = scheduledAt?.getTime() ?? (scheduledIn === null ? null : now + scheduledIn);
    const state = lock !== null ? "b" : at !== null && at > now ? "s" : "r";
    const time = at === null ? null : new Date(at).toISOString();
    text +=
      `${ids[index]}\t${field(taskName)}\t${field(queue)}\t${field(JSON.stringify(payload ?? {}))}\t` +
      `${priority}\t${field(lock)}\t${field(queueingLock)}\t${field(time)}\t${state}\n`;
    if (text.length < CHUNK) continue;
    yield text;
    text = "";
  }
  if (text !== "") yield text;
}
