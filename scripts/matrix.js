"use strict";

// `npm run test:matrix`: the tests on every PostgreSQL major in turn, and a summary at the end.
// Further arguments go to jest. Types, lint and format are the business of `npm test`.

const { ensure } = require("./ensure.js");
const { runJest } = require("./test.js");

const MAJORS = ["14", "15", "16", "17", "18"];

/** @param {string[]} args */
async function main(args) {
  await ensure("root", "servers");
  if (!require("./build.js").build()) throw new Error("the build failed");
  const lines = MAJORS.map((major) => {
    console.log(`\n== PostgreSQL ${major}`);
    const { ok, passed, failed } = runJest(args, { MAHOUT_TEST_MAJOR: major });
    if (!ok) process.exitCode = 1;
    return `PostgreSQL ${major}: ${passed} passed, ${failed} failed`;
  });
  console.log(`\n${lines.join("\n")}`);
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
