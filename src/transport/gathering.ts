/**
 * When answers are left to gather before they are read.
 *
 * The server sends each answer as soon as it has it, so a thousand statements that are under way at once are a
 * thousand small pieces. To wake up for each of them costs more than to read it, on this side and on the
 * server's, which has to wake us: hearing of a hundred at a time, everybody is done sooner. So when so many
 * answers are owed that hardly anybody of those who wait can tell the difference, reading rests for a moment (a
 * timer's shortest, one to two milliseconds) while they gather in the system's buffer.
 *
 * It never pays where somebody waits for an answer before he sends the next statement: whoever has sent since
 * the last piece came may be one of those. A program that is busy reads late enough by itself, so only a piece
 * with few answers in it gives rise to a rest. And nobody should rest when all is answered: how many answers
 * come in a rest is only known from the one before, so the first guess is a high one.
 *
 * Only plain sockets rest: over TLS, Node's own code reads.
 */
import * as timers from "node:timers";
import type { Session } from "../protocol/session.ts";

/** As it is when this is loaded: where a program replaces timers to stop the clock, reading has to go on. */
const { setTimeout: after } = timers;

/** So many answers are owed at least. */
const MANY = 64;
/** How many answers are expected to come in the first rest. */
const GUESS = 192;
/** How many times the answers of the last rest have to be owed. */
const PLENTY = 1.25;
/** A piece of more bytes is several answers: they gather by themselves. */
const SMALL = 256;
/** How long a rest is, in milliseconds. */
const REST = 1;

/** The rests of one connection's reading. */
export class Gathering {
  readonly #goOn: () => void;
  #cameInLast = GUESS;
  /** How many answers had been asked for when the last piece came. */
  #asked = 0;
  /** How many answers had come when the last rest began; -1 when reading has gone on since. */
  #before = -1;
  #timer: NodeJS.Timeout | null = null;

  /** `goOn` is called at the end of each rest. */
  constructor(goOn: () => void) {
    this.#goOn = goOn;
  }

  /** Whether to read on, after a piece of `size` bytes was read; if not, a rest has begun. */
  readsOn(size: number, session: Session | null): boolean {
    if (session === null) return true;
    const { asked, owedCount } = session;
    const isQuiet = asked === this.#asked;
    this.#asked = asked;
    const answered = asked - owedCount;
    if (this.#before >= 0) {
      this.#cameInLast = answered - this.#before;
      this.#before = -1;
    }
    if (owedCount < MANY) {
      this.#cameInLast = GUESS;
      return true;
    }
    if (!isQuiet || size > SMALL || owedCount < this.#cameInLast * PLENTY) return true;
    this.#before = answered;
    if (this.#timer === null) this.#timer = after(this.#goOn, REST);
    else this.#timer.refresh();
    return false;
  }
}
