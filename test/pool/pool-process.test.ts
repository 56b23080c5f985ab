// What pools do to their process: no unhandled rejection, no warning, no memory kept, and nothing that
// keeps it alive when they are closed.

import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { defaultServer } from "../support/default-server.ts";
import { runProgram } from "../support/programs.ts";
import { newApplicationName, untilGone } from "../support/sessions.ts";

test.each(["closed", "forgotten", "loans"])(
  "%s",
  async (scene) => {
    const applicationName = newApplicationName();
    const conninfo = defaultServer().conninfo({ application_name: applicationName });
    const { status, signal, stdout, stderr } = runProgram(
      join(__dirname, "programs", "pool-life.ts"),
      { flags: ["--expose-gc"], conninfo, args: [scene], timeout: 50_000 },
    );
    expect({ status, signal, stdout, stderr }).toEqual({
      status: 0,
      signal: null,
      stdout: "done\n",
      stderr: "",
    });
    await untilGone(defaultServer(), applicationName);
  },
  60_000,
);
