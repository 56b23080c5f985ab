// A million and more mutations of fields: each loader gives a value or a DataError, and reads nothing else.

import { expect, test } from "@jest/globals";
import { mutatedTypes, testMutations } from "./mutations.ts";

const MUTATIONS = 5000;

test("a million of them", () => {
  expect(mutatedTypes.length * 2 * MUTATIONS).toBeGreaterThan(1_000_000);
});

testMutations(MUTATIONS);
