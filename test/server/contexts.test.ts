// Following asynchronous contexts costs the whole process; it is done only while there are blocks.

import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { runProgram } from "../support/programs.ts";

const follows = Number(process.versions.node.split(".")[0]) < 24;

test("contexts are followed only while there are blocks", () => {
  const { stdout, stderr } = runProgram(join(__dirname, "programs", "contexts.ts"), {
    timeout: 25_000,
  });
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
