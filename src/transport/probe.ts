/**
 * The idle probe: asks a connection that nobody uses whether anybody is still there.
 *
 * A network that has gone away says nothing, and keepalive takes the system's time to find that out; a
 * frozen server is alive as far as the system knows. The probe takes its turn in the line like everything
 * else, and only while nothing is under way; a connection that does not answer it in time is given up.
 * Nothing here keeps the process alive.
 */
import { OperationalError, ProgrammingError } from "../errors.ts";
import type { Conversation } from "../protocol/effects.ts";
import type { Session } from "../protocol/session.ts";
import type { Line } from "./line.ts";
import type { SocketTransport } from "./socket.ts";

/** When an idle connection is asked, and how long it has to answer. */
export interface ProbeOptions {
  /** How long nothing must have come from the server, in milliseconds; it may take twice as long. */
  readonly interval: number;
  /** How long the answer may take, in milliseconds; then the connection is given up. */
  readonly timeout: number;
}

/** What a probe needs of its connection. */
export interface Probed {
  readonly session: Session;
  readonly line: Line;
  readonly transport: SocketTransport;
  /** The question. */
  ask(): Conversation<void>;
}

/** Asks again and again, until the connection ends. */
export class IdleProbe {
  readonly #probed: Probed;
  readonly #options: ProbeOptions;
  #timer: NodeJS.Timeout | undefined;
  #received = 0;

  constructor(probed: Probed, options: ProbeOptions) {
    this.#probed = probed;
    this.#options = options;
    this.#wait();
  }

  /** Asks no more. */
  stop(): void {
    clearTimeout(this.#timer);
  }

  #wait(): void {
    if (this.#probed.session.ended) return;
    this.#received = this.#probed.transport.received;
    this.#timer = setTimeout(() => this.#look(), this.#options.interval).unref();
  }

  #look(): void {
    const { session, line, transport } = this.#probed;
    if (session.ended) return;
    // In a pipeline a Sync has a meaning.
    if (!session.idle || session.lazy || transport.received !== this.#received) return this.#wait();
    line.run(this.#bounded()).then(
      () => this.#wait(),
      () => {},
    );
  }

  /** The time counts from its turn: who waits in line waits for somebody who has a deadline of his own. */
  *#bounded(): Conversation<void> {
    const { transport } = this.#probed;
    const { timeout } = this.#options;
    const timer = setTimeout(() => transport.destroy(() => unanswered(timeout)), timeout).unref();
    try {
      yield* this.#probed.ask();
    } finally {
      clearTimeout(timer);
    }
  }
}

/**
 * Checks the options of a probe.
 *
 * @throws ProgrammingError for anything but two numbers of milliseconds, or null.
 */
export function checkProbe(options: ProbeOptions | null | undefined): ProbeOptions | null {
  if (options === undefined || options === null) return null;
  const { interval, timeout } = options;
  for (const value of [interval, timeout]) {
    if (!(typeof value === "number" && value > 0 && value < 2 ** 31)) {
      throw new ProgrammingError(
        `probe must be { interval, timeout }, both in milliseconds, not ${JSON.stringify(options)}`,
      );
    }
  }
  return { interval, timeout };
}

function unanswered(timeout: number): OperationalError {
  return new OperationalError(
    `the server did not answer a probe of the idle connection within ${timeout} ms; the connection was closed`,
    { code: "ERR_MAHOUT_PROBE" },
  );
}
