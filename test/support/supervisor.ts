// Starts server processes so that they cannot outlive us. Each one is the child of a small shell
// that also holds the reading end of a pipe from this process: however we end, even by SIGKILL, the
// pipe closes, and the shell stops the server and removes its directory. Should the shell have been
// killed as well, the next start of any test server sweeps up what is left.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, openSync, closeSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { serverAccount, serverDirectory, serverEnvironment } from "./account.ts";

const SHELL_SCRIPT = `
directory=$1 log=$2
shift 2
exec 3<&0
"$@" </dev/null >>"$log" 2>&1 3<&- &
server=$!
{
  read -r _ <&3
  trap '' TERM
  kill -CONT "$server"
  kill -QUIT "$server"
  tries=0
  while kill -0 "$server" && [ "$tries" -lt 100 ]; do
    sleep 0.1
    tries=$((tries + 1))
  done
  kill -KILL "$server"
  rm -rf "$directory"
} 2>/dev/null &
watcher=$!
wait "$server"
status=$?
kill "$watcher" 2>/dev/null
exit "$status"
`;

const OWNER_FILE = "owner";
const UNOWNED_MILLISECONDS = 60_000;

/** What tells a process from a later one with the same id; undefined when there is none. */
function identityOf(pid: number): string | undefined {
  try {
    if (process.platform === "linux") {
      const status = readFileSync(`/proc/${pid}/stat`, "utf8");
      // The name in parentheses may hold spaces; the start time is the 20th field after it.
      const fields = status.slice(status.lastIndexOf(")") + 2).split(" ");
      return fields[0] === "Z" ? undefined : `${pid} ${fields[19]}`;
    }
    const format = ["-o", "lstart=", "-p", String(pid)];
    return `${pid} ${execFileSync("ps", format, { encoding: "utf8" }).trim()}`;
  } catch {
    return undefined;
  }
}

function commandOf(pid: number): string {
  try {
    if (process.platform === "linux") return readFileSync(`/proc/${pid}/cmdline`, "utf8");
    return execFileSync("ps", ["-o", "args=", "-p", String(pid)], { encoding: "utf8" });
  } catch {
    return "";
  }
}

/** The process id in a data directory's postmaster.pid; undefined when there is no such file. */
export function postmasterPid(dataDirectory: string): number | undefined {
  const path = join(dataDirectory, "postmaster.pid");
  if (!existsSync(path)) return undefined;
  const pid = Number.parseInt(readFileSync(path, "utf8"), 10);
  return Number.isNaN(pid) ? undefined : pid;
}

/** Notes in a server's directory that this process answers for it. */
export function claimServerDirectory(directory: string): void {
  writeFileSync(join(directory, OWNER_FILE), identityOf(process.pid) ?? "");
}

function isAbandoned(directory: string): boolean {
  const ownerFile = join(directory, OWNER_FILE);
  if (!existsSync(ownerFile)) {
    return Date.now() - statSync(directory).mtimeMs > UNOWNED_MILLISECONDS;
  }
  const owner = readFileSync(ownerFile, "utf8");
  return identityOf(Number.parseInt(owner, 10)) !== owner;
}

/** Ends servers whose creators are gone, and removes what they left. */
export function sweepAbandonedServers(): void {
  const running = serverDirectory("running");
  for (const name of readdirSync(running)) {
    const directory = join(running, name);
    try {
      if (!isAbandoned(directory)) continue;
      const data = join(directory, "data");
      const pid = postmasterPid(data);
      // The id may have passed to a stranger: only a process that names this directory is ours.
      if (pid !== undefined && commandOf(pid).includes(data)) process.kill(pid, "SIGQUIT");
      rmSync(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    } catch (error) {
      // Another process sweeps too, or the watching shell does.
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "ENOENT" && code !== "ESRCH" && code !== "ENOTEMPTY") throw error;
    }
  }
}

/** Starts `command` under supervision, its output appended to `log`; the child is the supervisor. */
export function spawnSupervised(
  directory: string,
  log: string,
  command: readonly [string, ...string[]],
): ChildProcess {
  const options = { ...serverAccount, env: serverEnvironment, cwd: directory };
  if (process.platform === "win32") {
    const output = openSync(log, "a");
    const [program, ...args] = command;
    const child = spawn(program, args, { ...options, stdio: ["ignore", output, output] });
    closeSync(output);
    return child;
  }
  const args = ["-c", SHELL_SCRIPT, "supervisor", directory, log, ...command];
  const child = spawn("/bin/sh", args, {
    ...options,
    // Its own session: what kills our process group must not kill the one that cleans up.
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  // Neither process nor pipe may keep the test process alive. Pipes of children are net sockets.
  child.unref();
  (child.stdin as unknown as { unref(): void }).unref();
  child.stdin?.on("error", () => undefined);
  return child;
}
