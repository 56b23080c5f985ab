// The policies under hundreds of random lives, longer ones.

import { test } from "@jest/globals";
import { seed, seeded } from "../support/seed.ts";
import { simulate } from "./random-life.ts";

test("300 lives of 1,000 events", async () => {
  await seeded(async () => {
    for (let n = 0; n < 300; n++) await simulate(seed + n, 1_000);
  });
}, 600_000);
