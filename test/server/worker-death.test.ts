// The worker of the blocking shell dies, as it would of too little memory: its connections are broken and say
// so, nothing is written to a descriptor that belongs to somebody else by then, and the next connection works.

import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { runProgram } from "../support/programs.ts";

test("a connection whose worker has died is broken", () => {
  const { stdout, stderr } = runProgram(join(__dirname, "programs", "worker-death.ts"), {
    timeout: 25_000,
  });
  expect(stderr).toBe("");
  expect(JSON.parse(stdout)).toEqual({
    reused: true,
    closed: true,
    broken: true,
    message: expect.stringContaining("its worker has ended"),
    content: "",
    rows: [{ n: 1 }],
  });
});
