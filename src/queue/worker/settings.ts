/**
 * What can be said when a worker is started, and its checks. Times are milliseconds.
 */
import { inspect } from "node:util";
import { QueueConfigurationError } from "../errors.ts";
import type { WorkerEvent } from "./events.ts";

/** What is kept of jobs that have ended: everything, what failed or was aborted, or nothing. */
export type DeleteJobs = "never" | "successful" | "always";

/** How a worker works. */
export interface WorkerSettings {
  /** The queues that it takes jobs from; null, the default, for all of them. */
  readonly queues: readonly string[] | null;
  /** How it is called in events and listings; "worker" by default. */
  readonly name: string;
  /** How many jobs run at a time; 1 by default. */
  readonly concurrency: number;
  /**
   * How many more jobs it takes, so that the next one is at hand when one ends; 0 by default. Those that it
   * has not started when it stops go back as they were.
   */
  readonly prefetch: number;
  /** Whether it waits for jobs; with false it returns when there are none that could run. */
  readonly wait: boolean;
  /** Whether it listens for jobs; true by default. When it can't, it asks every `pollingInterval`. */
  readonly listenNotify: boolean;
  /** How often it asks for jobs while it hears nothing; 5,000 by default. While it listens, it asks twelve times as seldom. */
  readonly pollingInterval: number;
  /** What is removed when it ends; "never" by default. */
  readonly deleteJobs: DeleteJobs;
  /** For how long ended jobs are kept; null, the default, for ever. */
  readonly retention: number | null;
  /** How often it says that it is alive while it has jobs; 10,000 by default. */
  readonly heartbeatInterval: number;
  /** After what silence its jobs are taken back; 2.5 heartbeats by default. */
  readonly stalledWorkerTimeout: number;
  /** How often a job is taken back from dead workers before it counts as failed; 10 by default. */
  readonly maxRescues: number;
  /** How long running jobs are waited for when it stops, before they are aborted; 25,000 by default, null for ever. */
  readonly shutdownGracefulTimeout: number | null;
  /** How long an aborted job may take to end; after that it is left to itself. 5,000 by default. */
  readonly abortTimeout: number;
  /** Whether SIGINT and SIGTERM stop it; true by default. A second one ends the process as usual. */
  readonly installSignalHandlers: boolean;
  /** Stops it, as SIGTERM does. */
  readonly signal: AbortSignal | undefined;
  /** Called with what happens in it; see {@link WorkerEvent}. */
  readonly onEvent: ((event: WorkerEvent) => unknown) | undefined;
}

const DEFAULTS: WorkerSettings = {
  queues: null,
  name: "worker",
  concurrency: 1,
  prefetch: 0,
  wait: true,
  listenNotify: true,
  pollingInterval: 5_000,
  deleteJobs: "never",
  retention: null,
  heartbeatInterval: 10_000,
  stalledWorkerTimeout: 25_000,
  maxRescues: 10,
  shutdownGracefulTimeout: 25_000,
  abortTimeout: 5_000,
  installSignalHandlers: true,
  signal: undefined,
  onEvent: undefined,
};

/** Timers count no further. */
const LONGEST_TIME = 2 ** 31 - 1;

/** The limits of each number: least, most, and whether null is one of its values. */
const NUMBERS: readonly (readonly [keyof WorkerSettings, number, number, boolean])[] = [
  ["concurrency", 1, 10_000, false],
  ["prefetch", 0, 100_000, false],
  ["pollingInterval", 10, LONGEST_TIME, false],
  ["retention", 0, Number.MAX_SAFE_INTEGER, true],
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
export function settingsOf(options: Partial<WorkerSettings>): WorkerSettings {
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
  if (typeof name !== "string" || name === "") refuse("name", name, "a name");
  if (!DELETES.includes(deleteJobs)) refuse("deleteJobs", deleteJobs, DELETES.join(", "));
  if (queues !== null && !isNames(queues)) refuse("queues", queues, "names of queues, or null");
  if (signal !== undefined && typeof signal.addEventListener !== "function")
    refuse("signal", signal, "an AbortSignal");
  if (onEvent !== undefined && typeof onEvent !== "function")
    refuse("onEvent", onEvent, "a function");
  if (settings.stalledWorkerTimeout < 2 * heartbeatInterval)
    refuse("stalledWorkerTimeout", settings.stalledWorkerTimeout, "at least two heartbeats");
}

function isNames(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === "string");
}

function refuse(name: string, value: unknown, allowed: string): never {
  throw new QueueConfigurationError(`${name} must be ${allowed}, not ${inspect(value)}`);
}
