"use strict";

// `npm run bench`: installs what is missing (the benchmark's peers have a package of their own),
// builds, and runs bench/run.mjs with the arguments given; bench/queue/run.mjs for `npm run bench:queue`.

const { spawnSync } = require("node:child_process");
const path = require("node:path");
const { ensure, root } = require("./ensure.js");

/** @param {string[]} args */
async function main(args) {
  const isQueue = args[0] === "--queue";
  await ensure("root", "servers", isQueue ? "queues" : "bench");
  if (!require("./build.js").build()) throw new Error("the build failed");
  const program = path.join(root, isQueue ? "bench/queue/run.mjs" : "bench/run.mjs");
  const rest = isQueue ? args.slice(1) : args;
  const result = spawnSync(process.execPath, [program, ...rest], { cwd: root, stdio: "inherit" });
  if (result.error) throw result.error;
  process.exitCode = result.status ?? 1;
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
