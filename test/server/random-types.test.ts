// Types of a database that nobody has thought of: a few. See random-types.ts.

import { describe, test } from "@jest/globals";
import { shells } from "../support/shells.ts";
import { checkRandomTypes, knowings } from "./random-types.ts";

describe.each(shells)("in the $name shell", (shell) => {
  test.each(knowings)(
    "random types known %s keep their values in every format",
    async (knowing) => {
      await checkRandomTypes(shell, knowing, 20);
    },
    30_000,
  );
});
