/**
 * The one place at which an app meets the worker: what a worker needs of tasks and schedules is taken from the app here.
 */
import type { App } from "../app.ts";
import type { JobContext } from "../job-context.ts";
import { surround } from "../middleware.ts";
import type { WorkerHandle } from "../middleware.ts";
import { readRetryDecision } from "../retry.ts";
import type { RegisteredTask } from "../task.ts";
import type { WorkerOptions } from "../worker-options.ts";
import type { Invocation, Performer } from "./performance.ts";
import { settingsOf } from "./settings.ts";
import type { WorkerSettings } from "./settings.ts";
import { Worker } from "./worker.ts";

/** Runs a worker until it is stopped, or with `wait: false` until there is nothing left to do. */
export async function runWorker(app: App, options: WorkerOptions): Promise<void> {
  const settings = settingsOf(options);
  const performers = new Map<RegisteredTask, Performer>();
  const worker = new Worker(
    {
      connector: app.connector,
      schedules: app.periodicRegistry.clock(app.periodicDefaults),
      find(taskName, handle) {
        const task = app.tasks.get(taskName);
        if (task === undefined) return undefined;
        let performer = performers.get(task);
        if (performer === undefined) {
          performer = performerOf(app, task, settings, handle);
          performers.set(task, performer);
        }
        return performer;
      },
    },
    settings,
  );
  let run = (): Promise<unknown> => worker.run();
  for (const middleware of settings.workerMiddleware.toReversed()) {
    const next = run;
    run = () => middleware(next, worker.handle);
  }
  await run();
}

function performerOf(
  app: App,
  task: RegisteredTask,
  settings: WorkerSettings,
  handle: WorkerHandle,
): Performer {
  const { taskMiddleware, additionalContext, name } = settings;
  const layers = [...taskMiddleware, ...task.middleware];
  const call = (context: JobContext): unknown => task.run(context);
  const surrounded = layers.length === 0 ? call : surround(layers, call);
  return {
    timeout: task.timeout,
    perform: (invocation) =>
      surrounded(new Context(app, task, name, invocation, { ...additionalContext }), handle),
    decide(error, job) {
      const decision = task.retry?.getRetryDecision({ error, job }) ?? null;
      return decision === null ? null : readRetryDecision(decision);
    },
  };
}

/** What a task's function is given. */
class Context implements JobContext {
  readonly app: App;
  readonly task: RegisteredTask;
  readonly workerName: string;
  readonly additional: Readonly<Record<string, unknown>>;
  readonly #invocation: Invocation;

  constructor(
    app: App,
    task: RegisteredTask,
    workerName: string,
    invocation: Invocation,
    additional: Readonly<Record<string, unknown>>,
  ) {
    this.app = app;
    this.task = task;
    this.workerName = workerName;
    this.#invocation = invocation;
    this.additional = additional;
  }

  get job(): JobContext["job"] {
    return this.#invocation.job;
  }

  get signal(): AbortSignal {
    return this.#invocation.signal;
  }

  get startTime(): Date {
    return this.#invocation.startTime;
  }

  get abortReason(): JobContext["abortReason"] {
    return this.#invocation.abortReason;
  }

  shouldAbort(): boolean {
    return this.abortReason !== null;
  }
}
