// Following asynchronous contexts costs the whole process; it is done only while there are blocks.

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { defaultServer } from "../support/default-server.ts";

const root = join(__dirname, "..", "..");
const follows = Number(process.versions.node.split(".")[0]) < 24;

test("contexts are followed only while there are blocks", () => {
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [
      "--require",
      join(root, "scripts", "load-typescript.js"),
      join(__dirname, "programs", "contexts.ts"),
      JSON.stringify(defaultServer().conninfo()),
    ],
    { encoding: "utf8", timeout: 25_000 },
  );
  expect(stderr).toBe("");
  expect(JSON.parse(stdout)).toEqual({
    before: false,
    transaction: follows,
    "after transaction": false,
    block: follows,
    "after block": false,
    pipeline: follows,
    "after pipeline": false,
    copy: follows,
    "after copy": false,
    stream: follows,
    "after stream": false,
    items: follows,
    "after items": false,
    waiting: follows,
    "after failures": false,
    "the pool's last connection": follows,
    "after a pool": false,
    "a pool's own statement": false,
    nested: true,
  });
});
