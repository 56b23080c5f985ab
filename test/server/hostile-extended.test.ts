// A server that misbehaves at each step of a statement with parameters, in both shells.

import { describe, expect, test } from "@jest/globals";
import { errors } from "../../src/index.ts";
import * as backend from "../support/backend-messages.ts";
import { type Case, fatal, LOST, MALFORMED, SHUTDOWN } from "../support/hostile-cases.ts";
import { against, answer, expectBroken, greets, SOON, within } from "../support/hostile.ts";
import { awaits, closes, sends, type Script } from "../support/scripted-server.ts";
import { failureOf, shells } from "../support/shells.ts";

const described = [
  backend.parseComplete(),
  backend.parameterDescription(25),
  backend.rowDescription("value"),
];
const uniqueViolation = backend.errorResponse({ C: "23505", M: "duplicate" });

/** A statement with a parameter goes in two steps, and the server may fail at each. */
describe.each(shells)("a statement with parameters ($name)", ({ Connection }) => {
  const begin = [...greets(), awaits("P", "D", "H")];
  const end = sends(backend.readyForQuery("E"));

  test.each<readonly [string, Script]>([
    ["Parse", [sends(uniqueViolation), awaits("S"), end]],
    ["Describe", [sends(backend.parseComplete(), uniqueViolation), awaits("S"), end]],
    ["Bind", [sends(...described), awaits("B", "E", "S"), sends(uniqueViolation), end]],
    [
      "Execute",
      [
        sends(...described),
        awaits("B", "E", "S"),
        sends(backend.bindComplete(), uniqueViolation),
        end,
      ],
    ],
    [
      "a row",
      [
        sends(...described),
        awaits("B", "E", "S"),
        sends(backend.bindComplete(), backend.dataRow("x"), uniqueViolation),
        end,
      ],
    ],
    [
      "the end",
      [
        sends(...described),
        awaits("B", "E", "S"),
        sends(backend.bindComplete(), backend.commandComplete("SELECT 0"), uniqueViolation),
        end,
      ],
    ],
  ])("fails with the server's error at %s and leaves the connection usable", async (_, script) => {
    await against([[...begin, ...script, awaits("Q"), sends(answer("next"))]], async (server) => {
      const conn = await Connection.connect(server.conninfo());
      const error = await failureOf(async () => await conn.query("select $1::text", ["x"]));
      expect(error).toBeInstanceOf(errors.UniqueViolation);
      expect(conn.info.transactionStatus).toBe("inError");
      expect(await conn.query("rollback")).toEqual([{ value: "next" }]);
      await conn.close();
    });
  });

  test.each<Case>([
    ["FATAL at Parse", [sends(fatal), closes()], SHUTDOWN],
    ["FATAL at Bind", [sends(...described), awaits("B"), sends(fatal), closes()], SHUTDOWN],
    [
      "FATAL while it skips to Sync",
      [sends(uniqueViolation), awaits("S"), sends(fatal), closes()],
      SHUTDOWN,
    ],
    [
      "a second error",
      [sends(...described), awaits("B", "E", "S"), sends(uniqueViolation, uniqueViolation)],
      MALFORMED,
    ],
    [
      "no description of parameters",
      [sends(backend.parseComplete(), backend.rowDescription("a"))],
      MALFORMED,
    ],
    ["an answer to Bind instead", [sends(backend.bindComplete())], MALFORMED],
    ["ReadyForQuery instead", [sends(backend.readyForQuery())], MALFORMED],
    ["rows instead", [sends(backend.dataRow("x"))], MALFORMED],
    [
      "a suspended portal",
      [
        sends(...described),
        awaits("B", "E", "S"),
        sends(backend.bindComplete(), backend.portalSuspended()),
      ],
      MALFORMED,
    ],
    ["the end of the stream", [sends(...described), awaits("B", "E", "S"), closes()], LOST],
  ])("breaks the connection when there comes %s", async (_, script, expected) => {
    await against([[...begin, ...script]], async (server) => {
      const conn = await Connection.connect(server.conninfo());
      const error = await within(SOON, () =>
        failureOf(async () => await conn.query("select $1::text", ["x"])),
      );
      expect(error).toMatchObject(expected);
      await expectBroken(conn);
    });
  });
});
