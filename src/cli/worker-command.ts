/**
 * `mahout worker`: runs the jobs of an app, and shows how it goes.
 */
import type { App, WorkerEvent } from "../queue/index.ts";
import type { Output } from "./output.ts";

/** What has happened so far. */
class Tally {
  readonly counts = { succeeded: 0, failed: 0, retried: 0, aborted: 0, running: 0 };
  readonly #began = performance.now();

  take({ kind }: WorkerEvent): void {
    if (kind === "job:started") this.counts.running++;
    for (const end of ["succeeded", "failed", "retried", "aborted"] as const) {
      if (kind !== `job:${end}`) continue;
      this.counts[end]++;
      this.counts.running--;
    }
  }

  get line(): string {
    const { succeeded, failed, retried, aborted, running } = this.counts;
    const seconds = (performance.now() - this.#began) / 1000;
    const rate = ((succeeded + failed + aborted) / Math.max(seconds, 0.001)).toFixed(1);
    return `${running} running  ${succeeded} succeeded  ${failed} failed  ${retried} retried  ${aborted} aborted  ${rate} jobs/s`;
  }
}

/** How often the live line is drawn, in milliseconds. */
const REDRAW = 200;

/** Runs a worker until it is stopped. */
export async function runWorker(
  app: App,
  options: Parameters<App["runWorker"]>[0],
  output: Output,
  verbose: boolean,
): Promise<void> {
  const tally = new Tally();
  const { onEvent: also } = app.workerDefaults;
  const show = (event: WorkerEvent): void => {
    tally.take(event);
    if (output.json) return output.say("", { at: new Date(), ...event });
    const text = textOf(event, verbose);
    if (text !== null) output.say(`${new Date().toISOString()}  ${text}`, {});
  };
  const timer = output.live ? setInterval(() => output.show(tally.line), REDRAW) : null;
  try {
    // Beside the app's own, which goes on being told.
    const onEvent = (event: WorkerEvent): unknown => {
      show(event);
      return also?.(event);
    };
    await app.runWorker({ ...options, onEvent });
  } finally {
    if (timer) clearInterval(timer);
    output.say(tally.line, { kind: "worker:summary", ...tally.counts });
  }
}

/** What a person is told of an event; null for what only the counters show. */
function textOf(event: WorkerEvent, verbose: boolean): string | null {
  switch (event.kind) {
    case "worker:started":
      return `worker ${event.workerId} has started`;
    case "worker:stopping":
      return `stopping: waits for ${event.running} jobs, gave back ${event.released}`;
    case "worker:registered-again":
      return `was taken for dead; registered again as worker ${event.workerId}`;
    case "worker:deaf":
      return `hears nothing, asks from time to time${event.reason ? `: ${event.reason.message}` : ""}`;
    case "worker:listening":
      return "listens for jobs";
    case "storage:failed":
      return `${event.operation} failed, next attempt in ${event.delay} ms: ${String(event.error)}`;
    case "storage:back":
      return "the database can be used again";
    case "job:failed":
    case "job:aborted":
    case "job:retried":
      return `job ${event.job.id} (${event.job.taskName}) ${event.kind.slice(4)}: ${String(event.error)}`;
    case "job:abandoned":
      return `job ${event.job.id} (${event.job.taskName}) didn't end in time (${event.reason})`;
    case "job:lost":
      return `job ${event.jobId} had been given to another worker`;
    case "job:rescued":
      return `job ${event.rescue.jobId} was taken back from worker ${event.rescue.workerId}`;
    case "job:scheduled":
      return verbose ? `job ${event.jobId} (${event.taskName}) of a schedule` : null;
    case "job:started":
    case "job:succeeded":
      return verbose ? `job ${event.job.id} (${event.job.taskName}) ${event.kind.slice(4)}` : null;
    case "worker:stopped":
      return "stopped";
  }
}
