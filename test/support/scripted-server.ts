// A server that says exactly what a script tells it, well-formed or not, over TCP or a unix socket,
// in the clear or in TLS; it never answers anything by itself. It runs in a thread of its own, so a
// blocking connection can talk to it, and keeps everything that the client sent.
//
//   await using server = await ScriptedServer.start([
//     [awaits("startup"), sends(authenticationOk(), readyForQuery()), awaits("Q"), resets()],
//   ]);
//   const conn = await connect(server.conninfo());
//
// A client that does not do what the script awaits is a fault, and `closed()` fails with it; a client
// that leaves early is not. A script that has ended leaves the connection open, silent and read.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { Happenings } from "./happenings.ts";
import type { Conninfo } from "./address.ts";
import type { Report, Start, Step } from "./scripted-server-steps.ts";
import { serve } from "./scripted-server-worker.ts";

/** What is played on one connection. */
export type Script = readonly Step[];

/** Waits for messages of these types, in this order: letters, or ssl, gss, startup, cancel. */
export function awaits(...types: readonly string[]): Step {
  return { do: "await", types };
}

/** Sends messages, or any bytes, in one piece. */
export function sends(...parts: readonly (Uint8Array | string)[]): Step {
  return { do: "send", bytes: Buffer.concat(parts.map((part) => Buffer.from(part as string))) };
}

/** So many times: waits for a message of this type and answers it at once. */
export function serves(times: number, type: string, ...parts: readonly Uint8Array[]): Step {
  return { do: "serve", type, bytes: Buffer.concat(parts), times };
}

/** Sends the same so that each byte arrives by itself. */
export function sendsBytewise(...parts: readonly Uint8Array[]): Step {
  return { do: "send", bytes: Buffer.concat(parts), piece: 1 };
}

/** Sends the same again and again, faster than any client reads it, until the connection is over. */
export function floods(...parts: readonly Uint8Array[]): Step {
  const once = Buffer.concat(parts);
  const often = Math.ceil(FLOOD_SIZE / once.length);
  return { do: "flood", bytes: Buffer.concat(Array.from({ length: often }, () => once)) };
}

/** What a flood writes at once, in bytes: more than lies in the system's buffers. */
const FLOOD_SIZE = 8 * 1024 * 1024;

/** Waits for the client's SASL message and answers it; `{nonce}` is replaced by the client's. */
export function challenges(text: string): Step {
  return { do: "answerSasl", code: 11, text };
}

/** Waits for the client's SASL message and ends the exchange. */
export function concludes(text: string): Step {
  return { do: "answerSasl", code: 12, text };
}

/** Takes part in a TLS handshake; as the first step, without having been asked for it. */
export function secures(): Step {
  return { do: "secure" };
}

/** Closes the server's half only. */
export function ends(): Step {
  return { do: "end" };
}

/** Closes the connection. */
export function closes(): Step {
  return { do: "close" };
}

/** Resets the connection; over a unix socket, closes it whatever has been read. */
export function resets(): Step {
  return { do: "reset" };
}

/** From here on reads nothing, so that the client can write only so much. */
export function deafens(): Step {
  return { do: "deafen" };
}

/** From here on keeps the connection, even when the client closes its half. */
export function stays(): Step {
  return { do: "stay" };
}

/** Waits until the test, or the script of another connection, opens the gate of that name. */
export function gate(name: string): Step {
  return { do: "gate", name };
}

/** Opens a gate for another connection. */
export function opens(name: string): Step {
  return { do: "open", name };
}

/** Waits. */
export function pauses(milliseconds: number): Step {
  return { do: "pause", milliseconds };
}

/** One message that a client sent. */
export interface FrontendMessage {
  /** Its type byte, or ssl, gss, startup, cancel. */
  readonly type: string;
  /** All its bytes, header included. */
  readonly bytes: Buffer;
}

/** What is known of one connection. */
export interface ConnectionRecord {
  readonly messages: FrontendMessage[];
  /** What came in the clear; once TLS was started, nothing more. */
  plain: Buffer;
  /** What came through TLS. */
  encrypted: Buffer;
  /** Whether the client has closed its half. */
  ended: boolean;
  closed: boolean;
  /** Whether the script has been played to its end. */
  played: boolean;
  readonly errors: string[];
  readonly faults: string[];
}

/** How a scripted server is started. */
export interface ScriptedServerOptions {
  /** Whether to listen on a unix socket instead of a TCP port. */
  readonly unix?: boolean;
}

const PATIENCE = 10_000;
const UNIX_PORT = 5432;

/** A scripted server. */
export class ScriptedServer {
  /** Each connection, in the order in which they were accepted. */
  readonly connections: ConnectionRecord[] = [];
  readonly #worker: Worker;
  readonly #directory: string | null;
  #port = UNIX_PORT;
  readonly #happenings = new Happenings(PATIENCE);

  private constructor(scripts: readonly Script[], directory: string | null) {
    this.#directory = directory;
    const read = (name: string): string =>
      readFileSync(join(__dirname, "certificates", name), "latin1");
    const path = directory === null ? null : join(directory, `.s.PGSQL.${UNIX_PORT}`);
    const start: Start = { scripts, path, cert: read("server.crt"), key: read("server.key") };
    this.#worker = new Worker(`(${serve.toString()})(require)`, { eval: true, workerData: start });
    this.#worker.on("message", (report: Report) => this.#take(report));
    this.#worker.on("error", (error) => {
      this.#happenings.failure = error;
      this.#happenings.changed();
    });
  }

  /** Starts a server whose first connection plays the first script, and so on. */
  static async start(
    scripts: readonly Script[],
    options: ScriptedServerOptions = {},
  ): Promise<ScriptedServer> {
    const directory =
      options.unix === true ? mkdtempSync(join(tmpdir(), "mahout-scripted-")) : null;
    const server = new ScriptedServer(scripts, directory);
    let listening = false;
    server.#worker.on("message", ({ event }: Report) => (listening ||= event === "listening"));
    await server.until(() => listening, "the server listens");
    return server;
  }

  #take(report: Report): void {
    if (report.event === "listening") {
      this.#port = report.port || UNIX_PORT;
    } else if (report.event === "accepted") {
      const state = { ended: false, closed: false, played: false };
      const bytes = { plain: Buffer.alloc(0), encrypted: Buffer.alloc(0) };
      this.connections[report.id] = { messages: [], errors: [], faults: [], ...bytes, ...state };
    } else {
      record(this.connections[report.id] as ConnectionRecord, report);
    }
    this.#happenings.changed();
  }

  /** How to reach the server; the overrides are libpq's keywords. */
  conninfo(overrides: Conninfo = {}): Conninfo {
    const host = this.#directory ?? "127.0.0.1";
    const who = { user: "scripted", dbname: "scripted" };
    return { host, port: this.#port, ...who, sslmode: "disable", ...overrides };
  }

  /** Lets the scripts go on that wait, or will wait, at the gate. */
  open(name: string): void {
    this.#worker.postMessage(name);
  }

  /** Waits until something is true; looks whenever something has happened. */
  async until(fact: () => boolean, what: string = fact.toString()): Promise<void> {
    await this.#happenings.until(fact, () => `${what}; ${JSON.stringify(this.#faults())}`);
  }

  /** Waits until the client has sent a message of that type on that connection. */
  async received(type: string, connection: number = 0): Promise<void> {
    await this.until(
      () => this.connections[connection]?.messages.some((one) => one.type === type) === true,
      `a message ${type} came`,
    );
  }

  /**
   * Waits until so many connections were made, and all that were made are closed.
   *
   * @throws Error when a client did not do as its script awaits, or a connection stays open.
   */
  async closed(count: number = 1): Promise<readonly ConnectionRecord[]> {
    await this.until(
      () => this.connections.length >= count && this.connections.every(({ closed }) => closed),
      `${count} connections were made and closed`,
    );
    const faults = this.#faults();
    if (faults.length > 0) throw new Error(`the client did something else: ${faults.join("; ")}`);
    return this.connections;
  }

  #faults(): string[] {
    return this.connections.flatMap(({ faults }) => faults);
  }

  /** Stops the thread, and with it every connection. */
  async stop(): Promise<void> {
    await this.#worker.terminate();
    if (this.#directory !== null) rmSync(this.#directory, { recursive: true, force: true });
  }

  /** Stops the server at the end of an `await using` block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

function record(
  connection: ConnectionRecord,
  report: Exclude<Report, { event: "listening" | "accepted" }>,
): void {
  switch (report.event) {
    case "bytes": {
      const half = report.encrypted ? "encrypted" : "plain";
      connection[half] = Buffer.concat([connection[half], report.bytes]);
      return;
    }
    case "message":
      connection.messages.push({ type: report.type, bytes: Buffer.from(report.bytes) });
      return;
    case "error":
      connection.errors.push(report.text);
      return;
    case "fault":
      connection.faults.push(report.text);
      return;
    default:
      connection[report.event] = true;
  }
}
