/** @jest-environment ./test/support/pipelined-environment.js */
// The tests of values and types, once more with the pipeline on.

import { play } from "../support/pipelined-play.ts";
import { PLAYED } from "../support/pipelined-tests.ts";

play(PLAYED.values);
