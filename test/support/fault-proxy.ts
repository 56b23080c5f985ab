// The fault proxy: stands between the driver and a real server, and does to their bytes what networks
// do, and worse. Faults are switched at any moment, for each direction, or wait for a word to pass to
// the server: that is for a thread that will be blocked by then.
//
// A cancel request comes over a connection of its own. Whatever is admitted, or done to newcomers, once
// a session has been made is done to those; that holds behind TLS as well, where nothing can be read.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { Happenings } from "./happenings.ts";
import type { Conninfo, ServerAddress } from "./address.ts";
import type { Admission, Direction, Fault, Order, Report } from "./fault-proxy-orders.ts";
import { intercept } from "./fault-proxy-worker.ts";

export type { Admission, Direction, Fault } from "./fault-proxy-orders.ts";

/** Which of the connections' bytes are meant; both directions of all connections by default. */
export interface Aim {
  readonly direction?: Direction;
  /** A connection by its number, in the order in which they were made. */
  readonly connection?: number;
  /** Whether connections that are made later are treated alike, or only they are. Default false. */
  readonly newcomers?: boolean | "only";
}

/** How a proxy is started. */
export interface FaultProxyOptions {
  /** Whether to listen on, and connect to, unix sockets. Default false. */
  readonly unix?: boolean;
}

type Unnumbered<T> = T extends unknown ? Omit<T, "serial"> : never;

const PATIENCE = 10_000;
const UNIX_PORT = 5432;
const BOTH: readonly Direction[] = ["toServer", "toClient"];

/** A proxy in front of one server. */
export class FaultProxy {
  /** How many connections were made. */
  accepted = 0;
  /** How many of them are open, on either side. */
  open = 0;
  /** How many were cancel requests that could be recognised. */
  cancels = 0;
  /** How many bytes came from the server. */
  answered = 0;
  /** The faults that have struck. */
  readonly struck: Fault["do"][] = [];
  readonly #worker: Worker;
  readonly #server: ServerAddress;
  readonly #directory: string | null;
  #port = UNIX_PORT;
  #listening = false;
  #serial = 0;
  #done = 0;
  readonly #happenings = new Happenings(PATIENCE);

  private constructor(server: ServerAddress, directory: string | null) {
    this.#server = server;
    this.#directory = directory;
    const { host, port, socketDirectory } = server;
    const unix = directory !== null || host.startsWith("/");
    const target = unix ? { path: join(socketDirectory, `.s.PGSQL.${port}`) } : { host, port };
    const path = directory === null ? null : join(directory, `.s.PGSQL.${UNIX_PORT}`);
    this.#worker = new Worker(`(${intercept.toString()})(require)`, {
      eval: true,
      workerData: { target, path },
    });
    this.#worker.on("message", (report: Report) => this.#take(report));
    this.#worker.on("error", (error) => {
      this.#happenings.failure = error;
      this.#happenings.changed();
    });
  }

  /** Starts a proxy in front of a server. */
  static async start(server: ServerAddress, options: FaultProxyOptions = {}): Promise<FaultProxy> {
    const directory = options.unix === true ? mkdtempSync(join(tmpdir(), "mahout-fault-")) : null;
    const proxy = new FaultProxy(server, directory);
    await proxy.until(() => proxy.#listening, "the proxy listens");
    return proxy;
  }

  #take(report: Report): void {
    switch (report.event) {
      case "listening":
        this.#port = report.port || UNIX_PORT;
        this.#listening = true;
        break;
      case "done":
        this.#done = report.serial;
        break;
      case "accepted":
        this.accepted++;
        this.open++;
        break;
      case "closed":
        this.open--;
        break;
      case "cancel":
        this.cancels++;
        break;
      case "answered":
        this.answered += report.bytes;
        break;
      case "fault":
        this.struck.push(report.fault);
    }
    this.#happenings.changed();
  }

  /** How to reach the server through the proxy; the overrides are libpq's keywords. */
  conninfo(overrides: Conninfo = {}): Conninfo {
    const host = this.#directory ?? "127.0.0.1";
    return this.#server.conninfo({ host, port: this.#port, ...overrides });
  }

  async #order(order: Unnumbered<Order>): Promise<void> {
    const serial = ++this.#serial;
    this.#worker.postMessage({ serial, ...order });
    await this.until(() => this.#done >= serial, `the proxy did ${JSON.stringify(order)}`);
  }

  /** Does something to bytes from now on. */
  async inflict(fault: Fault, aim: Aim = {}): Promise<void> {
    const directions = aim.direction === undefined ? BOTH : [aim.direction];
    const newcomers = aim.newcomers ?? false;
    const connection = aim.connection ?? null;
    await this.#order({ do: "fault", fault, directions, connection, newcomers });
  }

  /** Does something to bytes as soon as a word has passed to the server, before any answer to it. */
  async arm(word: string, fault: Fault, aim: Omit<Aim, "newcomers"> = {}): Promise<void> {
    const directions = aim.direction === undefined ? BOTH : [aim.direction];
    const connection = aim.connection ?? null;
    await this.#order({ do: "arm", fault, directions, connection, seen: word });
  }

  /** Says what happens to who connects from now on. */
  async admit(admission: Admission): Promise<void> {
    await this.#order({ do: "admit", admission });
  }

  /** Ends all faults: what was held is passed on, what was lost is lost. */
  async heal(): Promise<void> {
    await this.admit("pass");
    await this.inflict({ do: "pass" });
  }

  /** Waits until something is true; looks whenever something has happened. */
  async until(fact: () => boolean, what: string = fact.toString()): Promise<void> {
    await this.#happenings.until(fact, () => what);
  }

  /** Ends all faults and waits until no connection is open on either side: nobody has left a socket. */
  async closed(): Promise<void> {
    await this.heal();
    await this.until(() => this.open === 0, "all connections through the proxy are closed");
  }

  /** Stops the thread, and with it every connection. */
  async stop(): Promise<void> {
    await this.#worker.terminate();
    if (this.#directory !== null) rmSync(this.#directory, { recursive: true, force: true });
  }

  /** Stops the proxy at the end of an `await using` block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
