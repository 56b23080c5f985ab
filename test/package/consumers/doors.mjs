// Compares what `import` and `require` see: the same names, and the very same objects.

import { createRequire } from "node:module";
import * as imported from "mahout";

const required = createRequire(import.meta.url)("mahout");
const names = Object.keys(required).sort();
console.log(
  JSON.stringify({
    imported: Object.keys(imported).sort(),
    required: names,
    different: names.filter((name) => imported[name] !== required[name]),
  }),
);
