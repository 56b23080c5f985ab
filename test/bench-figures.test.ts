// The figures that the README quotes are those of the file that it names.

import { spawnSync } from "node:child_process";
import { join, resolve } from "node:path";
import { expect, test } from "@jest/globals";

const root = resolve(__dirname, "..");

test("the README quotes a run of the bench as it was kept", () => {
  const quote = join(root, "bench/quote.mjs");
  const { status, stderr } = spawnSync(process.execPath, [quote, "--check"], { encoding: "utf8" });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
});
