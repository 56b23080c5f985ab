// Builds the native half of pg-native (libpq's binding), which needs a compiler, Python and libpq's
// headers. Where that can't be done the bench runs without it and says why, in one line.

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL(".", import.meta.url));

function canLoad() {
  // In a process of its own: a binding that fails to load would stay half loaded in this one.
  return spawnSync(process.execPath, ["-e", 'require("libpq")'], { cwd: folder }).status === 0;
}

/** Builds what isn't built. Returns undefined, or the reason why pg-native can't be used. */
export function buildNative() {
  if (!existsSync(`${folder}node_modules/libpq`)) return "its package libpq is not installed";
  if (canLoad()) return undefined;
  const isWindows = process.platform === "win32";
  const { status, stdout, stderr, error } = spawnSync(
    isWindows ? "npm.cmd" : "npm",
    ["rebuild", "libpq", "--prefix", folder, "--ignore-scripts=false", "--foreground-scripts"],
    { encoding: "utf8", shell: isWindows, timeout: 300_000 },
  );
  if (canLoad()) return undefined;
  if (error !== undefined) return error.message;
  const lines = `${stdout}\n${stderr}`.split("\n").map((line) => line.trim());
  const telling = [/not found|need to install|fatal error:/i, /ERR! stack/i]
    .map((pattern) => lines.find((line) => pattern.test(line)))
    .find((line) => line !== undefined);
  return telling?.replace(/^(gyp|npm) ERR! (stack|find \w+)? ?/, "") ?? `npm ended with ${status}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const reason = buildNative();
  console.log(reason === undefined ? "pg-native is built" : `pg-native skipped: ${reason}`);
}
