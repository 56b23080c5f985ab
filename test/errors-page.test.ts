// docs/errors.md names every code of ours, of errors and of warnings, and no other.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";

const root = join(__dirname, "..");
const page = readFileSync(join(root, "docs/errors.md"), "utf8");

/** Codes that are put together of a handler's kind. */
const HANDLERS = ["NOTICE", "NOTIFY", "LISTENER", "POOL"].map((kind) => `MAHOUT_${kind}_HANDLER`);

const sources = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" }).filter(
  (name) => name.endsWith(".ts"),
);
const said = new Set(HANDLERS);
for (const name of sources) {
  const text = readFileSync(join(root, "src", name), "utf8");
  // The task queue has a page of its own.
  for (const [, code = ""] of text.matchAll(/"((?:ERR_)?MAHOUT_[A-Z_]+)"/g))
    if (!code.startsWith("ERR_MAHOUT_QUEUE")) said.add(code);
}
const documented = new Set(
  [...page.matchAll(/`((?:ERR_)?MAHOUT_[A-Z_]+)`/g)].map(([, code = ""]) => code),
);

test("codes are looked for in the right places", () => {
  expect(said.size).toBeGreaterThan(40);
  expect(documented.size).toBeGreaterThan(40);
});

test("every code is on the page", () => {
  expect([...said].filter((code) => !documented.has(code)).toSorted()).toEqual([]);
});

test("every code of the page is ours", () => {
  const others = [...documented].filter((code) => !code.startsWith("ERR_MAHOUT_QUEUE"));
  expect(others.filter((code) => !said.has(code)).toSorted()).toEqual([]);
});
