// Compares what `import` and `require` see: the same names, and the very same objects, behind each door.

import { createRequire } from "node:module";
import * as driver from "mahout";
import * as queue from "mahout/queue";

const require = createRequire(import.meta.url);
const doors = { mahout: driver, "mahout/queue": queue };
const seen = Object.entries(doors).map(([door, imported]) => {
  const required = require(door);
  const names = Object.keys(required).sort();
  return {
    imported: Object.keys(imported).sort(),
    required: names,
    different: names.filter((name) => imported[name] !== required[name]),
  };
});
console.log(JSON.stringify(seen));
