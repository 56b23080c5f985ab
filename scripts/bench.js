"use strict";

// `npm run bench`: installs what is missing (the benchmark's peers have a package of their own),
// builds, and runs bench/run.mjs with the arguments given; bench/queue/run.mjs for `npm run bench:queue`, and
// bench/guard.mjs, which has no peers, for `npm run bench:guard`.

const { spawnSync } = require("node:child_process");
const path = require("node:path");
const { ensure, root } = require("./ensure.js");

/** @type {Record<string, ["queues" | "bench" | "root", string]>} what it needs, and the program */
const others = {
  "--queue": ["queues", "bench/queue/run.mjs"],
  "--guard": ["root", "bench/guard.mjs"],
};

/** @param {string[]} args */
async function main(args) {
  const other = others[args[0] ?? ""];
  const [packages, file] = other ?? ["bench", "bench/run.mjs"];
  await ensure("root", "servers", packages);
  if (!require("./build.js").build()) throw new Error("the build failed");
  const rest = other ? args.slice(1) : args;
  const program = path.join(root, file);
  const result = spawnSync(process.execPath, [program, ...rest], { cwd: root, stdio: "inherit" });
  if (result.error) throw result.error;
  process.exitCode = result.status ?? 1;
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
