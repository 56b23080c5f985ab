// A collection of all garbage finds a program at rest; the statement after it is as fast as the one before.

import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { runProgram } from "../support/programs.ts";

/** So many functions are compiled at least. */
const SOME = 40;
/** What goes into Node's own code for asynchronous contexts depends on its objects, which come and go. */
const NODES = ["get current", "run", "runInScope", "opened", "currentScope", "heldOf", "wait"];

test.each(["async", "blocking", "pool"])(
  "the compiled code of what statements go through outlives a full collection: %s",
  (shell) => {
    const { status, stdout, stderr } = runProgram(
      join(__dirname, "programs", "remembered-code.ts"),
      { flags: ["--expose-gc", "--allow-natives-syntax"], args: [shell], timeout: 100_000 },
    );
    if (status !== 0) throw new Error(stderr);
    const { compiled, lost } = JSON.parse(stdout) as { compiled: number; lost: string[] };
    expect(compiled).toBeGreaterThan(SOME);
    expect(lost.filter((name) => !NODES.includes(name))).toEqual([]);
  },
  110_000,
);
