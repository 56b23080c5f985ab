// Where the Bun of this folder's packages is. npm fetches one for the platform as an optional package; on a
// machine without one, or whose processor it doesn't run on, the bench does without and says why.

import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("node_modules/@oven/", import.meta.url));

/** The program, or the reason why there is none: `{ program }` or `{ reason }`. */
export function findBun() {
  if (!existsSync(folder)) return { reason: "npm has no package of it for this platform" };
  const name = process.platform === "win32" ? "bun.exe" : "bun";
  for (const platform of readdirSync(folder)) {
    const program = `${folder}${platform}/bin/${name}`;
    if (spawnSync(program, ["--version"], { timeout: 10_000 }).status === 0) return { program };
  }
  return { reason: "none of its programs runs on this machine" };
}
