"use strict";

// One holder at a time, across processes: the file's existence is the lock, its content the ids of
// the holder and of the processes that work for it. A lock is taken over once all of them are gone.
// Used by the install step and by the test servers' caches; plain JavaScript because it runs before
// anything is installed.

const fs = require("node:fs");

const POLL_MILLISECONDS = 25;
// Between creating the file and writing its content a holder looks anonymous.
const ANONYMOUS_MILLISECONDS = 5_000;

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

/** @param {string} path */
function abandonedBy(path) {
  try {
    const holder = fs.readFileSync(path, "utf8");
    if (holder !== "") return holder.split(" ").map(Number).some(isAlive) ? undefined : holder;
    return Date.now() - fs.statSync(path).mtimeMs > ANONYMOUS_MILLISECONDS ? holder : undefined;
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw error;
  }
}

/** @param {string} path @param {string} holder */
function takeAway(path, holder) {
  const aside = `${path}.${process.pid}`;
  try {
    fs.renameSync(path, aside);
  } catch (error) {
    if (error.code === "ENOENT") return;
    throw error;
  }
  // Somebody else may have taken the dead lock over a moment earlier: then this was theirs.
  if (fs.readFileSync(aside, "utf8") !== holder) {
    try {
      fs.linkSync(aside, path);
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
  }
  fs.unlinkSync(aside);
}

/** @param {string} path */
function tryToTake(path) {
  try {
    fs.writeFileSync(path, String(process.pid), { flag: "wx" });
    return true;
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
    return false;
  }
}

/**
 * Runs `work` while holding the lock file at `path`, whose directory must exist. A process that
 * `work` starts, and that would go on if this one were killed, is named through `share`.
 *
 * @template T
 * @param {string} path
 * @param {(share: (pid: number) => void) => T | Promise<T>} work
 * @returns {Promise<T>}
 */
async function withLock(path, work) {
  while (!tryToTake(path)) {
    const holder = abandonedBy(path);
    if (holder !== undefined) takeAway(path, holder);
    else await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS));
  }
  try {
    return await work((pid) => fs.appendFileSync(path, ` ${pid}`));
  } finally {
    fs.rmSync(path, { force: true });
  }
}

module.exports = { isAlive, withLock };
