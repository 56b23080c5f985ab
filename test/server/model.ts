// The test of model.test.ts and model.slow.test.ts: several callers on one asynchronous connection, doing whatever
// they like, in an order that is drawn; some sessions are killed. Every call settles once, with its own rows.

import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { defaultServer } from "../support/default-server.ts";
import { courses, play, storyOf } from "../support/model.ts";
import { seed } from "../support/seed.ts";
import { type Shell, shells } from "../support/shells.ts";

const [shell] = shells as [Shell];

/** Tests so many courses of events. */
export function testCourses(runs: number): void {
  test(`${runs} courses of events`, async () => {
    const property = fc.asyncProperty(courses(), (course) =>
      play(course, defaultServer(), () => shell.connect()),
    );
    const result = await fc.check(property, { seed, numRuns: runs, endOnFailure: true });
    const [course] = result.counterexample ?? [];
    const story = course ? storyOf(course) : "";
    if (result.failed) {
      throw new Error(`it failed with MAHOUT_TEST_SEED=${seed}:\n${story}`, {
        cause: result.errorInstance,
      });
    }
    expect(result.numRuns).toBe(runs);
  }, 3_600_000);
}
