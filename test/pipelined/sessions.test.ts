/** @jest-environment ./test/support/pipelined-environment.js */
// The tests of transactions and of all that a session remembers, once more with the pipeline on.

import { play } from "../support/pipelined-play.ts";
import { PLAYED } from "../support/pipelined-tests.ts";

play(PLAYED.sessions);
