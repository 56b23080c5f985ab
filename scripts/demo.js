"use strict";

// `npm run demo`: installs what is missing, builds, starts an embedded PostgreSQL server and runs
// examples/demo.ts against it. The server's address reaches the program in the PG* variables and,
// as a URI, in DATABASE_URL. The server is gone when the demo ends, however it ends.

const path = require("node:path");
const { ensure, root } = require("./ensure.js");

async function main() {
  await ensure("root", "servers");
  if (!require("./build.js").build()) throw new Error("the build failed");
  require("./load-typescript.js");
  const { startServer } = require("../test/support/server.ts");
  const { runProgram } = require("./run-program.js");
  const server = await startServer();
  try {
    const environment = { ...server.environment(), DATABASE_URL: server.dsn() };
    const demo = path.join(root, "examples/demo.ts");
    process.exitCode = await runProgram(demo, process.argv.slice(2), environment);
  } finally {
    await server.stop();
  }
}

main().catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
