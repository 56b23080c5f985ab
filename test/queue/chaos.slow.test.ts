// Each disaster twenty times in a row.

import { describe, test } from "@jest/globals";
import { seed, seeded } from "../support/seed.ts";
import { scenarios } from "./chaos-scenarios.ts";

const TIMES = 20;

describe("jobs survive, twenty times, when", () => {
  test.each(scenarios)(
    "$name",
    ({ play }) =>
      seeded(async () => {
        for (let n = 0; n < TIMES; n++) await play(seed + n);
      }),
    TIMES * 120_000,
  );
});
