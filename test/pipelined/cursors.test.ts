/** @jest-environment ./test/support/pipelined-environment.js */
// The tests of statements, cursors and errors, once more with the pipeline on.

import { play } from "../support/pipelined-play.ts";
import { PLAYED } from "../support/pipelined-tests.ts";

play(PLAYED.cursors);
