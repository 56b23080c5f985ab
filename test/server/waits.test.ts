// A blocking connection whose replies are quick reads a descriptor that makes it wait in the system, where no
// deadline counts. The worker ends such a wait: every one has an end, whatever the server does. In a process of
// its own, because signals take part.

import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { runProgram } from "../support/programs.ts";

const isLinux = process.platform === "linux";

(process.platform === "win32" ? test.skip : test)("waits in the system end", () => {
  const { stdout, stderr } = runProgram(join(__dirname, "programs", "waits.ts"), {
    timeout: 60_000,
  });
  expect(stderr).toBe("");
  expect(JSON.parse(stdout)).toEqual({
    slow: [{ n: 1 }],
    // Elsewhere nothing waits in the system.
    interrupted: isLinux,
    cancelled: "QueryCanceled",
    large: true,
    silent: { name: "CancellationTimeout", inTime: true },
    again: true,
    unhandled: { name: "CancellationTimeout", inTime: true },
    open: false,
    closed: true,
    notified: 1,
    copied: [{ n: 200_000 }],
  });
});
