// What the hot paths allocate is not more than what was recorded: a count, not a time.

import { spawnSync } from "node:child_process";
import { join, resolve } from "node:path";
import { beforeAll, expect, test } from "@jest/globals";

const root = resolve(__dirname, "..");
const run = (file: string): ReturnType<typeof spawnSync> =>
  spawnSync(process.execPath, [join(root, file)], { cwd: root, encoding: "utf8" });

beforeAll(() => {
  expect(run("scripts/build.js").status).toBe(0);
}, 120_000);

test("no hot path allocates notably more than recorded", () => {
  const { status, stdout } = run("bench/guard.mjs");
  // A path that is recorded was counted, too.
  expect(stdout).toContain("mahout: one");
  expect({ status, stdout }).toMatchObject({ status: 0 });
}, 600_000);
