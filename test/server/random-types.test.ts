// Types of a database that nobody has thought of: a few. See random-types.ts.

import { describe, test } from "@jest/globals";
import { shells } from "../support/shells.ts";
import { checkRandomTypes } from "./random-types.ts";

describe.each(shells)("in the $name shell", (shell) => {
  test("random types keep their values in every format, in arrays and in COPY", async () => {
    await checkRandomTypes(shell, 20);
  }, 30_000);
});
