/**
 * What can be said when a listener is made, and its checks. Times are milliseconds.
 */
import type { AsyncConnectOptions } from "../async/options.ts";
import { ProgrammingError } from "../errors.ts";
import { LONGEST_TIME, shownOption } from "../core/operations.ts";

/** How a lost connection is made again. */
export interface ReconnectOptions {
  /** The pause before the first attempt: 100 by default; it doubles with each one that fails. */
  readonly minDelay?: number;
  /** The longest pause: 30,000 by default. */
  readonly maxDelay?: number;
  /** Which part of a pause is left to chance, from 0 to 1, so that not all clients come at once: 0.5 by default. */
  readonly jitter?: number;
  /** Failed attempts in a row after which it gives up; never by default. */
  readonly limit?: number;
}

/** How a listener finds out that it doesn't hear anything any more. */
export interface ListenerProbeOptions {
  /** How long it may be quiet before the listener sends a notification to itself: 30,000 by default. */
  readonly interval?: number;
  /** How long that, or any other answer of the server, may take: 10,000 by default. */
  readonly timeout?: number;
}

/** Options of a listener: those of connections, libpq's keywords, and its own. */
export type ListenerOptions = Omit<AsyncConnectOptions, "signal" | "probe" | "autocommit"> & {
  readonly reconnect?: ReconnectOptions;
  /** False: it proves itself when it has connected, but not afterwards. */
  readonly probe?: ListenerProbeOptions | false;
};

/** The options with nothing left open. */
export interface Settings {
  readonly connect: AsyncConnectOptions;
  readonly reconnect: Required<ReconnectOptions>;
  /** Infinity when it isn't to probe. */
  readonly interval: number;
  readonly timeout: number;
}

const RECONNECT: Required<ReconnectOptions> = {
  minDelay: 100,
  maxDelay: 30_000,
  jitter: 0.5,
  limit: Infinity,
};
const PROBE: Required<ListenerProbeOptions> = { interval: 30_000, timeout: 10_000 };

/**
 * Fills in what was left open.
 *
 * @throws ProgrammingError for unknown names and for values that make no sense, naming them.
 */
export function settingsOf(options: ListenerOptions): Settings {
  const { reconnect = {}, probe = {}, ...connect } = options;
  const paces = filled("reconnect", RECONNECT, reconnect);
  const probes = filled("probe", PROBE, probe === false ? {} : probe);
  check("reconnect.minDelay", paces.minDelay, LONGEST_TIME);
  check("reconnect.maxDelay", paces.maxDelay, LONGEST_TIME);
  check("reconnect.jitter", paces.jitter, 1);
  check("reconnect.limit", paces.limit, Infinity);
  check("probe.interval", probes.interval, LONGEST_TIME);
  check("probe.timeout", probes.timeout, LONGEST_TIME);
  return {
    connect,
    reconnect: paces,
    interval: probe === false ? Infinity : probes.interval,
    timeout: probes.timeout,
  };
}

function filled<T extends object>(what: string, defaults: T, given: Partial<T>): T {
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(defaults, name)) {
      const known = Object.keys(defaults).join(", ");
      throw new ProgrammingError(`there is no option "${what}.${name}"; there are ${known}`);
    }
  }
  const said = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...defaults, ...(Object.fromEntries(said) as Partial<T>) };
}

function check(name: string, value: number, most: number): void {
  if (typeof value === "number" && value >= 0 && value <= most) return;
  throw new ProgrammingError(
    `${name} must be a number from 0 to ${most}, not ${shownOption(value)}`,
  );
}

/** The pause before the next attempt, after so many that failed. */
export function delayAfter(failures: number, reconnect: Required<ReconnectOptions>): number {
  const { minDelay, maxDelay, jitter } = reconnect;
  const delay = Math.min(maxDelay, minDelay * 2 ** Math.min(failures, 30));
  return delay * (1 - jitter * Math.random());
}
