// Whatever goes wrong is told to the one who called, and to nobody else: no unhandled rejection, no unlistened
// event, no warning; and nothing keeps the process alive afterwards.

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { defaultServer } from "../support/default-server.ts";
import { administer, eventually } from "../support/shells.ts";

const root = join(__dirname, "..", "..");

test("a process in which everything fails ends by itself, without a word", async () => {
  const application_name = `nothing-left ${process.pid}`;
  const { status, signal, stdout, stderr } = spawnSync(
    process.execPath,
    [
      "--require",
      join(root, "scripts", "load-typescript.js"),
      join(__dirname, "programs", "nothing-left.ts"),
      JSON.stringify(defaultServer().conninfo({ application_name })),
    ],
    { encoding: "utf8", timeout: 25_000 },
  );
  expect({ status, signal, stdout, stderr }).toEqual({
    status: 0,
    signal: null,
    stdout: "done\n",
    stderr: "",
  });
  const text = `select pid, query from pg_stat_activity where application_name = '${application_name}'`;
  await eventually(async () => (await administer(text)).length === 0);
});
