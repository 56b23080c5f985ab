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
import type { TLSSocket } from "node:tls";
import type { Address } from "../protocol/effects.ts";
import type { MailboxLayout } from "./mailbox.ts";
import type { TlsPlan } from "./tls.ts";

/** What the caller asks of the worker. */
export type Command =
  | {
      readonly op: "open";
      readonly id: number;
      readonly serial: number;
      readonly memory: SharedArrayBuffer;
      readonly address: Address;
      readonly keepAlive: boolean;
      readonly keepAliveDelay: number;
      readonly direct: boolean;
    }
  | { readonly op: "claim"; readonly id: number; readonly serial: number }
  | { readonly op: "secure"; readonly id: number; readonly serial: number; readonly plan: TlsPlan }
  | { readonly op: "write"; readonly id: number; readonly bytes: Uint8Array }
  | { readonly op: "resume" | "ping" | "destroy"; readonly id: number }
  | { readonly op: "end"; readonly id: number; readonly timeout: number };

/** What the worker tells the caller's event loop, when that has time: a connection has changed. */
export interface Change {
  readonly id: number;
}

/** The worker's program. */
export function pump(load: NodeJS.Require): void {
  const net = load("node:net") as typeof import("node:net");
  const tls = load("node:tls") as typeof import("node:tls");
  const threads = load("node:worker_threads") as typeof import("node:worker_threads");
  const port = threads.parentPort as import("node:worker_threads").MessagePort;
  const { word, phase, reader, errorStart, ringStart, ringSize } =
    threads.workerData as MailboxLayout;

  interface Channel {
    readonly id: number;
    readonly words: Int32Array;
    readonly bytes: Uint8Array;
    socket: Socket;
    /** Bytes that found no room in the ring. */
    waiting: Uint8Array[];
    /** What is read into while the ring has no room: a read needs a buffer that isn't empty. */
    overflow: Uint8Array | null;
    serial: number;
    ended: boolean;
    /** What `activity` was when it was last looked at. */
    activity: number;
  }
  const channels = new Map<number, Channel>();

  /** Channels whose caller reads for itself. */
  const claimed = new Set<Channel>();
  /** How often they are looked at, in milliseconds: an idle one is read from here after one to two of these. */
  const patience = 20;
  let watchman: NodeJS.Timeout | null = null;

  function wake(channel: Channel): void {
    Atomics.add(channel.words, word.signal, 1);
    Atomics.notify(channel.words, word.signal);
  }

  function room(channel: Channel): number {
    const used =
      (Atomics.load(channel.words, word.written) - Atomics.load(channel.words, word.read)) >>> 0;
    return ringSize - used;
  }

  /** The free part of the ring that lies in one piece; never empty while it is read into. */
  function free(channel: Channel): Uint8Array {
    const start = Atomics.load(channel.words, word.written) & (ringSize - 1);
    const size = Math.min(room(channel), ringSize - start);
    return channel.bytes.subarray(ringStart + start, ringStart + start + size);
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

  /** Whether reading has to pause; the caller is told to say when there is room again. */
  function isFull(channel: Channel): boolean {
    if (room(channel) > 0) return false;
    Atomics.store(channel.words, word.paused, 1);
    // The caller makes room before it looks at `paused`: if it hasn't seen that, we see the room.
    if (room(channel) === 0) return true;
    Atomics.store(channel.words, word.paused, 0);
    return false;
  }

  /** Copies waiting bytes into the ring as far as they fit. */
  function spill(channel: Channel): void {
    let moved = false;
    while (channel.waiting.length > 0 && !isFull(channel)) {
      const chunk = channel.waiting[0] as Uint8Array;
      const region = free(channel);
      const size = Math.min(chunk.length, region.length);
      region.set(chunk.subarray(0, size));
      Atomics.add(channel.words, word.written, size);
      moved = true;
      if (size === chunk.length) channel.waiting.shift();
      else channel.waiting[0] = chunk.subarray(size);
    }
    if (channel.waiting.length > 0) channel.socket.pause();
    if (moved) wake(channel);
  }

  function report(
    channel: Channel,
    error: Error & { code?: string; errors?: readonly Error[] },
  ): void {
    if (Atomics.load(channel.words, word.failed) !== 0) return;
    const message = error.errors
      ? error.errors.map((one) => one.message).join("; ")
      : error.message;
    const text = new TextEncoder().encode(
      JSON.stringify({ message: message.slice(0, 900), code: error.code }),
    );
    channel.bytes.set(text, errorStart);
    Atomics.store(channel.words, word.failed, text.length);
  }

  function ended(channel: Channel): void {
    if (channel.ended) return;
    channel.ended = true;
    Atomics.store(channel.words, word.phase, phase.ended);
    Atomics.store(channel.words, word.done, channel.serial);
    wake(channel);
    port.postMessage({ id: channel.id } satisfies Change);
  }

  function watch(channel: Channel, socket: Socket): void {
    socket.on("error", (error) => report(channel, error));
    socket.on("end", () => ended(channel));
    socket.on("close", () => {
      if (channel.socket === socket) {
        ended(channel);
        channels.delete(channel.id);
        claimed.delete(channel);
      }
    });
  }

  function succeed(channel: Channel): void {
    Atomics.store(channel.words, word.phase, phase.open);
    Atomics.store(channel.words, word.done, channel.serial);
    wake(channel);
  }

  function open(command: Command & { op: "open" }): void {
    const { id, serial, memory, address } = command;
    const channel: Channel = {
      id,
      words: new Int32Array(memory, 0, 16),
      bytes: new Uint8Array(memory),
      socket: undefined as unknown as Socket,
      waiting: [],
      overflow: null,
      serial,
      ended: false,
      activity: 0,
    };
    const socket = net.connect({
      ...(address.path === null
        ? { host: address.host ?? "", port: address.port }
        : { path: address.path }),
      noDelay: true,
      keepAlive: command.keepAlive,
      keepAliveInitialDelay: command.keepAliveDelay,
      onread: {
        buffer: () => target(channel),
        callback: (count: number, buffer: Uint8Array) => received(channel, count, buffer),
      },
    });
    channel.socket = socket;
    channels.set(id, channel);
    const destroy = socket._destroy.bind(socket);
    socket._destroy = (error, callback): void => {
      Atomics.store(channel.words, word.closing, 1);
      while (Atomics.load(channel.words, word.writing) === 1)
        Atomics.wait(channel.words, word.writing, 1, 50);
      destroy(error, callback);
    };
    watch(channel, socket);
    socket.once("connect", () => {
      const handle = (socket as unknown as { _handle?: { fd?: number } })._handle;
      Atomics.store(channel.words, word.descriptor, command.direct ? (handle?.fd ?? -1) : -1);
      succeed(channel);
    });
  }

  function secure(channel: Channel, { serial, plan }: Command & { op: "secure" }): void {
    channel.serial = serial;
    const plain = channel.socket;
    plain.removeAllListeners("end");
    plain.removeAllListeners("close");
    plain.removeAllListeners("error");
    Atomics.store(channel.words, word.descriptor, -1);
    const socket: TLSSocket = tls.connect({
      ...plan.options,
      socket: plain,
      ...(plan.checksHost ? {} : { checkServerIdentity: () => undefined }),
    });
    channel.socket = socket;
    watch(channel, socket);
    socket.on("data", (chunk: Uint8Array) => {
      channel.waiting.push(chunk);
      spill(channel);
    });
    socket.once("secureConnect", () => {
      if (plan.needsProtocol && socket.alpnProtocol !== "postgresql") {
        socket.destroy(
          new Error("the server speaks TLS but does not speak PostgreSQL's protocol in it"),
        );
      } else {
        succeed(channel);
      }
    });
  }

  /** Gives the caller the right to read, unless something was read that it has not got yet. */
  function claim(channel: Channel, serial: number): void {
    channel.serial = serial;
    const { words, socket } = channel;
    if (!channel.ended && channel.waiting.length === 0 && Atomics.load(words, word.paused) === 0) {
      socket.pause();
      channel.activity = Atomics.load(words, word.activity);
      claimed.add(channel);
      watchman ??= setInterval(takeBack, patience);
      Atomics.store(words, word.reader, reader.caller);
    }
    Atomics.store(words, word.done, serial);
    wake(channel);
  }

  /** Reads again for callers that have done nothing for a while. */
  function takeBack(): void {
    for (const channel of claimed) {
      const { words } = channel;
      const activity = Atomics.load(words, word.activity);
      const idle = activity === channel.activity;
      channel.activity = activity;
      if (
        idle &&
        Atomics.compareExchange(words, word.reader, reader.free, reader.worker) === reader.free
      ) {
        claimed.delete(channel);
        channel.socket.resume();
      }
    }
    if (claimed.size === 0 && watchman) {
      clearInterval(watchman);
      watchman = null;
    }
  }

  function run(command: Command): void {
    if (command.op === "open") return open(command);
    const channel = channels.get(command.id);
    if (!channel) return;
    switch (command.op) {
      case "secure":
        return secure(channel, command);
      case "claim":
        return claim(channel, command.serial);
      case "write": {
        const { bytes } = command;
        channel.socket.write(bytes, () => {
          Atomics.add(channel.words, word.sent, bytes.length);
          wake(channel);
        });
        return;
      }
      case "resume":
        claimed.delete(channel);
        Atomics.store(channel.words, word.paused, 0);
        spill(channel);
        if (channel.waiting.length === 0) channel.socket.resume();
        return;
      case "ping":
        Atomics.add(channel.words, word.alive, 1);
        return wake(channel);
      case "end": {
        const { socket } = channel;
        claimed.delete(channel);
        const timer = setTimeout(() => socket.destroy(), command.timeout);
        socket.once("close", () => clearTimeout(timer));
        if (socket.connecting) socket.destroy();
        else socket.end();
        // What still comes is of no interest, but reading it lets the end be seen.
        channel.waiting = [];
        Atomics.store(channel.words, word.read, Atomics.load(channel.words, word.written));
        socket.resume();
        return;
      }
      case "destroy":
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
      ended(channel);
      channel.socket.destroy();
    }
  });
}
