/** @jest-environment ./test/support/pipelined-environment.js */
// The tests that take longer, once more with the pipeline on.

import { play } from "../support/pipelined-play.ts";
import { PLAYED_SLOWLY } from "../support/pipelined-tests.ts";

play(PLAYED_SLOWLY);
