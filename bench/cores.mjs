// Which cores the processes of a run may use. In a workload where client and server take turns,
// the kernel may put them on one core or on two, and waking a sleeping core can cost more than the
// query: unpinned, rounds of the same driver differ by a factor of three. On Linux such workloads
// are therefore kept on one core; elsewhere placing is left to the system.

import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";

const isPossible = process.platform === "linux" && spawnSync("taskset", ["--version"]).status === 0;

function childrenOf(pids) {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .filter((entry) => {
      try {
        const status = readFileSync(`/proc/${entry}/stat`, "utf8");
        const parent = status.slice(status.lastIndexOf(")") + 2).split(" ")[1];
        return pids.includes(Number(parent));
      } catch {
        return false;
      }
    });
}

/**
 * Puts the clients and the servers with their sessions on "one" core or gives them "all" of them.
 * Returns the placing that is in force; sessions opened later inherit it.
 */
export function placeOn(cores, clientPids, serverPids) {
  if (!isPossible) return "all";
  const list = cores === "one" ? "0" : `0-${availableParallelism() - 1}`;
  for (const pid of [...clientPids, ...serverPids, ...childrenOf(serverPids)]) {
    spawnSync("taskset", ["--all-tasks", "--cpu-list", "--pid", list, String(pid)]);
  }
  return cores;
}
