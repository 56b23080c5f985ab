"use strict";

// `npm test`: installs what is missing, builds, checks types, lint and format, then runs the tests
// on real servers. Stops at the first stage that fails and names it. Further arguments go to jest;
// --slow runs the slow tests instead of the others. The last line is always "N passed, N failed",
// where a failed stage, or a test file that could not be loaded, counts as one failure.

const { spawnSync } = require("node:child_process");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { ensure, root } = require("./ensure.js");

/** @param {string} program @param {string[]} args @param {Record<string, string>} [environment] */
function run(program, args, environment = {}) {
  const result = spawnSync(process.execPath, [path.join(root, "node_modules", program), ...args], {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, ...environment },
  });
  if (result.error) throw result.error;
  return result.status === 0;
}

/**
 * Runs jest and counts.
 *
 * @param {string[]} args
 * @param {Record<string, string>} [environment]
 */
function runJest(args, environment) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), "mahout-jest-"));
  const file = path.join(directory, "summary.json");
  try {
    const ok = run("jest/bin/jest.js", ["--json", `--outputFile=${file}`, ...args], environment);
    if (!fs.existsSync(file)) return { ok: false, passed: 0, failed: 1 };
    const summary = JSON.parse(fs.readFileSync(file, "utf8"));
    const failed = summary.numFailedTests + summary.numRuntimeErrorTestSuites;
    // Jest also fails for reasons that are no test's, such as a threshold or no test found.
    return { ok, passed: summary.numPassedTests, failed: ok ? failed : Math.max(failed, 1) };
  } finally {
    fs.rmSync(directory, { recursive: true, force: true });
  }
}

/** @param {string[]} args */
async function main(args) {
  const slow = args.includes("--slow");
  const jestArgs = args.filter((arg) => arg !== "--slow");
  let counts = { ok: true, passed: 0, failed: 0 };
  /** @type {Record<string, () => boolean | Promise<boolean>>} */
  const stages = {
    install: async () => {
      await ensure("root", "servers");
      return true;
    },
    build: () => require("./build.js").build(),
    types: () => run("typescript/bin/tsc", ["--project", "tsconfig.json"]),
    lint: () => run("oxlint/bin/oxlint", ["--type-aware", "--deny-warnings"]),
    format: () => run("prettier/bin/prettier.cjs", ["--check", "--log-level", "warn", "."]),
    tests: () => {
      counts = runJest(jestArgs, slow ? { MAHOUT_TEST_SLOW: "1" } : {});
      return counts.ok;
    },
  };
  for (const [name, stage] of Object.entries(stages)) {
    const begin = Date.now();
    console.log(`== ${name}`);
    const ok = await Promise.resolve()
      .then(stage)
      .catch((error) => {
        console.error(error.message);
        return false;
      });
    if (ok) {
      console.log(`== ${name}: ok, ${((Date.now() - begin) / 1000).toFixed(1)} s`);
      continue;
    }
    console.log(`== ${name}: FAILED`);
    process.exitCode = 1;
    counts.failed = Math.max(counts.failed, 1);
    break;
  }
  console.log(`${counts.passed} passed, ${counts.failed} failed`);
}

module.exports = { runJest };

if (require.main === module) void main(process.argv.slice(2));
