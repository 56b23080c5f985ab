// Every test file of connections is played with the pipeline on, or there is a reason why not.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { NOT_PLAYED, PLAYED, PLAYED_SLOWLY } from "../support/pipelined-tests.ts";

const DIRECTORY = join(__dirname, "../server");

test("a file that uses the shells is in one of the tables", () => {
  const played = new Set(
    [...Object.values(PLAYED), PLAYED_SLOWLY].flatMap((files) => Object.keys(files)),
  );
  const reasons = new Map(Object.keys(NOT_PLAYED).map((beginning) => [beginning, 0]));
  const unknown: string[] = [];
  for (const file of readdirSync(DIRECTORY).filter((name) => name.endsWith(".test.ts"))) {
    if (!readFileSync(join(DIRECTORY, file), "utf8").includes("support/shells.ts")) continue;
    if (played.has(`server/${file}`)) continue;
    const reason = [...reasons.keys()].find((beginning) => file.startsWith(beginning));
    if (reason === undefined) unknown.push(file);
    else reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  expect(unknown).toEqual([]);
  expect([...reasons].filter(([, count]) => count === 0)).toEqual([]);
});
