// A pipeline whose connection is lost between two statements: statements that nobody looks at are refused
// unheard, so the block itself has to tell.

import { describe, expect, test } from "@jest/globals";
import { errors, OperationalError } from "../../src/index.ts";
import { eventually, failureOf, type Shell, shells, terminate } from "../support/shells.ts";

const [shell] = shells as [Shell];

describe("async shell: a pipeline that lost its connection", () => {
  test.each([
    ["before its first statement", false],
    ["after a statement that was answered", true],
  ])("%s", async (_when, begins) => {
    await using conn = await shell.connect();
    const error = await failureOf(() =>
      conn.pipeline(async (pipe) => {
        if (begins) {
          await pipe.query("select 1");
          await pipe.sync();
        }
        await terminate(conn.info.backendPid);
        await eventually(() => conn.closed);
        void pipe.query("select 2");
      }),
    );
    expect(error).toBeInstanceOf(OperationalError);
    expect(error).toBeInstanceOf(errors.AdminShutdown);
    expect(conn.broken).toBe(true);
  });
});
