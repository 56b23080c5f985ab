/**
 * The blocking transport: the other of the two drive loops.
 *
 * It runs a conversation to its end before it returns, sleeping in the bridge while there is nothing to
 * read. Every wait ends: with what was waited for, with the end of the connection, with the deadline, or
 * when the worker has gone silent. When a deadline passes while a statement runs, the statement is cancelled
 * over a second connection and given a little longer; then the connection is given up.
 */
import { pbkdf2Sync } from "node:crypto";
import type { ConnectionParameters } from "../conninfo/parameters.ts";
import { OperationalError } from "../errors.ts";
import type { Conversation, DeriveEffect, OpenEffect, SecureEffect } from "../protocol/effects.ts";
import type { Awaitable } from "../protocol/arrival.ts";
import type { Session } from "../protocol/session.ts";
import { unprotected } from "../protocol/session.ts";
import { Channel } from "./bridge.ts";
import type { ChannelError } from "./bridge.ts";
import { insecure, unreachable } from "./failures.ts";
import type { Deadline } from "./deadlines.ts";
import { attemptDeadline } from "./deadlines.ts";
import { tlsPlan } from "./tls.ts";

/** How long a polite close may take, in milliseconds. */
const CLOSE_TIMEOUT = 2_000;
const KEY_LENGTH = 32;

/** One socket and the session that it serves. */
export class BlockingTransport {
  readonly #parameters: ConnectionParameters;
  #channel: Channel | null = null;
  #session: Session | null = null;
  #attempt: Deadline | null = null;
  #busy = false;

  constructor(parameters: ConnectionParameters) {
    this.#parameters = parameters;
  }

  /** The descriptor of the socket; -1 where the system offers none. */
  get descriptor(): number {
    return this.#channel?.descriptor ?? -1;
  }

  /**
   * Runs a conversation to its end.
   *
   * @throws OperationalError when one is under way: a notice handler can't use its own connection.
   */
  run<T>(conversation: Conversation<T>, deadline: Deadline | null = null): T {
    if (this.#busy) {
      throw new OperationalError(
        "the connection is in the middle of an operation; a handler can't use it",
        {
          code: "ERR_MAHOUT_BUSY",
        },
      );
    }
    this.#busy = true;
    const channel = this.#channel;
    channel?.direct.begin();
    try {
      const value = this.#drive(conversation, deadline);
      if (deadline === null && channel && channel === this.#channel) this.#claim(channel);
      return value;
    } finally {
      if (channel?.direct.tired) channel.giveBack();
      channel?.direct.leave();
      this.#busy = false;
    }
  }

  /** Asks for the right to read where that pays. What was run has its result by now, whatever comes of this. */
  #claim(channel: Channel): void {
    if (!channel.claim()) return;
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
        this.#flush();
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
          case "derive":
            derive(effect);
            break;
          case "close":
            this.#close(effect.atOnce === true);
            break;
          case "until":
            effect.ready();
            break;
          case "turn": // one conversation at a time: it is always ours
        }
      } catch (failure) {
        error = failure;
      }
    }
  }

  /** Takes what has arrived while nobody waited; `thoroughly` also asks the system, where nobody listens. */
  poll(thoroughly: boolean): void {
    const session = this.#session;
    const channel = this.#channel;
    if (this.#busy || !session || !channel || session.ended) return;
    this.#busy = true;
    const { direct } = channel;
    if (thoroughly) direct.enter();
    try {
      this.#takePieces(channel, session);
      // Only after what came before the right to read was granted.
      if (direct.active && direct.read(false)) this.#takePieces(channel, session);
    } finally {
      direct.release();
      this.#busy = false;
    }
  }

  /** What is there now lies in two pieces at most; a server that never pauses can't hold the caller. */
  #takePieces(channel: Channel, session: Session): void {
    for (let piece = 0; piece < 3 && this.#receive(channel, session); piece++);
  }

  /** Has `notify` called from the event loop when the connection ends while nobody waits. */
  watch(notify: () => void): void {
    if (this.#channel) this.#channel.onChange = notify;
  }

  #flush(): void {
    const outbox = this.#session?.outbox;
    if (!outbox || outbox.length === 0) return;
    this.#channel?.write(outbox.bytes.subarray(0, outbox.length));
    outbox.clear();
  }

  /** Feeds the session; returns whether anything came. */
  #receive(channel: Channel, session: Session): boolean {
    // Asked first: what came before the end is in the ring by then.
    const ended = channel.ended || channel.direct.ended;
    const came = channel.receive((bytes, start, end) => session.receive(bytes, start, end));
    if (!came && ended && !session.ended) {
      session.disconnected(channel.direct.failure ?? asError(channel.error));
    }
    if (session.ended) channel.destroy();
    return came && !session.ended;
  }

  #await(reply: Awaitable, deadline: Deadline | null): void {
    const session = this.#session;
    const channel = this.#channel;
    if (!session || !channel) throw new OperationalError("the connection is closed");
    let limit = deadline;
    this.#flush();
    while (!reply.settled) {
      channel.look();
      if (this.#receive(channel, session)) {
        this.#flush();
        // A server that never pauses must not outlast a deadline.
        if (!reply.settled && this.#isLate(limit)) limit = this.#sleep(channel, limit);
        continue;
      }
      if (reply.settled) return;
      if (channel.direct.active) {
        if (!channel.direct.read(true)) channel.giveBack();
      } else {
        limit = this.#sleep(channel, limit);
      }
    }
  }

  /** The deadline that passes first. */
  #first(deadline: Deadline | null): Deadline | null {
    const attempt = this.#attempt;
    return attempt && (!deadline || attempt.at < deadline.at) ? attempt : deadline;
  }

  #isLate(deadline: Deadline | null): boolean {
    const first = this.#first(deadline);
    return first !== null && first.at <= performance.now();
  }

  /** Sleeps once; a deadline that has passed is replaced by the one that it asks for. */
  #sleep(channel: Channel, deadline: Deadline | null): Deadline | null {
    const first = this.#first(deadline);
    const left = first === null ? Infinity : first.at - performance.now();
    try {
      if (left > 0) {
        channel.sleep(left);
        return deadline;
      }
      return (first as Deadline).passed();
    } catch (error) {
      this.destroy(error as Error);
      throw error;
    }
  }

  #settle(channel: Channel, deadline: Deadline | null): void {
    let limit = deadline;
    for (;;) {
      channel.look();
      if (channel.settled || channel.ended) return;
      limit = this.#sleep(channel, limit);
    }
  }

  #open({ address, session, timeout }: OpenEffect, deadline: Deadline | null): void {
    this.#attempt = timeout === null ? null : attemptDeadline(timeout);
    const { keepalives, keepalivesIdleMs } = this.#parameters;
    const channel = new Channel();
    this.#channel = channel;
    this.#session = session;
    session.stepwise = true;
    channel.open(address, keepalives, keepalivesIdleMs ?? 0, process.platform !== "win32");
    this.#settle(channel, deadline);
    const failure = asError(channel.error);
    // Without an error it was open and has ended since; what the server said on its way is still to be read.
    if (channel.ended && failure) {
      channel.destroy();
      throw unreachable(address, failure);
    }
  }

  #secure(effect: SecureEffect, deadline: Deadline | null): void {
    const channel = this.#channel as Channel;
    const plan = tlsPlan(this.#parameters, effect.serverName);
    const certificate = channel.secure(plan);
    this.#settle(channel, deadline);
    // The worker reads at all times: what slipped in before the handshake would pass for encrypted.
    if (channel.unread) {
      channel.destroy();
      throw unprotected();
    }
    if (channel.ended) {
      channel.destroy();
      throw insecure(asError(channel.error), plan.needsProtocol);
    }
    effect.peerCertificate = certificate();
  }

  /** The attempt has succeeded: it has no time limit any more. */
  established(): void {
    this.#attempt = null;
  }

  #close(atOnce: boolean): void {
    this.#attempt = null;
    this.#flush();
    if (atOnce) this.#channel?.destroy();
    else this.#channel?.end(CLOSE_TIMEOUT);
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

function derive(effect: DeriveEffect): void {
  effect.key = pbkdf2Sync(effect.password, effect.salt, effect.iterations, KEY_LENGTH, "sha256");
}

function asError(failure: ChannelError | null): Error | null {
  return failure === null
    ? null
    : Object.assign(new Error(failure.message), { code: failure.code });
}
