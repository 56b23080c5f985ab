/**
 * The blocking transport: the other of the two drive loops.
 *
 * It runs a conversation to its end before it returns, sleeping in the bridge while there is nothing to
 * read. Every wait ends: with what was waited for, with the end of the connection, with the deadline, or
 * when the worker has gone silent. When a deadline passes while a statement runs, the statement is cancelled
 * over a second connection and given a little longer; then the connection is given up.
 */
import type { ConnectionParameters } from "../conninfo/parameters.ts";
import { OperationalError } from "../errors.ts";
import type { Conversation, OpenEffect, SecureEffect } from "../protocol/effects.ts";
import type { Awaitable } from "../protocol/arrival.ts";
import type { Session } from "../protocol/session.ts";
import { checkOpened, openChannel, resolveThrough, secureChannel } from "./blocking-open.ts";
import type { Channel } from "./bridge.ts";
import { awaitCancels } from "./cancel-handle.ts";
import { choreBlocking } from "./chores.ts";
import { asError } from "./failures.ts";
import { CLOSE_TIMEOUT, FLUSH_SIZE } from "./flow.ts";
import { attemptDeadline, type Deadline } from "./deadlines.ts";
import type { Receive } from "./listening.ts";
import { sayGoodbye, takeArrived } from "./listening.ts";
import { Patience } from "./patience.ts";
import type { Occupation } from "./occupation.ts";
import { busy, occupied } from "./occupation.ts";

/** One socket and the session that it serves. */
export class BlockingTransport {
  readonly #parameters: ConnectionParameters;
  #channel: Channel | null = null;
  #session: Session | null = null;
  readonly #patience = new Patience();
  #busy = false;
  /** What has the connection to itself for several conversations, a COPY for example; null when nothing has. */
  occupant: Occupation | null = null;

  constructor(parameters: ConnectionParameters) {
    this.#parameters = parameters;
  }

  /** The memory that the socket's worker shares, for other threads; null before there is one. */
  shareMemory(): SharedArrayBuffer | null {
    return this.#channel?.share() ?? null;
  }

  /** The descriptor of the socket; -1 where the system offers none. */
  get descriptor(): number {
    return this.#channel?.fileno ?? -1;
  }

  /**
   * Runs a conversation to its end; `occupation` is the one that it belongs to.
   *
   * @throws OperationalError in a handler of this connection, ProgrammingError when something else has it.
   */
  run<T>(
    conversation: Conversation<T>,
    deadline: Deadline | null = null,
    occupation: Occupation | null = null,
  ): T {
    if (this.occupant !== occupation && this.occupant !== null) throw occupied(this.occupant.what);
    this.#occupy();
    const channel = this.#channel;
    channel?.direct.begin();
    try {
      if (channel?.isAimedAt) awaitCancels(channel.share(), (lost) => this.destroy(lost));
      const value = this.#drive(conversation, deadline);
      if (deadline === null && channel && channel === this.#channel) this.#claim(channel);
      return value;
    } finally {
      if (channel?.direct.tired) channel.giveBack();
      channel?.direct.leave(this.#session?.lazy !== true);
      this.#busy = false;
    }
  }

  /** Asks for the right to read where that pays. What was run has its result by now, whatever comes of this. */
  #claim(channel: Channel): void {
    if (this.#session?.lazy || !channel.claim()) return;
    try {
      this.#settle(channel, null);
      channel.direct.asked();
    } catch {
      // The worker is gone and the session ended: the next call says so.
    }
  }

  #drive<T>(conversation: Conversation<T>, deadline: Deadline | null): T {
    let error: unknown = null;
    for (;;) {
      const step = error === null ? conversation.next() : conversation.throw(error);
      error = null;
      if (step.done) {
        this.#flushUnlessLazy(deadline);
        return step.value;
      }
      const effect = step.value;
      try {
        switch (effect.kind) {
          case "reply":
            this.#await(effect, deadline);
            error = effect.failure;
            break;
          case "open":
            this.#open(effect, deadline);
            break;
          case "secure":
            this.#secure(effect, deadline);
            break;
          case "resolve":
            resolveThrough(effect, (channel) => this.#settle(channel, deadline));
            break;
          case "derive":
          case "ask":
            choreBlocking(effect);
            break;
          case "close":
            this.#close(effect.atOnce === true);
            break;
          case "until":
            effect.ready();
            break;
          case "drain":
            this.#drain(deadline);
            break;
          case "turn": // it is always ours
        }
      } catch (failure) {
        error = failure;
      }
    }
  }

  /** Takes what has arrived while nobody waited; `thoroughly` also asks the system, where nobody listens. */
  poll(thoroughly: boolean): void {
    if (this.#busy || (!thoroughly && this.#channel?.hasNews !== true)) return;
    // What a stream has not asked for yet stays where it is.
    if (!this.#session?.backlog) this.lend(takeArrived, thoroughly);
  }

  /** Lends the channel to what takes what the server sends by itself; see listening.ts. */
  lend(work: (channel: Channel, receive: Receive) => void, reads: boolean = true): void {
    const session = this.#session;
    const channel = this.#channel;
    if (!session || !channel || session.ended) return;
    this.#occupy();
    if (reads) channel.direct.enter();
    try {
      work(channel, () => this.#receive(channel, session));
    } catch (error) {
      this.destroy(error as Error);
      throw error;
    } finally {
      channel.direct.release();
      this.#busy = false;
    }
  }

  #occupy(): void {
    if (this.#busy) throw busy();
    this.#busy = true;
  }

  /** Has `notify` called from the event loop when the connection ends while nobody waits. */
  watch(notify: () => void): void {
    if (this.#channel) this.#channel.onChange = notify;
  }

  /** What a pipeline wrote may wait for more, up to a point; beyond that the server sets the pace. */
  #flushUnlessLazy(deadline: Deadline | null): void {
    const session = this.#session;
    if (!session?.lazy) return this.#flush();
    if (session.outbox.length > FLUSH_SIZE || session.flushWanted) this.#drain(deadline);
  }

  #flush(): void {
    this.#session?.complete();
    const outbox = this.#session?.outbox;
    if (!outbox || outbox.length === 0) return;
    this.#session?.tracer?.sent(outbox.bytes, 0, outbox.length);
    this.#channel?.write(outbox.bytes, outbox.length);
    outbox.clear();
  }

  /** Feeds the session; returns whether anything came. */
  #receive(channel: Channel, session: Session): boolean {
    // Asked first: what came before the end is in the ring by then.
    const ended = channel.ended || channel.direct.ended;
    const came = channel.receive(session);
    if (!came && ended && !session.ended) {
      session.disconnected(channel.direct.failure ?? asError(channel.error));
    }
    if (session.ended) channel.destroy();
    return came && !session.ended;
  }

  /**
   * Waits until the system has taken what it was given, and takes what has come: a server that can't get
   * rid of its notices takes nothing either, and a socket that the server has left takes everything.
   */
  #drain(deadline: Deadline | null): void {
    const session = this.#session;
    const channel = this.#channel;
    if (!session || !channel) return;
    channel.listen();
    this.#flush();
    for (let limit = deadline; !session.ended;) {
      channel.look();
      let came = this.#receive(channel, session);
      if (!came && channel.direct.read(false)) came = this.#receive(channel, session);
      if (channel.drained) return this.#flush();
      if (channel.direct.active) channel.giveBack();
      if (!came || this.#patience.isLate(limit)) limit = this.#sleep(channel, limit);
      this.#flush();
    }
  }

  #await(reply: Awaitable, deadline: Deadline | null): void {
    const session = this.#session;
    const channel = this.#channel;
    if (!session || !channel) throw new OperationalError("the connection is closed");
    const { direct } = channel;
    let limit = deadline;
    this.#flush();
    if (direct.blocks && this.#patience.isNear(limit)) channel.listen();
    // What is there already is taken before more is read.
    let reads = direct.active && !channel.hasNews;
    while (!reply.settled) {
      if (reads && !direct.read(true)) channel.giveBack();
      reads = false;
      channel.look();
      if (this.#receive(channel, session)) {
        this.#flush();
        // A server that never pauses must not outlast a deadline.
        if (!reply.settled && this.#patience.isLate(limit)) limit = this.#sleep(channel, limit);
        continue;
      }
      if ((reads = direct.active) || reply.settled) continue;
      limit = this.#sleep(channel, limit);
      this.#flush(); // a deadline that has passed may have something to say to the server
    }
  }

  /** Sleeps once; a deadline that has passed is replaced by the one that it asks for. */
  #sleep(channel: Channel, deadline: Deadline | null): Deadline | null {
    try {
      return this.#patience.sleep(channel, deadline);
    } catch (error) {
      this.destroy(error as Error);
      throw error;
    }
  }

  #settle(channel: Channel, deadline: Deadline | null): void {
    for (let limit = deadline; ; limit = this.#sleep(channel, limit)) {
      channel.look();
      if (channel.settled || channel.ended) return;
    }
  }

  #open(effect: OpenEffect, deadline: Deadline | null): void {
    const { address, session, timeout, untilOpen = false } = effect;
    this.#patience.attempt = timeout === null ? null : attemptDeadline(timeout, untilOpen);
    const channel = openChannel(this.#parameters, address);
    this.#channel = channel;
    this.#session = session;
    session.stepwise = true;
    this.#settle(channel, deadline);
    if (untilOpen) this.#patience.attempt = null;
    checkOpened(channel, address);
  }

  #secure(effect: SecureEffect, deadline: Deadline | null): void {
    const channel = this.#channel as Channel;
    secureChannel(channel, this.#parameters, effect, () => this.#settle(channel, deadline));
  }

  /** The attempt has succeeded: it has no time limit any more. */
  established(): void {
    this.#patience.attempt = null;
  }

  #close(atOnce: boolean): void {
    this.#patience.attempt = null;
    this.#flush();
    if (atOnce) this.#channel?.destroy();
    else if (this.#channel) sayGoodbye(this.#channel, CLOSE_TIMEOUT);
    this.#channel = null;
    this.#session = null;
  }

  /** Ends everything at once. */
  destroy(reason: Error): void {
    this.#session?.end(() => {
      const Kind = reason.constructor as new (message: string, options: object) => Error;
      return new Kind(reason.message, { cause: reason });
    });
    this.#channel?.destroy();
  }
}
