// Plays test files with the pipeline on: each is loaded as a part of the file that calls this, with all
// connections of the shells in a pipeline; see `pipelined.ts` and, for what differs, `pipelined-tests.ts`.
// Such a file asks for the environment `pipelined-environment.js`.

import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import type { Differences } from "./pipelined-tests.ts";
import { shells, turnPipelineOn } from "./shells.ts";

/** What jest knows of a test or of a block of tests. */
interface Known {
  readonly type: "describeBlock" | "test";
  readonly name: string;
  readonly children?: readonly Known[];
  mode?: string | null;
  failing?: boolean;
}

const TESTS = join(__dirname, "..");

/** Plays files of the test directory. */
export function play(files: Readonly<Record<string, Differences>>): void {
  turnPipelineOn();
  const met = new Set<string>();
  for (const file of Object.keys(files)) describe(file, () => void require(join(TESTS, file)));

  test.each(shells)("connections are in a pipeline, $name shell", async ({ connect }) => {
    await using conn = await connect();
    const cur = await conn.execute("select 1; select 2");
    await cur.execute("select 3");
    expect([cur.rowCount, conn.core.pipeline.open, conn.core.pipeline.hasWork]).toEqual([
      1,
      true,
      false,
    ]);
  });

  test("whatever is said to differ is there", () => {
    const all = Object.entries(files).flatMap(([file, differences]) =>
      Object.keys(differences).map((title) => `${file}: ${title}`),
    );
    expect([...met].sort()).toEqual(all.sort());
  });

  /** Called by the environment. */
  Object.assign(globalThis, {
    onTestsKnown: (root: Known) => {
      for (const block of root.children ?? []) {
        const differences = Object.entries(files[block.name] ?? {});
        for (const [path, one] of testsOf(block)) {
          const found = differences.find(([title]) => path.includes(title));
          if (!found) continue;
          met.add(`${block.name}: ${found[0]}`);
          if (found[1].fails) one.failing = true;
          else one.mode = "skip";
        }
      }
    },
  });
}

/** Tests with their whole titles. */
function* testsOf(known: Known, before = ""): Generator<[path: string, one: Known]> {
  const path = `${before} ${known.name}`;
  if (known.type === "test") yield [path, known];
  for (const child of known.children ?? []) yield* testsOf(child, path);
}
