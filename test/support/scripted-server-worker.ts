// The scripted server's own thread: listens, plays a script on each connection, and reports what
// the client does. It needs a thread of its own because a blocking connection stops the test's.
//
// Shipped as text, since a worker can't be given TypeScript: the function below may use nothing from
// outside itself but types. It knows how frontend messages are cut, and nothing of what they mean.

import type { Socket } from "node:net";
import type { Report, Start, Step } from "./scripted-server-steps.ts";

/** The thread's program. */
export function serve(load: NodeJS.Require): void {
  const net = load("node:net") as typeof import("node:net");
  const tls = load("node:tls") as typeof import("node:tls");
  const threads = load("node:worker_threads") as typeof import("node:worker_threads");
  const timers = load("node:timers/promises") as typeof import("node:timers/promises");
  const parent = threads.parentPort as import("node:worker_threads").MessagePort;
  const start = threads.workerData as Start;
  const LOOPBACK = "127.0.0.1";
  const UNTYPED: Record<number, string> = { 80877103: "ssl", 80877104: "gss", 80877102: "cancel" };
  const LETTERS = "BCDEFHPQSXcdfp";

  interface Client {
    readonly id: number;
    /** The socket that was accepted, and the one that is spoken through. */
    readonly raw: Socket;
    socket: Socket;
    encrypted: boolean;
    /** Received and not cut yet. */
    rest: Buffer;
    /** Whether messages begin with a type byte: not before the startup message. */
    typed: boolean;
    /** Types of the messages that no step has awaited yet. */
    readonly inbox: string[];
    /** The client's nonce, once it has said one. */
    nonce: string;
    wake: () => void;
    ended: boolean;
    over: boolean;
    played: boolean;
    stays: boolean;
  }

  interface Gate {
    open: boolean;
    readonly waiting: (() => void)[];
  }

  let connections = 0;
  const gates = new Map<string, Gate>();

  function say(report: Report): void {
    parent.postMessage(report);
  }

  function open(name: string): void {
    const gate = gateOf(name);
    gate.open = true;
    for (const wake of gate.waiting.splice(0)) wake();
  }

  function gateOf(name: string): Gate {
    const gate = gates.get(name) ?? { open: false, waiting: [] };
    gates.set(name, gate);
    return gate;
  }

  /** The type of the first whole message and where it ends; null when there is none yet. */
  function head({ rest, typed }: Client): { type: string; end: number } | null {
    const header = typed ? 1 : 0;
    if (rest.length < header + 4 + (typed ? 0 : 4)) return null;
    const end = header + rest.readInt32BE(header);
    if (rest.length < end) return null;
    if (!typed) return { type: UNTYPED[rest.readInt32BE(4)] ?? "startup", end };
    const type = String.fromCharCode(rest[0] as number);
    if (!LETTERS.includes(type)) throw new Error(`no message begins with ${JSON.stringify(type)}`);
    return { type, end };
  }

  function received(client: Client, chunk: Buffer): void {
    const { id, encrypted } = client;
    say({ event: "bytes", id, bytes: chunk, encrypted });
    client.rest = Buffer.concat([client.rest, chunk]);
    try {
      for (let next = head(client); next !== null; next = head(client)) {
        const { type, end } = next;
        say({ event: "message", id, type, bytes: client.rest.subarray(0, end) });
        if (type === "p") {
          const text = client.rest.toString("latin1", 0, end);
          client.nonce ||= /,r=([!-+\--~]+)/.exec(text)?.[1] ?? "";
        }
        client.rest = client.rest.subarray(end);
        client.typed ||= type === "startup";
        client.inbox.push(type);
      }
    } catch (error) {
      fail(client, error);
    }
    client.wake();
  }

  function fail(client: Client, error: unknown): void {
    say({ event: "fault", id: client.id, text: (error as Error).message });
    client.raw.destroy();
  }

  /** Reads what the client sends, for the first time or through TLS. */
  function listen(client: Client): void {
    const { socket, id } = client;
    socket.on("data", (chunk: Buffer) => received(client, chunk));
    socket.on("error", (error) => say({ event: "error", id, text: error.message }));
    socket.on("end", () => {
      if (client.ended) return;
      client.ended = true;
      say({ event: "ended", id });
      client.wake();
      finish(client);
    });
  }

  function finish(client: Client): void {
    if (client.ended && client.played && !client.stays) client.socket.end();
  }

  async function secure(client: Client): Promise<void> {
    const { raw } = client;
    // Who has left already will not begin a handshake any more.
    if (client.ended) return void raw.destroy();
    raw.removeAllListeners("data");
    raw.removeAllListeners("end");
    const { cert, key } = start;
    const options = { isServer: true, cert, key, ALPNProtocols: ["postgresql"] };
    const secured = new tls.TLSSocket(raw, options);
    client.socket = secured;
    client.encrypted = true;
    listen(client);
    // A refused certificate shows as this event, or as a mere end before the handshake was over.
    secured.on("_tlsError", (error: Error) => {
      say({ event: "error", id: client.id, text: error.message });
      raw.destroy();
    });
    await new Promise<void>((resolve) => {
      const giveUp = (): unknown => raw.destroy();
      secured.once("end", giveUp);
      raw.once("close", resolve);
      secured.once("secure", () => {
        secured.off("end", giveUp);
        resolve();
      });
    });
  }

  async function awaitType(client: Client, type: string): Promise<void> {
    while (client.inbox.length === 0 && !client.over && !client.ended) {
      await new Promise<void>((resolve) => (client.wake = resolve));
    }
    const came = client.inbox.shift();
    if (came !== undefined && came !== type) throw new Error(`awaited ${type}, but ${came} came`);
  }

  async function send({ socket }: Client, bytes: Uint8Array, piece: number): Promise<void> {
    for (let at = 0; at < bytes.length && !socket.destroyed; at += piece) {
      const part = bytes.subarray(at, at + piece);
      await new Promise<void>((resolve) => socket.write(part, () => resolve()));
      // One turn for the client to read the piece by itself.
      if (piece < bytes.length) await timers.setTimeout(1);
    }
  }

  async function perform(client: Client, step: Step): Promise<void> {
    const { raw, socket } = client;
    switch (step.do) {
      case "await":
        for (const type of step.types) await awaitType(client, type);
        return;
      case "send":
        return await send(client, step.bytes, step.piece ?? Infinity);
      case "serve":
        for (let served = 0; served < step.times && !client.over; served++) {
          await awaitType(client, step.type);
          await send(client, step.bytes, Infinity);
        }
        return;
      case "answerSasl": {
        await awaitType(client, "p");
        const text = Buffer.from(step.text.replace("{nonce}", client.nonce), "latin1");
        const head = Buffer.from("R\0\0\0\0\0\0\0\0", "latin1");
        head.writeInt32BE(text.length + 8, 1);
        head.writeInt32BE(step.code, 5);
        return await send(client, Buffer.concat([head, text]), Infinity);
      }
      case "secure":
        return await secure(client);
      case "flood":
        while (!client.over && !socket.destroyed) await send(client, step.bytes, Infinity);
        return;
      case "end":
        return void socket.end();
      case "close":
        return socket.destroySoon();
      case "reset":
        // Only TCP knows resets; what comes closest is to close with something unread.
        return void (start.path === null ? raw.resetAndDestroy() : raw.destroy());
      case "deafen":
        return void raw.pause();
      case "stay":
        return void (client.stays = true);
      case "gate": {
        const gate = gateOf(step.name);
        if (!gate.open) await new Promise<void>((resolve) => gate.waiting.push(resolve));
        return;
      }
      case "open":
        return open(step.name);
      case "pause":
        return await timers.setTimeout(step.milliseconds);
    }
  }

  async function play(client: Client, script: readonly Step[]): Promise<void> {
    // A script that begins with a handshake leaves the first bytes to it.
    if (script[0]?.do !== "secure") listen(client);
    try {
      for (const step of script) {
        if (client.over || (client.ended && step.do === "await")) break;
        await perform(client, step);
      }
    } catch (error) {
      fail(client, error);
    }
    client.played = true;
    say({ event: "played", id: client.id });
    finish(client);
  }

  const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (raw) => {
    const id = connections++;
    const client: Client = {
      id,
      raw,
      socket: raw,
      encrypted: false,
      rest: Buffer.alloc(0),
      typed: false,
      inbox: [],
      nonce: "",
      wake: () => {},
      ended: false,
      over: false,
      played: false,
      stays: false,
    };
    say({ event: "accepted", id });
    raw.on("close", () => {
      client.over = true;
      say({ event: "closed", id });
      client.wake();
    });
    const script = start.scripts[id];
    if (script) void play(client, script);
    else fail(client, new Error("there is no script for this connection"));
  });
  parent.on("message", open);
  const listening = (): void => {
    const address = server.address();
    say({ event: "listening", port: typeof address === "object" && address ? address.port : 0 });
  };
  if (start.path === null) server.listen(0, LOOPBACK, listening);
  else server.listen(start.path, listening);
}
