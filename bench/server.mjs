// The PostgreSQL server of a bench run: the programs that the tests install from npm, a fresh data
// directory in the temporary folder, a free port on loopback, fsync off unless it is to be durable; stopped
// and removed at the end. The tests have their own harness in TypeScript; this one runs without a build.

import { spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
} from "node:fs";
import { readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const { ensure } = createRequire(import.meta.url)("../scripts/ensure.js");

const platform = `${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
const packageFolder = fileURLToPath(
  new URL(`../test/support/servers/node_modules/pg18-${platform}`, import.meta.url),
);
const isRoot = process.getuid?.() === 0;
// PostgreSQL refuses to run as root: root starts it as "nobody".
const nobody = 65534;
const account = isRoot ? { uid: nobody, gid: nobody } : {};

/** Where the tests' certificates are; the server's is for 127.0.0.1. */
const certificates = fileURLToPath(new URL("../test/support/certificates/", import.meta.url));

/**
 * Starts a server; resolves with its address, the folder of its unix socket, its process id, version and the way to stop it.
 * One that `isEncrypted` has TLS, and its authority's certificate is the file `ca`.
 */
export async function startServer({ isDurable = false, isEncrypted = false } = {}) {
  await ensure("servers");
  const folder = mkdtempSync(join(tmpdir(), "mahout-bench-"));
  const removeFolder = () => rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
  process.once("exit", removeFolder);
  const programs = preparePrograms(folder);
  const data = join(folder, "data");
  const options = {
    ...account,
    cwd: folder,
    env: { PATH: process.env.PATH, LC_ALL: "C", TZ: "UTC" },
  };
  const run = (name, ...rest) => {
    const { status, stdout, stderr, error } = spawnSync(join(programs, name), rest, options);
    if (status !== 0) throw new Error(`${name} failed: ${String(error ?? stderr)}`);
    return String(stdout).trim();
  };
  const encoding = ["-E", "UTF8", "--locale=C"];
  run("initdb", "-D", data, "-U", "postgres", "-A", "trust", "--no-sync", ...encoding);
  writeFileSync(
    join(data, "pg_hba.conf"),
    "local all all trust\nhost all scram 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n",
  );
  const port = await freePort();
  const hasSockets = process.platform !== "win32";
  const settings = [
    `unix_socket_directories=${hasSockets ? folder : ""}`,
    "max_connections=400",
    ...(isEncrypted ? placeCertificate(data) : []),
  ];
  // What runs for long needs it; what measures microseconds is better off without.
  if (!isDurable) settings.push("autovacuum=off");
  const server = spawn(
    join(programs, "postgres"),
    [
      "-D",
      data,
      "-h",
      "127.0.0.1",
      "-p",
      `${port}`,
      ...(isDurable ? [] : ["-F"]),
      ...settings.flatMap((s) => ["-c", s]),
    ],
    { ...options, stdio: ["ignore", "ignore", "pipe"] },
  );
  const kill = () => server.kill("SIGQUIT");
  process.prependOnceListener("exit", kill);
  await untilReady(server);
  const stop = async () => {
    const exited = new Promise((resolve) => server.once("exit", resolve));
    if (server.exitCode === null && server.kill("SIGINT")) await exited;
    process.off("exit", kill);
  };
  return {
    host: "127.0.0.1",
    port,
    socketFolder: hasSockets ? folder : undefined,
    ca: isEncrypted ? join(certificates, "ca.crt") : undefined,
    pid: server.pid,
    version: run("postgres", "--version"),
    stop,
  };
}

/** Gives the server a certificate and its key; returns the settings that switch TLS on. */
function placeCertificate(data) {
  for (const [name, mode] of [
    ["server.crt", 0o644],
    ["server.key", 0o600],
  ]) {
    const file = join(data, name);
    copyFileSync(join(certificates, name), file);
    chmodSync(file, mode);
    if (isRoot) chownSync(file, nobody, nobody);
  }
  return ["ssl=on"];
}

/** The folder of the programs; as root a copy, because "nobody" may not reach the checkout. */
function preparePrograms(folder) {
  let used = packageFolder;
  if (isRoot) {
    used = join(folder, "package");
    cpSync(packageFolder, used, { recursive: true, verbatimSymlinks: true });
    chmodSync(folder, 0o755);
    chownSync(folder, nobody, nobody);
  }
  // The package lists its symbolic links; an install script would make them, and none runs here.
  const list = join(used, "native", "pg-symlinks.json");
  for (const { source, target } of existsSync(list) ? JSON.parse(readFileSync(list, "utf8")) : []) {
    const link = join(used, target);
    if (existsSync(link)) continue;
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(relative(dirname(link), join(used, source)), link);
  }
  return join(used, "native", "bin");
}

function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer().once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

function untilReady(server) {
  return new Promise((resolve, reject) => {
    let log = "";
    server.stderr.on("data", (chunk) => {
      log = (log + chunk).slice(-4_000);
      if (log.includes("ready to accept connections")) resolve();
    });
    server.once("error", reject);
    server.once("exit", (code) => reject(new Error(`postgres ended with ${code}: ${log}`)));
  });
}
