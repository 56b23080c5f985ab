/**
 * When a schedule's moments are. Only this file knows the library that reads cron expressions, croner: fields, names, steps, time
 * zones and what happens when clocks change are full of cases that are easily got wrong.
 *
 * Five fields are minute, hour, day of the month, month and day of the week; of six, the first is the second. Where clocks
 * go forward, a time that isn't comes as much later; where they go back, a single time of day comes once, and every-so-often goes on.
 */
import { Cron } from "croner";
import { QueueConfigurationError } from "./errors.ts";

/** The moments of one schedule. */
export class CronSchedule {
  readonly #cron: Cron;
  /** The expression. */
  readonly expression: string;
  readonly timezone: string;

  /**
   * @param timezone a name of the time zone database, as "Europe/Paris".
   * @throws QueueConfigurationError for what can't be read, and for what never comes.
   */
  constructor(expression: string, timezone: string) {
    this.expression = expression;
    this.timezone = timezone;
    try {
      // A bare date is a pattern to the library; here it is a mistake.
      if (/\d-\d+-\d|T\d/.test(expression)) throw new Error("it is a date");
      this.#cron = new Cron(expression, { timezone, mode: "5-or-6-parts", paused: true });
      if (this.#cron.nextRun(new Date()) === null) throw new Error("it never comes");
    } catch (error) {
      const shown = `${JSON.stringify(expression)} in the time zone ${JSON.stringify(timezone)}`;
      throw new QueueConfigurationError(
        `the cron expression ${shown} can't be used: ${(error as Error).message}`,
        { cause: error },
      );
    }
  }

  /** The first moment after the given one; null when there is none. */
  after(moment: Date): Date | null {
    return this.#cron.nextRun(moment);
  }

  /** The last moment that is not after the given one; null when there is none. */
  upTo(moment: Date): Date | null {
    // The library leaves out the moment itself, and knows whole seconds only.
    return this.#cron.previousRuns(1, new Date(moment.getTime() + 1))[0] ?? null;
  }
}
