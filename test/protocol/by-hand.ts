// Drives a conversation without socket, clock or promise: what it asks of the world is granted at once
// and noted, what the server says is fed in by the test.

import { pbkdf2Sync } from "node:crypto";
import type { Conversation, Effect } from "../../src/protocol/effects.ts";
import type { Waiter } from "../../src/protocol/replies.ts";
import { Session } from "../../src/protocol/session.ts";

/** A conversation under way. */
export class ByHand<T> implements Waiter {
  readonly session: Session;
  /** What it asked for, except replies. */
  readonly asked: Effect["kind"][] = [];
  done = false;
  value: T | undefined;
  error: (Error & { code?: string }) | null = null;
  readonly #conversation: Conversation<T>;
  readonly #certificate: Uint8Array | null;
  #waitingFor: Effect | null = null;

  /** Starts the conversation; `certificate` is the server's, where there is encryption. */
  constructor(begin: (session: Session) => Conversation<T>, certificate: Uint8Array | null = null) {
    this.session = new Session();
    this.#certificate = certificate;
    this.#conversation = begin(this.session);
    this.#go(null);
  }

  /** Says something to it, as a server; in one piece. */
  hear(...messages: readonly (Uint8Array | string)[]): this {
    const bytes = Buffer.concat(messages.map((part) => Buffer.from(part as string)));
    this.session.receive(bytes, 0, bytes.length);
    return this;
  }

  /** Takes what it has written. */
  sent(): Buffer {
    const { outbox } = this.session;
    const bytes = Buffer.from(outbox.bytes.subarray(0, outbox.length));
    outbox.clear();
    return bytes;
  }

  /** See {@link Waiter.resume}. */
  resume(): void {
    const reply = this.#waitingFor;
    this.#waitingFor = null;
    this.#go(reply?.kind === "reply" ? reply.failure : null);
  }

  #go(thrown: Error | null): void {
    let error = thrown;
    try {
      for (;;) {
        const step = error === null ? this.#conversation.next() : this.#conversation.throw(error);
        error = null;
        if (step.done === true) {
          this.done = true;
          this.value = step.value;
          return;
        }
        const effect = step.value;
        if (effect.kind === "reply") {
          if (!effect.settled) {
            this.#waitingFor = effect;
            effect.waiter = this;
            return;
          }
          error = effect.failure;
          continue;
        }
        this.asked.push(effect.kind);
        if (effect.kind === "secure") effect.peerCertificate = this.#certificate;
        if (effect.kind === "derive") {
          const { password, salt, iterations } = effect;
          effect.key = pbkdf2Sync(password, salt, iterations, 32, "sha256");
        }
      }
    } catch (failure) {
      this.done = true;
      this.error = failure as Error;
    }
  }
}
