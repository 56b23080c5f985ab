// An ES module: the same jobs as queued.cjs. Errors of both doors are of one tree.

import { MahoutError } from "mahout";
import { App, InMemoryConnector, TaskNotFound } from "mahout/queue";

const app = new App({ connector: new InMemoryConnector() });
const seen = [];
const add = app.task({ name: "add" }, async ({ a, b }) => seen.push(a + b));
await add.defer({ a: 1, b: 2 });
add.deferSync({ a: 3, b: 4 });
await app.runWorker({ wait: false });
if (!(new TaskNotFound("x") instanceof MahoutError)) throw new Error("another tree");
console.log(JSON.stringify(seen));
