// A slice of the mutations of malformed.slow.test.ts, for every day.

import { testMutations } from "./mutations.ts";

testMutations(150);
