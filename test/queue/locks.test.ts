// Locks: one at a time, in order, and nothing that nobody would ever run.

import { describe, expect, test } from "@jest/globals";
import type { CrowdOptions } from "./crowd.ts";
import { Crowd } from "./crowd.ts";
import { TestQueue } from "./storages.ts";

/** More of them, to search for longer: MAHOUT_CROWD_SEEDS="1 2 3". */
const SEEDS = (process.env["MAHOUT_CROWD_SEEDS"] ?? "1").split(" ").map(Number);
const IS_SEARCH = SEEDS.length > 1;

const CROWDS: readonly (readonly [string, Omit<CrowdOptions, "seed">])[] = [
  [
    "many at once",
    { workers: 8, programs: 5, rounds: 2, deeds: 30, locks: 5, everywhere: true, patience: 5_000 },
  ],
  [
    "few, and silence again and again",
    { workers: 4, programs: 3, rounds: 30, deeds: 2, locks: 2, everywhere: false, patience: 5_000 },
  ],
];

describe.each(CROWDS)("a crowd around a few locks: %s", (_name, options) => {
  test.each(SEEDS)(
    "keeps each lock for one, in order, and strands nothing (seed %i)",
    async (seed) => {
      const queue = await TestQueue.make();
      const result = await new Crowd(queue, { ...options, seed }).run();
      if (IS_SEARCH) process.stdout.write(`${seed} ${JSON.stringify(result)}\n`);
      expect(result.violations).toEqual([]);
      expect(result.left).toEqual([]);
      expect(result.claims).toBeGreaterThan(100);
    },
    120_000,
  );
});
