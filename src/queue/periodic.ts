/**
 * Tasks that run by a schedule: which there are, and which of their moments are due.
 *
 * Every worker asks, and every one tries to store the jobs; a moment is stored once, whoever is first. So nothing
 * here has to be known to more than one worker, and nothing is remembered but by those who ask.
 */
import { CronSchedule } from "./cron.ts";
import type { DeferOptions, JobTemplate } from "./defer-options.ts";
import { checkKnown, JOB_DEFAULTS, makeJob } from "./defer-options.ts";
import { QueueConfigurationError, TaskAlreadyRegistered } from "./errors.ts";
import type { NewJob } from "./job.ts";
import { isSpan } from "./schedule.ts";
import type { RegisteredTask } from "./task.ts";

/** What jobs of a schedule are called with, beside what was configured. */
export interface PeriodicPayload {
  /** The moment that the job is for, in seconds since 1970: it may run later than that. */
  readonly timestamp: number;
}

/** What schedules have in common, unless they say it themselves. */
export interface PeriodicDefaults {
  /** How late a moment may be for which no worker was there in time, in milliseconds; 600,000 by default, and 0 for never. */
  readonly catchUp?: number | undefined;
  /**
   * What a worker makes up for when it starts: of the moments that are not too late, the "last" one (the default) or "all".
   */
  readonly missed?: "last" | "all" | undefined;
  /** A name of the time zone database; "UTC" by default. */
  readonly timezone?: string | undefined;
}

/** A schedule, and what its jobs are like. */
export interface PeriodicOptions<Given = unknown>
  extends PeriodicDefaults, Omit<DeferOptions<Given>, "scheduleAt" | "scheduleIn" | "connection"> {
  /** Five fields (minute, hour, day, month, weekday), or six with the second first. */
  readonly cron: string;
  /** Tells schedules of one task apart; needed from the second one on. */
  readonly periodicId?: string | undefined;
}

/** A moment that is due, with its job. */
export interface PeriodicMoment {
  readonly job: NewJob;
  readonly periodicId: string;
  /** In seconds since 1970. */
  readonly timestamp: number;
  /** How late it may be, in milliseconds. */
  readonly catchUp: number;
}

const PERIODIC_OPTIONS = [
  "cron",
  "periodicId",
  "timezone",
  "catchUp",
  "missed",
  "payload",
  ...JOB_DEFAULTS,
];

/** One task by one schedule. */
export class PeriodicTask {
  readonly task: RegisteredTask;
  readonly options: PeriodicOptions;
  readonly periodicId: string;

  /** @throws QueueConfigurationError, or InvalidPayload, for what can't be meant. */
  constructor(task: RegisteredTask, options: PeriodicOptions) {
    checkKnown(options, PERIODIC_OPTIONS, "a schedule");
    this.task = task;
    this.options = options;
    this.periodicId = options.periodicId ?? "";
    const { timezone = "UTC", catchUp, missed } = options;
    checkDefaults({ timezone, catchUp, missed });
    // Told where it is said, though the app's defaults may give another time zone.
    void new CronSchedule(options.cron, timezone);
    this.job(0);
  }

  /** The job for a moment. */
  job(timestamp: number): NewJob {
    const { queue, priority, lock, queueingLock, payload } = this.options;
    const { name } = this.task;
    const template: JobTemplate = {
      name,
      queue: this.task.queue,
      priority: this.task.priority,
      lock: this.task.lock,
      queueingLock: this.task.queueingLock,
    };
    return makeJob(template, { queue, priority, lock, queueingLock, payload }, { timestamp });
  }
}

/** All schedules of an app or a blueprint. */
export class PeriodicRegistry {
  readonly #tasks = new Map<string, PeriodicTask>();

  /** The schedules, in the order in which they were made. */
  get periodicTasks(): readonly PeriodicTask[] {
    return [...this.#tasks.values()];
  }

  /**
   * Adds one.
   *
   * @throws TaskAlreadyRegistered when the task has one with the same periodicId.
   */
  add(periodic: PeriodicTask): void {
    const key = JSON.stringify([periodic.task.name, periodic.periodicId]);
    if (this.#tasks.has(key))
      throw new TaskAlreadyRegistered(
        `the task "${periodic.task.name}" has a schedule with the periodicId "${periodic.periodicId}" ` +
          "already: give them different ones",
      );
    this.#tasks.set(key, periodic);
  }

  /** A look at the schedules as they are now, for one worker. */
  clock(defaults: PeriodicDefaults = {}): PeriodicClock {
    return new PeriodicClock(this.periodicTasks, defaults);
  }
}

const CATCH_UP = 600_000;

interface Hand {
  readonly periodic: PeriodicTask;
  readonly schedule: CronSchedule;
  readonly catchUp: number;
  readonly missed: "last" | "all";
}

/** Says which moments are due. */
export class PeriodicClock {
  readonly #hands: readonly Hand[];

  /** @throws QueueConfigurationError for defaults that make no sense. */
  constructor(tasks: readonly PeriodicTask[], defaults: PeriodicDefaults = {}) {
    checkDefaults(defaults);
    this.#hands = tasks.map((periodic) => {
      const { cron, timezone, catchUp, missed } = periodic.options;
      return {
        periodic,
        schedule: new CronSchedule(cron, timezone ?? defaults.timezone ?? "UTC"),
        catchUp: catchUp ?? defaults.catchUp ?? CATCH_UP,
        missed: missed ?? defaults.missed ?? "last",
      };
    });
  }

  /** The first moment after `now` at which something is due, in milliseconds since 1970; null when there is none. */
  nextAfter(now: number): number | null {
    const moments = this.#hands
      .map(({ schedule }) => schedule.after(new Date(now))?.getTime())
      .filter((moment) => moment !== undefined);
    return moments.length === 0 ? null : Math.min(...moments);
  }

  /**
   * The moments after `since` up to `now` (milliseconds since 1970), the oldest first; those that are too late are left out.
   * With null, for a worker that starts, what it has to make up for.
   */
  due(since: number | null, now: number): PeriodicMoment[] {
    return this.#hands
      .flatMap((hand) => momentsOf(hand, since, now).map((moment) => momentOf(hand, moment)))
      .sort((one, other) => one.timestamp - other.timestamp);
  }
}

function momentsOf(hand: Hand, since: number | null, now: number): number[] {
  const { schedule, catchUp, missed } = hand;
  if (since === null && missed === "last") {
    const last = schedule.upTo(new Date(now))?.getTime();
    return last === undefined || now - last > catchUp ? [] : [last];
  }
  // A clock that was set back has nothing due, and a moment that is exactly as late as it may be still is.
  const from = Math.max(since ?? -Infinity, now - catchUp - 1);
  const moments: number[] = [];
  let moment = schedule.after(new Date(from))?.getTime();
  while (moment !== undefined && moment <= now) {
    moments.push(moment);
    moment = schedule.after(new Date(moment))?.getTime();
  }
  return moments;
}

function momentOf({ periodic, catchUp }: Hand, moment: number): PeriodicMoment {
  const timestamp = Math.floor(moment / 1000);
  return { job: periodic.job(timestamp), periodicId: periodic.periodicId, timestamp, catchUp };
}

function checkDefaults({ catchUp, missed }: PeriodicDefaults): void {
  if (catchUp !== undefined && !isSpan(catchUp))
    throw new QueueConfigurationError(
      `catchUp must be a number of milliseconds from 0, not ${String(catchUp)}`,
    );
  if (missed !== undefined && missed !== "last" && missed !== "all")
    throw new QueueConfigurationError(`missed must be "last" or "all", not ${String(missed)}`);
}
