// No job is lost, none runs twice without a recorded rescue, and locks hold: one disaster after the other.

import { describe, test } from "@jest/globals";
import { seed, seeded } from "../support/seed.ts";
import { scenarios } from "./chaos-scenarios.ts";

describe("jobs survive when", () => {
  test.each(scenarios)("$name", ({ play }) => seeded(() => play(seed)), 180_000);
});
