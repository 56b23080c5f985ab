"use strict";

// Builds dist/ by tsconfig.build.json: declarations with their comments, which editors show, and code
// without, since the sources are delivered too. The compiler writes beside dist/ and only what differs is
// moved over, so that two builds at once, or a build under running programs, never show anybody a
// half-empty dist/, and nothing stale stays in it.

const { spawnSync } = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");
const { root } = require("./ensure.js");

/** @param {string} folder */
function filesUnder(folder) {
  if (!fs.existsSync(folder)) return [];
  return fs
    .readdirSync(folder, { recursive: true })
    .filter((name) => fs.statSync(path.join(folder, name)).isFile());
}

/** @param {string} file */
function contentOf(file) {
  return fs.existsSync(file) ? fs.readFileSync(file) : undefined;
}

/** @param {string} from @param {string} to */
function mirror(from, to) {
  const fresh = new Set(filesUnder(from));
  for (const name of fresh) {
    const source = path.join(from, name);
    const target = path.join(to, name);
    if (contentOf(target)?.equals(fs.readFileSync(source))) continue;
    fs.mkdirSync(path.dirname(target), { recursive: true });
    fs.renameSync(source, target);
  }
  for (const name of filesUnder(to)) {
    if (!fresh.has(name)) fs.rmSync(path.join(to, name), { force: true });
  }
}

const DECLARATIONS = ["--emitDeclarationOnly"];
const CODE = ["--removeComments"].concat(
  ...["declaration", "declarationMap", "isolatedDeclarations"].map((one) => [`--${one}`, "false"]),
);

/** @param {string} folder @param {string[]} flags */
function compile(folder, flags) {
  const compiler = path.join(root, "node_modules/typescript/bin/tsc");
  const all = ["--project", "tsconfig.build.json", "--noEmitOnError", "--outDir", folder, ...flags];
  const options = { cwd: root, stdio: /** @type {const} */ ("inherit") };
  return spawnSync(process.execPath, [compiler, ...all], options).status === 0;
}

/** Builds dist/; false when the compiler found errors, which it has printed. */
function build() {
  const staging = path.join(root, `dist-${process.pid}`);
  try {
    if (!compile(staging, DECLARATIONS) || !compile(staging, CODE)) return false;
    mirror(staging, path.join(root, "dist"));
    return true;
  } finally {
    fs.rmSync(staging, { recursive: true, force: true });
  }
}

module.exports = { build };

if (require.main === module) process.exitCode = build() ? 0 : 1;
