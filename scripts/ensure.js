"use strict";

// Installs what is missing, and only that: the packages of the checkout itself, the embedded
// PostgreSQL servers, the benchmark's peers. A folder counts as installed when the stamp inside its
// node_modules carries the hash of its lock file; `npm ci` begins by removing node_modules, so an
// interrupted install leaves no stamp and is simply done again. Two runs at once take turns.

const { spawn } = require("node:child_process");
const { createHash } = require("node:crypto");
const { once } = require("node:events");
const fs = require("node:fs");
const path = require("node:path");
const { withLock } = require("./lock.js");

const root = path.resolve(__dirname, "..");
const FOLDERS = {
  root,
  servers: path.join(root, "test/support/servers"),
  bench: path.join(root, "bench"),
  queues: path.join(root, "bench/queue"),
};

/** @param {string} folder */
function wantedStamp(folder) {
  const lock = fs.readFileSync(path.join(folder, "package-lock.json"));
  const hash = createHash("sha256").update(lock).digest("hex");
  return `${hash} ${process.platform}-${process.arch}\n`;
}

/** @param {string} folder */
function stampPath(folder) {
  return path.join(folder, "node_modules", ".mahout-installed");
}

/** @param {string} folder */
function isInstalled(folder) {
  try {
    return fs.readFileSync(stampPath(folder), "utf8") === wantedStamp(folder);
  } catch (error) {
    if (error.code === "ENOENT") return false;
    throw error;
  }
}

/** How to start npm: the very one that runs this script, else the one on the PATH. */
function npmCommand() {
  const running = process.env.npm_execpath ?? "";
  if (path.basename(running).startsWith("npm-cli")) return [process.execPath, running];
  return [process.platform === "win32" ? "npm.cmd" : "npm"];
}

/** npm passes silently over an optional package that it could not fetch; a test server is not. */
function assertServersArrived() {
  const { optionalDependencies } = require(path.join(FOLDERS.servers, "package.json"));
  const platform = `${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
  const wanted = Object.keys(optionalDependencies).filter((name) => name.endsWith(`-${platform}`));
  if (wanted.length === 0) throw new Error(`there is no embedded PostgreSQL for ${platform}`);
  for (const name of wanted) {
    if (fs.existsSync(path.join(FOLDERS.servers, "node_modules", name, "native/bin"))) continue;
    throw new Error(`npm could not fetch the embedded PostgreSQL ${name}: is the network up?`);
  }
}

/** @param {string} folder @param {(pid: number) => void} share */
async function install(folder, share) {
  const name = path.relative(root, folder) || "the checkout";
  console.log(`installing the packages of ${name} ...`);
  const [command, ...before] = npmCommand();
  // Whatever NODE_ENV or the user's settings say: these folders need all their packages, and no
  // package may run a script.
  const flags = ["--include=dev", "--include=optional", "--ignore-scripts", "--no-audit"];
  const npm = spawn(command, [...before, "ci", ...flags, "--no-fund"], {
    cwd: folder,
    stdio: ["ignore", "inherit", "inherit"],
    shell: command.endsWith(".cmd"),
    env: { ...process.env, INIT_CWD: folder, npm_config_local_prefix: folder },
  });
  if (npm.pid !== undefined) share(npm.pid);
  const [status, signal] = await once(npm, "close");
  if (status !== 0) throw new Error(`npm ci failed in ${name} (${signal ?? `status ${status}`})`);
  if (folder === FOLDERS.servers) assertServersArrived();
  fs.mkdirSync(path.dirname(stampPath(folder)), { recursive: true });
  fs.writeFileSync(stampPath(folder), wantedStamp(folder));
}

/**
 * Makes sure that the named folders are installed as their lock files say.
 *
 * @param {...("root" | "servers" | "bench" | "queues")} names
 */
async function ensure(...names) {
  const [major] = process.versions.node.split(".");
  if (Number(major) < 20) {
    throw new Error(`mahout needs Node.js 20 or newer, this is ${process.versions.node}`);
  }
  for (const name of names) {
    const folder = FOLDERS[name];
    if (isInstalled(folder)) continue;
    await withLock(path.join(folder, ".installing"), async (share) => {
      if (!isInstalled(folder)) await install(folder, share);
    });
  }
}

module.exports = { ensure, npmCommand, root };

if (require.main === module) {
  ensure("root", "servers").catch((error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
}
