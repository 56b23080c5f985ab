// A peer that is no PostgreSQL server: it accepts connections and then does what a test says, in a
// thread of its own, because a blocking connect leaves this thread no time to serve it.

import { once } from "node:events";
import type { Socket } from "node:net";
import { Worker } from "node:worker_threads";
import { LOOPBACK } from "./ports.ts";

/** What the peer does with a connection; shipped as text, so it may use nothing from outside. */
export type Behaviour = (socket: Socket, load: NodeJS.Require) => void;

/** A running peer. */
export interface Peer extends AsyncDisposable {
  readonly port: number;
  /** How many connections it has accepted so far. */
  accepted(): number;
  /** How many of them are still open. */
  open(): number;
  /** What it has received on all of them. */
  received(): Buffer;
}

const PROGRAM = `
const { parentPort, workerData } = require("node:worker_threads");
const { createServer } = require("node:net");
const behave = eval(workerData.behaviour);
const counts = new Int32Array(workerData.memory, 0, 3);
const bytes = new Uint8Array(workerData.memory, 12);
const server = createServer((socket) => {
  Atomics.add(counts, 0, 1);
  Atomics.add(counts, 1, 1);
  socket.on("error", () => {});
  socket.on("close", () => Atomics.sub(counts, 1, 1));
  socket.on("data", (chunk) => {
    bytes.set(chunk.subarray(0, bytes.length - counts[2]), counts[2]);
    Atomics.add(counts, 2, Math.min(chunk.length, bytes.length - counts[2]));
  });
  behave(socket, require);
});
server.listen(0, workerData.host, () => parentPort.postMessage(server.address().port));
`;

/** Starts a peer; by default it accepts and never says a word. */
export async function startPeer(behaviour: Behaviour = () => undefined): Promise<Peer> {
  const memory = new SharedArrayBuffer(64 * 1024);
  const counts = new Int32Array(memory, 0, 3);
  const worker = new Worker(PROGRAM, {
    eval: true,
    execArgv: [],
    workerData: { behaviour: `(${behaviour.toString()})`, memory, host: LOOPBACK },
  });
  const [port] = (await once(worker, "message")) as [number];
  return {
    port,
    accepted: () => Atomics.load(counts, 0),
    open: () => Atomics.load(counts, 1),
    received: () => Buffer.from(new Uint8Array(memory, 12, Atomics.load(counts, 2))),
    [Symbol.asyncDispose]: async () => {
      await worker.terminate();
    },
  };
}
