"use strict";

// Runs one TypeScript or JavaScript program that says `import ... from "mahout"`, as a user's
// project would: in a process of its own, from a folder whose node_modules holds the built package.
// The demo, the examples and the README's code are run by this. A program that calls `require` is
// CommonJS, any other is an ES module.

const { spawn } = require("node:child_process");
const { once } = require("node:events");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");

const root = path.resolve(__dirname, "..");

/** @param {string} file */
function compile(file) {
  const source = fs.readFileSync(file, "utf8");
  const commonJs = /\brequire\(/.test(source) && !/^import\s/m.test(source);
  const { code } = require("@swc/core").transformSync(source, {
    filename: path.resolve(file),
    swcrc: false,
    sourceMaps: "inline",
    module: { type: commonJs ? "commonjs" : "es6" },
    jsc: {
      target: "es2022",
      parser: { syntax: "typescript", explicitResourceManagement: true },
    },
  });
  return { code, name: commonJs ? "program.cjs" : "program.mjs" };
}

/**
 * Runs the program in `file` with our standard streams and returns its exit status; a signal
 * counts as 1.
 *
 * @param {string} file
 * @param {string[]} [args]
 * @param {Record<string, string>} [environment]
 * @returns {Promise<number>}
 */
async function runProgram(file, args = [], environment = {}) {
  const { code, name } = compile(file);
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "mahout-program-"));
  try {
    fs.mkdirSync(path.join(folder, "node_modules"));
    fs.symlinkSync(root, path.join(folder, "node_modules/mahout"), "junction");
    const program = path.join(folder, name);
    fs.writeFileSync(program, code);
    const child = spawn(process.execPath, ["--enable-source-maps", program, ...args], {
      stdio: "inherit",
      env: { ...process.env, ...environment },
    });
    // Who stops us means the program.
    const stop = (signal) => child.kill(signal);
    process.once("SIGINT", stop).once("SIGTERM", stop);
    const [status] = await once(child, "close");
    process.off("SIGINT", stop).off("SIGTERM", stop);
    return status ?? 1;
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

module.exports = { runProgram };

if (require.main === module) {
  const [file = "", ...args] = process.argv.slice(2);
  runProgram(file, args).then(
    (status) => {
      process.exitCode = status;
    },
    (error) => {
      console.error(error.message);
      process.exitCode = 1;
    },
  );
}
