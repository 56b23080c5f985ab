/**
 * What can be said when a worker is started, and its checks. Times are milliseconds.
 */
import { inspect } from "node:util";
import { LONGEST_TIME } from "../../pool/clock.ts";
import { checkName } from "../defer-options.ts";
import { QueueConfigurationError } from "../errors.ts";
import type { TaskMiddleware, WorkerMiddleware } from "../middleware.ts";
import type { Retention, WorkerOptions } from "../worker-options.ts";
import type { WorkerEvent } from "./events.ts";

/** What a worker goes by: its options with nothing left open. */
export interface WorkerSettings {
  /** Null for all. */
  readonly queues: readonly string[] | null;
  readonly name: string;
  readonly concurrency: number;
  readonly prefetch: number;
  readonly wait: boolean;
  readonly listenNotify: boolean;
  readonly pollingInterval: number;
  readonly deleteJobs: DeleteJobs;
  readonly retention: Retention;
  readonly heartbeatInterval: number;
  readonly stalledWorkerTimeout: number;
  readonly maxRescues: number;
  /** Null: running jobs are waited for without end. */
  readonly shutdownGracefulTimeout: number | null;
  readonly abortTimeout: number;
  readonly installSignalHandlers: boolean;
  readonly signal: AbortSignal | undefined;
  readonly onEvent: ((event: WorkerEvent) => unknown) | undefined;
  readonly taskMiddleware: readonly TaskMiddleware[];
  readonly workerMiddleware: readonly WorkerMiddleware[];
  readonly additionalContext: Readonly<Record<string, unknown>>;
}

/** What is removed when it ends. */
export type DeleteJobs = NonNullable<WorkerOptions["deleteJobs"]>;

const DEFAULTS: WorkerSettings = {
  queues: null,
  name: "worker",
  concurrency: 1,
  prefetch: 0,
  wait: true,
  listenNotify: true,
  pollingInterval: 5_000,
  deleteJobs: "never",
  retention: {},
  heartbeatInterval: 10_000,
  stalledWorkerTimeout: 25_000,
  maxRescues: 10,
  shutdownGracefulTimeout: 25_000,
  abortTimeout: 5_000,
  installSignalHandlers: true,
  signal: undefined,
  onEvent: undefined,
  taskMiddleware: [],
  workerMiddleware: [],
  additionalContext: {},
};

/** A hundred years: the server can't reckon much farther back than to its year 1. */
const LONGEST_RETENTION = 3_153_600_000_000;

const ENDS = ["succeeded", "failed", "cancelled", "aborted"];
/** The limits of each number: least, most, and whether null is one of its values. */
const NUMBERS: readonly (readonly [keyof WorkerSettings, number, number, boolean])[] = [
  ["concurrency", 1, 10_000, false],
  ["prefetch", 0, 100_000, false],
  ["pollingInterval", 10, LONGEST_TIME, false],
  ["heartbeatInterval", 10, LONGEST_TIME / 10, false],
  ["stalledWorkerTimeout", 10, LONGEST_TIME, false],
  ["maxRescues", 0, 1_000_000, false],
  ["shutdownGracefulTimeout", 0, LONGEST_TIME, true],
  ["abortTimeout", 0, LONGEST_TIME, false],
];
const WHOLE = new Set<keyof WorkerSettings>(["concurrency", "prefetch", "maxRescues"]);
const FLAGS = ["wait", "listenNotify", "installSignalHandlers"] as const;
const DELETES: readonly unknown[] = ["never", "successful", "always"];

/**
 * Fills in what was left open.
 *
 * @throws QueueConfigurationError for unknown names and values that make no sense, naming them.
 */
export function settingsOf(options: WorkerOptions): WorkerSettings {
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(DEFAULTS, name)) {
      const known = Object.keys(DEFAULTS).join(", ");
      throw new QueueConfigurationError(`workers have no option "${name}"; there are ${known}`);
    }
  }
  const said = Object.entries(options).filter(([, value]) => value !== undefined);
  const given = Object.fromEntries(said) as Partial<WorkerSettings>;
  const beat = given.heartbeatInterval ?? DEFAULTS.heartbeatInterval;
  const settings = { ...DEFAULTS, stalledWorkerTimeout: 2.5 * beat, ...given };
  check(settings);
  return settings;
}

function check(settings: WorkerSettings): void {
  for (const [name, least, most, nullable] of NUMBERS) {
    const value = settings[name];
    if (nullable && value === null) continue;
    const whole = !WHOLE.has(name) || Number.isInteger(value);
    if (typeof value === "number" && value >= least && value <= most && whole) continue;
    const kind = WHOLE.has(name) ? "a whole number" : "a number of milliseconds";
    refuse(name, value, `${kind} from ${least} to ${most}${nullable ? ", or null" : ""}`);
  }
  for (const name of FLAGS) {
    if (typeof settings[name] !== "boolean") refuse(name, settings[name], "true or false");
  }
  const { queues, name, deleteJobs, signal, onEvent, heartbeatInterval } = settings;
  checkName(name, "name");
  if (!DELETES.includes(deleteJobs)) refuse("deleteJobs", deleteJobs, DELETES.join(", "));
  if (queues !== null) {
    if (!Array.isArray(queues) || queues.length === 0)
      refuse("queues", queues, "names of queues, or null");
    for (const queue of queues) checkName(queue, "the name of a queue");
  }
  if (signal !== undefined && typeof signal.addEventListener !== "function")
    refuse("signal", signal, "an AbortSignal");
  if (onEvent !== undefined && typeof onEvent !== "function")
    refuse("onEvent", onEvent, "a function");
  if (typeof settings.retention !== "object" || settings.retention === null)
    refuse("retention", settings.retention, `an object with times for ${ENDS.join(", ")}`);
  for (const [status, time] of Object.entries(settings.retention)) {
    if (!ENDS.includes(status)) refuse("retention", status, `a time for ${ENDS.join(", ")}`);
    if (time === undefined || time === Infinity) continue;
    if (!(typeof time === "number" && time >= 0 && time <= LONGEST_RETENTION))
      refuse(
        `retention.${status}`,
        time,
        `a number of milliseconds from 0 to ${LONGEST_RETENTION}, or Infinity`,
      );
  }
  for (const key of ["taskMiddleware", "workerMiddleware"] as const) {
    const list: readonly unknown[] = settings[key];
    if (!Array.isArray(list) || !list.every((one) => typeof one === "function"))
      refuse(key, list, "a list of functions");
  }
  if (settings.stalledWorkerTimeout < 2 * heartbeatInterval)
    refuse("stalledWorkerTimeout", settings.stalledWorkerTimeout, "at least two heartbeats");
}

function refuse(name: string, value: unknown, allowed: string): never {
  throw new QueueConfigurationError(`${name} must be ${allowed}, not ${inspect(value)}`);
}
