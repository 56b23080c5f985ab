/**
 * The asynchronous transport: one socket, always read, written to once a turn.
 *
 * Reading goes on whether anybody waits or not, so notices, notifications and the end of a connection are
 * seen when they happen and not at the next operation; it only rests for a moment where answers are to gather
 * (gathering.ts). All plain sockets of the thread read into one shared buffer, because what is read is
 * consumed before the next read begins. Writing collects what conversations put into the outbox during a turn
 * of the event loop and hands it over in one piece, or in several when it is much.
 */
import { appendFileSync } from "node:fs";
import { connect as connectNet } from "node:net";
import type { Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { TLSSocket } from "node:tls";
import type { ConnectionParameters } from "../conninfo/parameters.ts";
import type { Effect, OpenEffect, SecureEffect } from "../protocol/effects.ts";
import type { ErrorMaker, Session } from "../protocol/session.ts";
import { chore, resolve } from "./chores.ts";
import { Descriptor } from "./direct-write.ts";
import { attemptExpired, insecure, unreachable } from "./failures.ts";
import { Gathering } from "./gathering.ts";
import { handshakeOf } from "./handshake.ts";
import {
  CLOSE_TIMEOUT,
  CONGESTION,
  drained,
  FEW_UNTAKEN,
  FLUSH_SIZE,
  MOST_UNTAKEN,
} from "./flow.ts";
import { readBuffer, socketOptions } from "./socket-options.ts";
import { explaining, tlsPlan } from "./tls.ts";
import { watchWrites } from "./write-watch.ts";

const handshake = handshakeOf({ connect: connectTls }, { appendFileSync });

/** The effects that take more than waiting for a reply. */
export type WorldEffect = Exclude<Effect, { kind: "reply" } | { kind: "turn" }>;

/** One socket and the session that it serves. */
export class SocketTransport {
  /** Called when a congested socket has room again. */
  onDrain: (() => void) | null = null;
  readonly #parameters: ConnectionParameters;
  #socket: Socket | null = null;
  readonly #under = new Descriptor();
  #session: Session | null = null;
  #cause: Error | null = null;
  #attempt: NodeJS.Timeout | undefined;
  #flushing = false;
  #paused = false;
  readonly #gathering = new Gathering(() => {
    if (!this.#paused) this.#socket?.resume();
  });
  #watchWrites: (() => void) | null = null;
  #fail: ((error: Error) => void) | null = null;
  #stopped: ErrorMaker | null = null;

  constructor(parameters: ConnectionParameters) {
    this.#parameters = parameters;
  }

  /** Whether so much waits to be sent that no further statement should start. */
  get congested(): boolean {
    return this.#socket !== null && this.#under.left(this.#socket) > CONGESTION;
  }

  /** How many bytes have come so far. */
  get received(): number {
    return this.#socket?.bytesRead ?? 0;
  }

  /** The descriptor of the socket; -1 where the system offers none. */
  get descriptor(): number {
    return this.#under.of(this.#socket);
  }

  /** Does what a conversation asked for. */
  perform(effect: WorldEffect): Promise<void> {
    switch (effect.kind) {
      case "open":
        return this.#open(effect);
      case "secure":
        return this.#secure(effect);
      case "resolve":
        return this.#whileOpen(() => resolve(effect));
      case "derive":
      case "ask":
        return this.#whileOpen(() => chore(effect));
      case "close":
        return this.#close(effect.atOnce === true);
      case "until":
        return Promise.resolve(effect.ready()).then(() => undefined);
      case "drain":
        return drained(this.#socket);
    }
  }

  /**
   * Sends the outbox: at once when nothing else is under way, since somebody waits for just this, and
   * otherwise at the end of this turn of the event loop, together with what else comes up in it. When that is
   * much, the server begins with what there is.
   */
  schedule(): void {
    const session = this.#session;
    if (session === null) return;
    if (this.#paused && session.backlog <= FEW_UNTAKEN) this.#pause(false);
    if ((session.owedCount === 1 && !session.lazy) || session.outbox.length > FLUSH_SIZE) {
      this.#flush();
    } else if (!this.#flushing && (session.outbox.length > 0 || session.flushWanted)) {
      this.#flushing = true;
      process.nextTick(flushLater, this);
    }
  }

  /** @internal */
  flushNow(): void {
    this.#flushing = false;
    this.#flush();
  }

  #flush(): void {
    const socket = this.#socket;
    this.#session?.complete();
    const outbox = this.#session?.outbox;
    if (!socket || !outbox || outbox.length === 0) return;
    this.#session?.tracer?.sent(outbox.bytes, 0, outbox.length);
    const start = this.#under.write(socket, outbox.bytes, outbox.length);
    if (start === outbox.length) {
      outbox.clear();
      return;
    }
    this.#under.behind(socket, outbox.bytes.subarray(start, outbox.length));
    this.#watchWrites?.();
    // Mostly the system took it all at once; else the bytes are the socket's until it has.
    if (this.#under.left(socket) === 0) outbox.clear();
    else outbox.detach();
  }

  /** Stops reading, or goes on: who streams is slower than the server, which is made to wait by that. */
  #pause(paused: boolean): void {
    this.#paused = paused;
    if (paused) this.#socket?.pause();
    else this.#socket?.resume();
  }

  /** Ends everything at once: the session with `reason`, the socket without goodbye. */
  destroy(reason: ErrorMaker): void {
    // Between two attempts there is nothing to destroy, and yet no further one may begin.
    this.#stopped ??= reason;
    this.#abandon(reason);
  }

  #abandon(reason: ErrorMaker): void {
    this.#session?.end(reason);
    this.#fail?.(reason());
    this.#socket?.destroy();
  }

  #open({ address, session, timeout, untilOpen = false }: OpenEffect): Promise<void> {
    if (this.#stopped) return Promise.reject(this.#stopped());
    if (timeout !== null) {
      const late = (): Error => attemptExpired(timeout, untilOpen);
      this.#attempt = setTimeout(() => this.#abandon(late), timeout);
    }
    this.#session = session;
    this.#cause = null;
    const socket = connectNet({
      ...socketOptions(this.#parameters, address),
      onread: {
        buffer: readBuffer(),
        callback: (count: number, buffer: Uint8Array) => {
          this.#received(buffer as Buffer, count);
          return this.#gathering.readsOn(count, this.#session);
        },
      },
    });
    this.#socket = socket;
    const patience = this.#parameters.tcpUserTimeoutMs ?? 0;
    this.#watchWrites = watchWrites(socket, patience, (error) => this.#socket?.destroy(error));
    this.#under.open(socket);
    socket.on("drain", () => this.onDrain?.());
    if (untilOpen) socket.once("connect", () => clearTimeout(this.#attempt));
    return this.#settling(socket, "connect", (error) => unreachable(address, error));
  }

  /** Watches the socket for good, and until `event` on behalf of who waits for it. */
  #settling(socket: Socket, event: string, explain: (error: Error | null) => Error): Promise<void> {
    const session = this.#session as Session;
    socket.on("error", (error) => void (this.#cause ??= error));
    socket.on("end", () => this.#gone(socket, session));
    socket.on("close", () => this.#gone(socket, session));
    return new Promise((resolve, reject) => {
      this.#fail = (error) => {
        this.#fail = null;
        reject(error);
      };
      const lost = (): void => this.#fail?.(explain(this.#cause));
      socket.once("close", lost);
      socket.once(event, () => {
        socket.removeListener("close", lost);
        this.#fail = null;
        resolve();
      });
    });
  }

  /** Waits for what is not the socket's; whatever ends the socket ends that, too. */
  async #whileOpen(begin: () => Promise<void>): Promise<void> {
    if (this.#stopped) throw this.#stopped();
    const [socket, session] = [this.#socket, this.#session];
    const ended = new Promise<void>((_, reject) => (this.#fail = reject));
    const lost = (): void => this.#fail?.(session?.endReason() as Error);
    socket?.once("close", lost);
    // What comes too late finds another wait here, which is none of its business.
    await Promise.race([begin(), ended]).finally(() => {
      this.#fail = null;
      socket?.off("close", lost);
    });
  }

  #gone(socket: Socket, session: Session): void {
    if (this.#socket !== socket) return;
    session.disconnected(this.#cause);
    // What still waits to be sent would keep the socket, and the process, as long as nobody reads it.
    socket.destroy();
  }

  #received(buffer: Buffer, count: number): void {
    const session = this.#session;
    // After goodbye nobody is interested any more, and a server may still have something to say.
    if (session === null) return;
    session.receive(buffer, 0, count);
    if (session.backlog > MOST_UNTAKEN) this.#pause(true);
    if (session.ended) this.#socket?.destroy();
    else if (session.outbox.length > 0) this.schedule();
  }

  async #secure(effect: SecureEffect): Promise<void> {
    if (this.#stopped) throw this.#stopped();
    const plan = tlsPlan(this.#parameters, effect.serverName);
    const explain = explaining(this.#parameters, plan);
    const plain = this.#socket as Socket;
    plain.removeAllListeners("end");
    plain.removeAllListeners("close");
    plain.removeAllListeners("error");
    let socket: TLSSocket;
    try {
      socket = handshake.begin(plain, plan);
    } catch (error) {
      plain.destroy();
      throw explain(error as Error);
    }
    this.#socket = socket;
    this.#under.stop();
    socket.on("drain", () => this.onDrain?.());
    socket.on("data", (chunk: Buffer) => this.#received(chunk, chunk.length));
    await this.#settling(socket, "secureConnect", explain);
    const flaw = handshake.flaw(socket, plan);
    if (flaw !== null) {
      socket.destroy();
      throw insecure({ message: flaw }, plan.needsProtocol);
    }
    effect.peerCertificate = socket.getPeerX509Certificate()?.raw ?? null;
  }

  /** The attempt has succeeded: it has no time limit any more. */
  established(): void {
    clearTimeout(this.#attempt);
  }

  #close(atOnce: boolean): Promise<void> {
    clearTimeout(this.#attempt);
    const socket = this.#socket;
    this.#flush();
    this.#socket = null;
    this.#session = null;
    if (!socket || socket.destroyed) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(() => socket.destroy(), CLOSE_TIMEOUT);
      socket.once("close", () => {
        clearTimeout(timer);
        resolve();
      });
      if (atOnce || socket.connecting) socket.destroy();
      else socket.end();
    });
  }
}

function flushLater(transport: SocketTransport): void {
  transport.flushNow();
}
