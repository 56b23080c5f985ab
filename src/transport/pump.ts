/**
 * The worker's half of the bridge: owns the sockets of a thread's blocking connections.
 *
 * This function is shipped as text and run in a worker, so that it is found from source, from either
 * build and inside a bundle. It may therefore use nothing from outside itself: no imports, no outer names,
 * only types. It does no more than the caller can't do while it sleeps: open, read, encrypt, close.
 *
 * Plain sockets are read by the system straight into the ring, and written by the caller itself, straight
 * to the descriptor. That is only safe while the descriptor is ours: before a socket is closed, `closing`
 * is raised and a write under way is waited for, so the caller can never write to a number that the system
 * has given to somebody else.
 */
import type { Socket } from "node:net";
import type { claimsOf } from "./claims.ts";
import type { farewellOf } from "./farewell.ts";
import type { handshakeOf } from "./handshake.ts";
import type { Change, Command } from "./commands.ts";
import type { lookupOf } from "./lookup.ts";
import type { MailboxLayout } from "./mailbox.ts";
import type { Owned as Channel } from "./owned.ts";
import type { ringOf } from "./ring.ts";
import type { watchWrites as WatchWrites } from "./write-watch.ts";

/** The worker's program; `ringOf` and the others come as text like itself. */
export function pump(
  load: NodeJS.Require,
  makeRing: typeof ringOf,
  makeClaims: typeof claimsOf,
  watchWrites: typeof WatchWrites,
  makeHandshake: typeof handshakeOf,
  makeLookup: typeof lookupOf,
  makeFarewell: typeof farewellOf,
): void {
  const net = load("node:net") as typeof import("node:net");
  const handshake = makeHandshake(load("node:tls"), load("node:fs"));
  const threads = load("node:worker_threads") as typeof import("node:worker_threads");
  const lookup = makeLookup(load("node:dns"));
  const port = threads.parentPort as import("node:worker_threads").MessagePort;
  const layout = threads.workerData as MailboxLayout;
  const { word, phase, certificateStart, certificateSize } = layout;
  const { free, isFull, fill } = makeRing(layout);
  const claims = makeClaims(layout);
  const { report, release } = makeFarewell(layout);

  const channels = new Map<number, Channel>();

  function wake(channel: Channel): void {
    Atomics.add(channel.words, word.signal, 1);
    Atomics.notify(channel.words, word.signal);
  }

  /** Where the next read goes: into the ring, unless it is full or has to wait for what overflowed. */
  function target(channel: Channel): Uint8Array {
    const region = free(channel);
    if (region.length > 0 && channel.waiting.length === 0) return region;
    channel.overflow ??= new Uint8Array(16 * 1024);
    return channel.overflow;
  }

  /** Bytes were read; returns whether to read on. */
  function received(channel: Channel, count: number, buffer: Uint8Array): boolean {
    if (buffer === channel.overflow) {
      channel.waiting.push(buffer.slice(0, count));
      spill(channel);
      return channel.waiting.length === 0;
    }
    Atomics.add(channel.words, word.written, count);
    const full = isFull(channel);
    wake(channel);
    return !full;
  }

  /** Copies waiting bytes into the ring as far as they fit. */
  function spill(channel: Channel): void {
    if (fill(channel, channel.waiting)) wake(channel);
    if (channel.waiting.length > 0) channel.socket.pause();
    if (channel.over) ended(channel);
  }

  /** Tells of the end, behind all that came before it: a stream that is paused may end nevertheless. */
  function ended(channel: Channel): void {
    channel.over = true;
    if (channel.waiting.length === 0) {
      channel.ended = true;
      Atomics.store(channel.words, word.phase, phase.ended);
      Atomics.store(channel.words, word.done, channel.serial);
      wake(channel);
    }
    // Who isn't told of the end yet takes what comes before it.
    port.postMessage({ id: channel.id } satisfies Change);
    // A socket that could not even be made is not there.
    if (!channel.ended || (channel.socket as Socket | undefined)?.closed === false) return;
    channels.delete(channel.id);
    claims.forget(channel);
    leave(channel);
  }

  /** Lets go of the memory once nobody is told anything in it any more, and nothing is read into it. */
  function leave(channel: Channel): void {
    if (channel.closed && !channels.has(channel.id) && !claims.has(channel)) release(channel);
  }

  /** A stream may say that it is closed before the system says so. */
  function watchClosing(channel: Channel, plain: Socket): void {
    plain.once("close", () => {
      channel.closed = true;
      leave(channel);
    });
  }

  /** Forgets what the caller has not got yet and doesn't want any more. */
  function drop(channel: Channel): void {
    channel.waiting = [];
    if (channel.over) ended(channel);
  }

  function watch(channel: Channel, socket: Socket): void {
    socket.on("error", (error) => report(channel, error));
    socket.on("end", () => ended(channel));
    socket.on("close", () => {
      if (channel.socket === socket) ended(channel);
    });
  }

  function succeed(channel: Channel): void {
    Atomics.store(channel.words, word.phase, phase.open);
    finish(channel, channel.serial);
  }

  function finish(channel: Channel, serial: number): void {
    Atomics.store(channel.words, word.done, serial);
    wake(channel);
  }

  function open(command: Command & { op: "open" }): void {
    const { id, serial, memory } = command;
    const channel: Channel = {
      id,
      words: new Int32Array(memory, 0, layout.words),
      bytes: new Uint8Array(memory),
      socket: undefined as unknown as Socket,
      waiting: [],
      overflow: null,
      serial,
      over: false,
      ended: false,
      closed: false,
      given: () => {},
      activity: 0,
      blocked: 0,
    };
    channels.set(id, channel);
    const socket = net.connect({
      ...command.options,
      onread: {
        buffer: () => target(channel),
        callback: (count: number, buffer: Uint8Array) => received(channel, count, buffer),
      },
    });
    channel.socket = socket;
    channel.given = watchWrites(socket, command.patience, (error) => channel.socket.destroy(error));
    const destroy = socket._destroy.bind(socket);
    socket._destroy = (error, callback): void => {
      Atomics.store(channel.words, word.fileno, -1);
      Atomics.store(channel.words, word.closing, 1);
      while (Atomics.load(channel.words, word.writing) === 1) {
        claims.interrupt(channel);
        Atomics.wait(channel.words, word.writing, 1, 50);
      }
      destroy(error, callback);
    };
    watch(channel, socket);
    watchClosing(channel, socket);
    socket.once("connect", () => {
      const handle = (socket as unknown as { _handle?: { fd?: number } })._handle;
      const descriptor = handle?.fd ?? -1;
      Atomics.store(channel.words, word.fileno, descriptor);
      Atomics.store(channel.words, word.descriptor, command.direct ? descriptor : -1);
      succeed(channel);
    });
  }

  function secure(channel: Channel, command: Command & { op: "secure" }): void {
    const { serial, plan } = command;
    channel.serial = serial;
    const plain = channel.socket;
    plain.removeAllListeners("end");
    plain.removeAllListeners("close");
    plain.removeAllListeners("error");
    watchClosing(channel, plain);
    Atomics.store(channel.words, word.descriptor, -1);
    const socket = handshake.begin(plain, plan);
    channel.socket = socket;
    watch(channel, socket);
    socket.on("data", (chunk: Uint8Array) => {
      channel.waiting.push(chunk);
      spill(channel);
    });
    socket.once("secureConnect", () => {
      const flaw = handshake.flaw(socket, plan);
      if (flaw !== null) {
        socket.destroy(new Error(flaw));
      } else {
        const { raw } = socket.getPeerX509Certificate() ?? {};
        // One that is too long for its place is treated as unknown.
        if (raw && raw.length <= certificateSize) {
          channel.bytes.set(raw, certificateStart);
          Atomics.store(channel.words, word.certificate, raw.length);
        }
        succeed(channel);
      }
    });
  }

  /** Gives the caller the right to read, unless something was read that it has not got yet. */
  function claim(channel: Channel, { serial, blocks }: Command & { op: "claim" }): void {
    channel.serial = serial;
    const { words, waiting } = channel;
    const unread =
      waiting.length > 0 || Atomics.load(words, word.written) !== Atomics.load(words, word.read);
    if (!channel.ended && !unread) claims.grant(channel, blocks);
    finish(channel, serial);
  }

  function run(command: Command): void {
    if (command.op === "open") return open(command);
    if (command.op === "resolve") return lookup.answer(layout, command);
    const channel = channels.get(command.id);
    if (!channel) return;
    switch (command.op) {
      case "secure":
        return secure(channel, command);
      case "claim":
        return claim(channel, command);
      case "turn": {
        const serial = (channel.serial = command.serial);
        // The first comes at the end of this turn, before sockets may have been looked at.
        setImmediate(() => setImmediate(() => finish(channel, serial)));
        return;
      }
      case "write": {
        claims.interrupt(channel);
        channel.socket.write(command.bytes, () => {
          Atomics.add(channel.words, word.sent, command.bytes.length);
          wake(channel);
        });
        return channel.given();
      }
      case "resume":
        claims.forget(channel);
        Atomics.store(channel.words, word.paused, 0);
        spill(channel);
        if (channel.waiting.length === 0) channel.socket.resume();
        return;
      case "ping":
        Atomics.add(channel.words, word.alive, 1);
        return wake(channel);
      case "end": {
        const { socket } = channel;
        claims.forget(channel);
        const timer = setTimeout(() => socket.destroy(), command.timeout);
        socket.once("close", () => clearTimeout(timer));
        if (socket.connecting) socket.destroy();
        else socket.end();
        // What still comes is of no interest, but reading it lets the end be seen.
        drop(channel);
        Atomics.store(channel.words, word.read, Atomics.load(channel.words, word.written));
        socket.resume();
        return;
      }
      case "destroy":
        drop(channel);
        channel.socket.destroy();
    }
  }

  port.on("message", (command: Command) => {
    try {
      run(command);
    } catch (error) {
      const channel = channels.get(command.id);
      if (!channel) return;
      report(channel, error as Error);
      channel.over = true;
      drop(channel);
      (channel.socket as Socket | undefined)?.destroy();
    }
  });
}
