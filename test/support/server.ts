// Real PostgreSQL servers for tests: any installed major, on a free port, with any settings, access
// rules and TLS; ready in about half a second, gone without trace at the latest when this process
// ends. Tests that need nothing special share the one of default-server.ts instead.

import type { ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { giveToServer, serverDirectory } from "./account.ts";
import { ServerAddress } from "./address.ts";
import { type Binaries, binariesOf } from "./binaries.ts";
import { findFreePort, LOOPBACK } from "./ports.ts";
import { claimServerDirectory, postmasterPid } from "./supervisor.ts";
import { spawnSupervised, sweepAbandonedServers } from "./supervisor.ts";
import { createDataDirectory, SETTINGS_FILE } from "./template.ts";
import { placeClientFiles, placeServerFiles, type ServerCertificate } from "./tls.ts";

/** Settings by their postgresql.conf names. */
export type Settings = Readonly<Record<string, string>>;

/** How a server is to be shut down: after its sessions end, ending them, or as in a crash. */
export type StopMode = "smart" | "fast" | "immediate";

/** What to start; everything has a default. */
export interface ServerOptions {
  /** 14 to 18; default MAHOUT_TEST_MAJOR, else 18. */
  readonly major?: number;
  /** Added to, and stronger than, the harness's own settings. */
  readonly settings?: Settings;
  /** Lines of pg_hba.conf that come before the default ones, which trust everybody local. */
  readonly hba?: readonly string[];
  /** Lines of pg_ident.conf. */
  readonly ident?: readonly string[];
  /** Speak TLS, with the certificate "server" unless another is named. Default false. */
  readonly tls?: boolean | ServerCertificate;
  /** Don't listen on TCP. Default false. */
  readonly unixSocketOnly?: boolean;
  /** Further arguments of initdb, for instance ["--encoding=LATIN1"]; each set has its template. */
  readonly initdb?: readonly string[];
  /**
   * Follow that server, which has the same initdb arguments: it began with the same files, so what it has written
   * since is all that is missing, if its settings keep it (wal_keep_size).
   */
  readonly standbyOf?: ServerAddress;
}

const STANDARD_SETTINGS: Settings = {
  autovacuum: "off",
  fsync: "off",
  full_page_writes: "off",
  log_line_prefix: "%m [%p] %q%u@%d ",
  max_connections: "100",
  max_prepared_transactions: "20",
  password_encryption: "scram-sha-256",
  shared_buffers: "32MB",
  wal_level: "logical",
};

const TRUST_LINES = ["local all all trust", "host all all 127.0.0.1/32 trust"].concat(
  ["host all all ::1/128 trust", "local replication all trust"],
  ["host replication all 127.0.0.1/32 trust"],
);

const SIGNALS = { smart: "SIGTERM", fast: "SIGINT", immediate: "SIGQUIT" } as const;
const START_MILLISECONDS = 60_000;
const STOP_MILLISECONDS = 10_000;
const POLL_MILLISECONDS = 5;
/** The major that tests use unless they name one. */
export const defaultMajor: number = Number(process.env["MAHOUT_TEST_MAJOR"] ?? "18");

function configurationText(settings: Settings): string {
  const lines = Object.entries(settings).map(
    ([name, value]) => `${name} = '${value.replaceAll("'", "''")}'\n`,
  );
  return lines.join("");
}

/** A server of this process, with power over its life. */
export class TestServer extends ServerAddress {
  /** Everything of this server; removed when it stops. */
  readonly directory: string;
  readonly dataDirectory: string;
  readonly #binaries: Binaries;
  #settings: Settings;
  #supervisor: ChildProcess | undefined;
  #pid: number | undefined;
  #exited: Promise<void> = Promise.resolve();

  /** Use startServer. */
  constructor(address: ServerAddress, binaries: Binaries, directory: string, settings: Settings) {
    super(address.coordinates);
    this.directory = directory;
    this.dataDirectory = join(directory, "data");
    this.#binaries = binaries;
    this.#settings = settings;
  }

  /** The process id of the postmaster. Throws while the server is stopped. */
  get pid(): number {
    if (this.#pid === undefined) throw new Error("the test server is not running");
    return this.#pid;
  }

  /** Resolves when the server process that runs now has ended, for whatever reason. */
  get exited(): Promise<void> {
    return this.#exited;
  }

  /** What the server has logged so far. */
  log(): string {
    const path = join(this.directory, "server.log");
    return existsSync(path) ? readFileSync(path, "utf8") : "";
  }

  /** Starts a stopped server on the same port and data. */
  async start(): Promise<void> {
    this.#write(SETTINGS_FILE, configurationText(this.#settings));
    const deadline = Date.now() + START_MILLISECONDS;
    for (;;) {
      const logged = this.log().length;
      if (await this.#launch(deadline)) return;
      const reason = this.log().slice(logged);
      // After a crash the old backends need a moment to notice.
      const transient = /shared memory block .*still in use|could not bind|Address already in use/;
      if (!transient.test(reason) || Date.now() > deadline) {
        throw new Error(`PostgreSQL ${this.#binaries.version} did not start:\n${reason}`);
      }
      await sleep(50);
    }
  }

  /** Sends a signal to the postmaster: SIGHUP reloads, SIGSTOP freezes, SIGKILL crashes. */
  kill(signal: NodeJS.Signals): void {
    process.kill(this.pid, signal);
  }

  /** Stops and starts the server on the same port, optionally with more settings. */
  async restart({ settings = {}, mode = "fast" }: RestartOptions = {}): Promise<void> {
    await this.#shutDown(mode);
    this.#settings = { ...this.#settings, ...settings };
    await this.start();
  }

  /** Replaces the access rules, default lines excluded, and waits until they are in force. */
  async setAccessRules(hba: readonly string[]): Promise<void> {
    this.writeAccessRules(hba);
    const reloads = this.#countReloads();
    this.kill("SIGHUP");
    while (this.#countReloads() === reloads) await sleep(POLL_MILLISECONDS);
  }

  /** Writes pg_hba.conf; in force from the next start or reload. */
  writeAccessRules(hba: readonly string[]): void {
    this.#write("pg_hba.conf", [...hba, ...TRUST_LINES, ""].join("\n"));
  }

  /** Makes the server a standby, from its next start until it is promoted. */
  follow(): void {
    this.#write("standby.signal", "");
  }

  /** Writes pg_ident.conf; in force from the next start or reload. */
  writeUserMaps(ident: readonly string[]): void {
    this.#write("pg_ident.conf", [...ident, ""].join("\n"));
  }

  /** Stops the server and removes its files; does nothing the second time. */
  async stop(mode: StopMode = "fast"): Promise<void> {
    await this.#shutDown(mode);
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #countReloads(): number {
    return this.log().split("received SIGHUP, reloading configuration files").length;
  }

  #write(name: string, content: string): void {
    const path = join(this.dataDirectory, name);
    writeFileSync(path, content, { mode: 0o600 });
    giveToServer(path);
  }

  /** One attempt; false when the process ended instead of becoming ready. */
  async #launch(deadline: number): Promise<boolean> {
    const former = postmasterPid(this.dataDirectory);
    const log = join(this.directory, "server.log");
    const command = [this.#binaries.postgres, "-D", this.dataDirectory] as const;
    const supervisor = spawnSupervised(this.directory, log, command);
    let ended: string | undefined;
    this.#exited = new Promise((resolve) => {
      const end = (how: string): void => {
        ended = how;
        this.#supervisor = undefined;
        this.#pid = undefined;
        resolve();
      };
      supervisor.once("exit", (code, signal) => end(`ended with ${signal ?? code}`));
      supervisor.once("error", (error) => end(error.message));
    });
    this.#supervisor = supervisor;
    while (!this.#isReady(former)) {
      if (ended !== undefined) appendFileSync(log, `the server ${String(ended)}\n`);
      if (ended !== undefined) return false;
      if (Date.now() > deadline) {
        supervisor.stdin?.destroy();
        throw new Error(`PostgreSQL ${this.#binaries.version} never got ready:\n${this.log()}`);
      }
      await sleep(POLL_MILLISECONDS);
    }
    this.#pid = postmasterPid(this.dataDirectory);
    return true;
  }

  /** PostgreSQL ends its pid file with a status line; a crash leaves the former one behind. */
  #isReady(former: number | undefined): boolean {
    const pid = postmasterPid(this.dataDirectory);
    if (pid === undefined || pid === former) return false;
    const lines = readFileSync(join(this.dataDirectory, "postmaster.pid"), "utf8").split("\n");
    return lines[7]?.trim() === "ready";
  }

  async #shutDown(mode: StopMode): Promise<void> {
    const supervisor = this.#supervisor;
    if (supervisor === undefined) return;
    supervisor.ref();
    // A test may have frozen it.
    this.kill("SIGCONT");
    this.kill(SIGNALS[mode]);
    const patience = new AbortController();
    const later = sleep(STOP_MILLISECONDS, "late", { signal: patience.signal }).catch(() => "over");
    const outcome = await Promise.race([this.#exited, later]);
    patience.abort();
    if (outcome !== "late") return;
    // The supervisor stops it with all means when its pipe closes, and removes the directory.
    if (supervisor.stdin === null) this.kill("SIGKILL");
    else supervisor.stdin.destroy();
    await this.#exited;
  }
}

/** What a restart may change. */
export interface RestartOptions {
  /** Added to the settings so far. */
  readonly settings?: Settings;
  /** Default "fast". */
  readonly mode?: StopMode;
}

function conninfoOf({ host, port }: ServerAddress): string {
  return `host=${host} port=${port} user=postgres`;
}

/** Starts a server of its own for the caller, who stops it (or says `await using`). */
export async function startServer(options: ServerOptions = {}): Promise<TestServer> {
  sweepAbandonedServers();
  const binaries = await binariesOf(options.major ?? defaultMajor);
  const directory = join(serverDirectory("running"), randomBytes(4).toString("hex"));
  mkdirSync(directory, { mode: 0o755 });
  giveToServer(directory);
  claimServerDirectory(directory);
  try {
    const dataDirectory = join(directory, "data");
    await createDataDirectory(binaries, options.initdb ?? [], dataDirectory);
    const certificate = options.tls === true ? "server" : options.tls || undefined;
    const alone = options.unixSocketOnly ?? false;
    const address = new ServerAddress({
      major: binaries.major,
      host: alone ? directory : LOOPBACK,
      port: await findFreePort(),
      socketDirectory: directory,
      ...(certificate && { tls: placeClientFiles(join(directory, "tls"), certificate) }),
    });
    const server = new TestServer(address, binaries, directory, {
      ...STANDARD_SETTINGS,
      listen_addresses: alone ? "" : LOOPBACK,
      port: String(address.port),
      ...(process.platform === "win32" ? {} : { unix_socket_directories: directory }),
      ...(certificate && placeServerFiles(dataDirectory, certificate)),
      ...(options.standbyOf && { primary_conninfo: conninfoOf(options.standbyOf) }),
      ...options.settings,
    });
    server.writeAccessRules(options.hba ?? []);
    server.writeUserMaps(options.ident ?? []);
    if (options.standbyOf) server.follow();
    await server.start();
    return server;
  } catch (error) {
    rmSync(directory, { recursive: true, force: true });
    throw error;
  }
}
