// The fault proxy's own thread: passes bytes between clients and a real server, and does to them what
// it was told. It needs a thread of its own because a blocking connection stops the test's.
//
// Shipped as text, since a worker can't be given TypeScript: the function below may use nothing from
// outside itself but types. It knows nothing of the protocol but what a cancel request looks like.

import type { Socket } from "node:net";
import type { Admission, Direction, Fault, Order, Report, Target } from "./fault-proxy-orders.ts";

/** The thread's program. */
export function intercept(load: NodeJS.Require): void {
  const net = load("node:net") as typeof import("node:net");
  const threads = load("node:worker_threads") as typeof import("node:worker_threads");
  const timers = load("node:timers/promises") as typeof import("node:timers/promises");
  const parent = threads.parentPort as import("node:worker_threads").MessagePort;
  const { target, path } = threads.workerData as { target: Target; path: string | null };
  const LOOPBACK = "127.0.0.1";
  const CANCEL = 80877102;
  const PASS: Fault = { do: "pass" };

  /** One way of one connection. */
  interface Stream {
    readonly pair: () => Pair;
    readonly direction: Direction;
    readonly from: Socket;
    readonly to: Socket;
    fault: Fault;
    /** A fault that waits for a word. */
    armed: (Order & { do: "arm" }) | null;
    /** How many bytes came since the fault began. */
    count: number;
    /** The end of what was seen already, for what is looked for across two reads. */
    tail: string;
    /** What came and was not passed on yet. */
    held: Buffer[];
    /** Whether the sender has closed its half. */
    ended: boolean;
    /** Whether what is held is being passed on, one piece after the other. */
    working: boolean;
    wake: () => void;
  }

  interface Pair {
    readonly id: number;
    readonly client: Socket;
    readonly server: Socket | null;
    readonly streams: Record<Direction, Stream> | null;
    first: boolean;
  }

  const pairs = new Set<Pair>();
  let connections = 0;
  let admission: Admission = "pass";
  /** What new connections begin with. */
  const initial: Record<Direction, Fault> = { toServer: PASS, toClient: PASS };

  function say(report: Report): void {
    parent.postMessage(report);
  }

  function reset(socket: Socket): void {
    // Only TCP knows resets; what comes closest is to close at once, whatever has been read.
    if (path === null && !socket.destroyed) socket.resetAndDestroy();
    else socket.destroy();
  }

  function write(socket: Socket, bytes: Uint8Array): Promise<void> {
    if (socket.destroyed || socket.writableEnded) return Promise.resolve();
    return new Promise((resolve) => socket.write(bytes, () => resolve()));
  }

  function begin(stream: Stream, fault: Fault): void {
    const pair = stream.pair();
    stream.fault = fault;
    stream.count = 0;
    say({ event: "fault", id: pair.id, fault: fault.do });
    if (fault.do === "deaf") stream.from.pause();
    else stream.from.resume();
    if (fault.do === "end") stream.to.end();
    if (fault.do === "reset") {
      reset(pair.client);
      if (pair.server) pair.server.destroy();
    }
    stream.wake();
    void work(stream);
  }

  /** Passes on what is held, as the fault of the moment allows; one piece at a time. */
  async function work(stream: Stream): Promise<void> {
    if (stream.working) return;
    stream.working = true;
    while (stream.held.length > 0) {
      const { fault, to } = stream;
      if (fault.do === "freeze") break;
      const chunk = stream.held.shift() as Buffer;
      const start = stream.count;
      stream.count += chunk.length;
      switch (fault.do) {
        case "hole":
        case "end":
        case "reset":
          break;
        case "delay":
          await Promise.race([
            timers.setTimeout(fault.milliseconds),
            new Promise<void>((resolve) => (stream.wake = resolve)),
          ]);
          await write(to, chunk);
          break;
        case "bytewise":
          for (let at = 0; at < chunk.length; at++) {
            await write(to, chunk.subarray(at, at + 1));
            await timers.setImmediate();
          }
          break;
        case "split": {
          const at = fault.at - start;
          if (at <= 0 || at >= chunk.length) {
            await write(to, chunk);
            break;
          }
          await write(to, chunk.subarray(0, at));
          await timers.setTimeout(2);
          await write(to, chunk.subarray(at));
          break;
        }
        case "until": {
          const at = fault.at - start;
          if (at > chunk.length) {
            await write(to, chunk);
            break;
          }
          await write(to, chunk.subarray(0, at));
          stream.held.unshift(chunk.subarray(at));
          // What is before a reset shall arrive before it.
          if (fault.next.do === "reset") await timers.setTimeout(2);
          begin(stream, fault.next);
          break;
        }
        case "corrupt": {
          const at = fault.at - start;
          if (at >= 0 && at < chunk.length)
            chunk[at] = (chunk[at] as number) ^ (fault.mask ?? 0xff);
          await write(to, chunk);
          break;
        }
        default:
          await write(to, chunk);
      }
    }
    stream.working = false;
    finish(stream);
  }

  /** Passes on that the sender has left, unless that, too, is lost or kept. */
  function finish({ ended, held, fault, to }: Stream): void {
    if (!ended || held.length > 0 || fault.do === "hole" || fault.do === "freeze") return;
    to.end();
  }

  /** Whether the word that is waited for has passed. */
  function triggers(stream: Stream, chunk: Buffer): boolean {
    const { armed } = stream;
    if (!armed) return false;
    const text = stream.tail + chunk.toString("latin1");
    stream.tail = text.slice(-armed.seen.length);
    return text.includes(armed.seen);
  }

  function received(pair: Pair, stream: Stream, chunk: Buffer): void {
    if (pair.first && stream.direction === "toServer") {
      pair.first = false;
      const isCancel = chunk.length >= 8 && chunk.readInt32BE(4) === CANCEL;
      if (isCancel) say({ event: "cancel", id: pair.id });
    }
    if (stream.direction === "toClient") {
      say({ event: "answered", id: pair.id, bytes: chunk.length });
    }
    if (triggers(stream, chunk)) return void strike(pair, stream, chunk);
    stream.held.push(chunk);
    void work(stream);
  }

  /** The word has come: it is passed on, and the fault begins. */
  async function strike(pair: Pair, stream: Stream, chunk: Buffer): Promise<void> {
    const { fault, directions } = stream.armed as NonNullable<Stream["armed"]>;
    stream.armed = null;
    // No answer shall slip through before it.
    if (directions.includes("toClient") && pair.streams) begin(pair.streams.toClient, fault);
    stream.held.push(chunk);
    // What follows keeps its place.
    stream.from.pause();
    await work(stream);
    stream.from.resume();
    if (directions.includes("toServer")) begin(stream, fault);
  }

  function streamOf(pair: () => Pair, direction: Direction, from: Socket, to: Socket): Stream {
    const stream: Stream = {
      pair,
      direction,
      from,
      to,
      fault: initial[direction],
      armed: null,
      count: 0,
      tail: "",
      held: [],
      ended: false,
      working: false,
      wake: () => {},
    };
    from.on("data", (chunk: Buffer) => received(pair(), stream, chunk));
    from.on("end", () => {
      stream.ended = true;
      void work(stream);
    });
    from.on("error", () => {});
    from.on("close", () => {
      stream.ended = true;
      stream.wake();
      void work(stream);
    });
    return stream;
  }

  function accept(client: Socket): void {
    const id = connections++;
    say({ event: "accepted", id });
    client.on("error", () => {});
    let pair: Pair;
    const over = (): void => {
      if (!client.destroyed || (pair.server && !pair.server.destroyed)) return;
      if (pairs.delete(pair)) say({ event: "closed", id });
    };
    client.on("close", over);
    if (admission !== "pass") {
      pair = { id, client, server: null, streams: null, first: true };
      pairs.add(pair);
      if (admission === "drop") client.destroy();
      else if (admission === "reset") reset(client);
      // Who is let into a hole is read, but nothing comes of it; and nobody says goodbye.
      client.on("data", () => {}).on("end", () => client.end());
      return;
    }
    const options = { allowHalfOpen: true, noDelay: true };
    const server = net.connect({ ...target, ...options } as import("node:net").NetConnectOpts);
    server.on("close", over);
    const me = (): Pair => pair;
    const streams = {
      toServer: streamOf(me, "toServer", client, server),
      toClient: streamOf(me, "toClient", server, client),
    };
    pair = { id, client, server, streams, first: true };
    pairs.add(pair);
    for (const direction of ["toServer", "toClient"] as const) {
      const fault = initial[direction];
      if (fault.do !== "pass") begin(streams[direction], fault);
    }
  }

  let listener = makeListener();
  let port = 0;

  function makeListener(): import("node:net").Server {
    return net.createServer({ allowHalfOpen: true, noDelay: true }, accept);
  }

  function listen(done: () => void): void {
    listener.on("error", () => setTimeout(() => listen(done), 20));
    if (path === null) listener.listen(port, LOOPBACK, done);
    else listener.listen(path, done);
  }

  function admit(wanted: Admission, done: () => void): void {
    const before = admission;
    admission = wanted;
    if (wanted === "refuse" && before !== "refuse") {
      // Those that are connected stay; its port is kept for when it listens again.
      listener.close();
      done();
    } else if (wanted !== "refuse" && before === "refuse") {
      listener = makeListener();
      listen(done);
    } else {
      done();
    }
  }

  function obey(order: Order): void {
    const done = (): void => say({ event: "done", serial: order.serial });
    if (order.do === "admit") return admit(order.admission, done);
    for (const pair of pairs) {
      if (order.connection !== null && pair.id !== order.connection) continue;
      if (order.do === "fault" && order.newcomers === "only") continue;
      if (!pair.streams) {
        if (order.do === "fault" && order.fault.do === "reset") reset(pair.client);
        continue;
      }
      if (order.do === "arm") {
        const stream = pair.streams.toServer;
        stream.armed = order;
        stream.tail = "";
        continue;
      }
      for (const direction of order.directions) {
        pair.streams.toServer.armed = null;
        begin(pair.streams[direction], order.fault);
      }
    }
    if (order.do === "fault" && order.connection === null) {
      for (const direction of order.directions) {
        initial[direction] = order.newcomers !== false ? order.fault : PASS;
      }
    }
    done();
  }

  parent.on("message", obey);
  listen(() => {
    const address = listener.address();
    port = typeof address === "object" && address ? address.port : 0;
    say({ event: "listening", port });
  });
}
