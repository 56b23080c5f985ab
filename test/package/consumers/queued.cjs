"use strict";

// A CommonJS program that defers a job and runs it, with the queue's own door.

const { App, InMemoryConnector } = require("mahout/queue");

async function main() {
  const app = new App({ connector: new InMemoryConnector() });
  const seen = [];
  const add = app.task({ name: "add" }, async ({ a, b }) => seen.push(a + b));
  await add.defer({ a: 1, b: 2 });
  add.deferSync({ a: 3, b: 4 });
  await app.runWorker({ wait: false });
  console.log(JSON.stringify(seen));
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
