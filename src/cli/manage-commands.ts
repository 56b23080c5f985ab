/**
 * The commands that look at jobs and change them: `defer`, `schema`, `shell`, `healthcheck`.
 */
import { createInterface } from "node:readline/promises";
import { AlreadyEnqueued } from "../queue/index.ts";
import type { App, JobFilter } from "../queue/index.ts";
import type { Output } from "./output.ts";

/** What `defer` is told. */
export interface DeferCommand {
  readonly task: string;
  readonly payload: unknown;
  readonly queue?: string | undefined;
  readonly lock?: string | undefined;
  readonly queueingLock?: string | undefined;
  readonly ignoreAlreadyEnqueued?: boolean | undefined;
  readonly at?: string | undefined;
  readonly in?: number | undefined;
  readonly priority?: number | undefined;
  readonly unknown?: boolean | undefined;
}

/** Stores one job. */
export async function defer(app: App, command: DeferCommand, output: Output): Promise<void> {
  const { task, payload, queue, lock, queueingLock, at, in: delay, priority } = command;
  const configured = app.configureTask(task, {
    allowUnknown: command.unknown === true,
    ...defined({ queue, lock, queueingLock, scheduleAt: at, scheduleIn: delay, priority }),
  });
  try {
    const id = await configured.defer(payload as Record<string, unknown>);
    output.say(`job ${id}`, { id });
  } catch (error) {
    if (!(command.ignoreAlreadyEnqueued === true && error instanceof AlreadyEnqueued)) throw error;
    output.say("a job with this queueing lock is waiting already", { id: null });
  }
}

/** What was given of an object's properties. */
function defined<T extends object>(given: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const said = Object.entries(given).filter(([, value]) => value !== undefined);
  return Object.fromEntries(said) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

/** Says what would keep workers from working; false then. */
export async function healthcheck(app: App, output: Output): Promise<boolean> {
  const checks: readonly (readonly [string, () => Promise<unknown>])[] = [
    ["the database answers", () => app.open()],
    ["the schema is there, in the right version", () => app.schemaManager.check()],
    ["the jobs can be read", () => app.jobManager.listJobs({ limit: 1 })],
  ];
  for (const [name, check] of checks) {
    try {
      await check();
      output.say(`ok      ${name}`, { check: name, ok: true });
    } catch (error) {
      output.say(`failed  ${name}: ${String(error)}`, { check: name, ok: false, error });
      return false;
    }
  }
  return true;
}

/** What can be said in the shell. */
export const SHELL_COMMANDS = [
  "jobs [queue=..] [task=..] [status=..] [lock=..] [id=..] [limit=..]",
  "queues | tasks | locks | workers",
  "retry <id>",
  "cancel <id> [abort] [delete]",
  "help | exit",
] as const;

const FILTERS: Readonly<Record<string, string>> = {
  queue: "queue",
  task: "taskName",
  status: "status",
  lock: "lock",
  queueinglock: "queueingLock",
  id: "id",
  worker: "workerId",
  limit: "limit",
};

/** Carries out one line of the shell; false when it was the last. */
export async function shellLine(app: App, line: string, output: Output): Promise<boolean> {
  const [command = "", ...words] = line.trim().split(/\s+/);
  const { jobManager } = app;
  switch (command.replaceAll("-", "_").replace(/^list_/, "")) {
    case "":
      return true;
    case "jobs":
      output.list((await jobManager.listJobs(filterOf(words))).map(shorten), "no jobs");
      return true;
    case "queues":
      output.list(await jobManager.listQueues(filterOf(words)), "no queues");
      return true;
    case "tasks":
      output.list(await jobManager.listTasks(filterOf(words)), "no tasks");
      return true;
    case "locks":
      output.list(await jobManager.listLocks(filterOf(words)), "no locks");
      return true;
    case "workers":
      output.list(await jobManager.listWorkers(), "no workers");
      return true;
    case "retry":
      return report(output, await jobManager.retryJobById(idOf(words)), words, "is to run again");
    case "cancel": {
      const abort = words.includes("abort");
      const remove = words.includes("delete");
      const done = await jobManager.cancelJobById(idOf(words), { abort, remove });
      return report(output, done, words, abort ? "is cancelled, or to stop" : "is cancelled");
    }
    case "exit":
    case "quit":
      return false;
    case "help":
      for (const text of SHELL_COMMANDS) output.say(text, { command: text });
      return true;
    default:
      throw new TypeError(`there is no command "${command}"; "help" lists them`);
  }
}

/** Reads lines until there are no more. */
export async function shell(
  app: App,
  input: NodeJS.ReadableStream & { readonly isTTY?: boolean },
  output: Output,
): Promise<void> {
  const isTyped = input.isTTY === true;
  const lines = createInterface({ input, output: process.stdout, terminal: isTyped });
  const prompt = (): void => {
    if (isTyped) lines.prompt();
  };
  lines.setPrompt("mahout> ");
  prompt();
  for await (const line of lines) {
    try {
      if (!(await shellLine(app, line, output))) break;
    } catch (error) {
      output.say((error as Error).message, { error });
      if (!isTyped) output.failed = true;
    }
    prompt();
  }
  lines.close();
}

function filterOf(words: readonly string[]): JobFilter {
  const filter: Record<string, string | number> = {};
  for (const word of words) {
    const [name = "", ...rest] = word.split("=");
    const value = rest.join("=");
    const key = FILTERS[name.replaceAll(/[-_]/g, "").toLowerCase()];
    if (key === undefined || value === "")
      throw new TypeError(
        `"${word}" is no filter; they are ${Object.keys(FILTERS).join("=.., ")}=..`,
      );
    filter[key] = /^(?:id|workerId|limit)$/.test(key) ? Number(value) : value;
  }
  return filter as JobFilter;
}

function idOf([id = ""]: readonly string[]): number {
  if (!/^\d+$/.test(id)) throw new TypeError(`a job's id is a number, not "${id}"`);
  return Number(id);
}

function report(output: Output, done: boolean, [id = ""]: readonly string[], what: string): true {
  const text = done ? `job ${id} ${what}` : `job ${id} can't: it isn't there, has ended, or runs`;
  output.say(text, { id: Number(id), done });
  if (!done) output.failed = true;
  return true;
}

/** A job in a listing: what is in every row of interest to people. */
function shorten(
  job: Awaited<ReturnType<App["jobManager"]["listJobs"]>>[number],
): object & Record<string, unknown> {
  const { id, status, taskName, queue, priority, lock, attempts, scheduledAt, payload, error } =
    job;
  const reason = error === null ? null : (error.split("\n")[0] ?? null);
  return {
    id,
    status,
    taskName,
    queue,
    priority,
    lock,
    attempts,
    scheduledAt,
    payload,
    error: reason,
  };
}
