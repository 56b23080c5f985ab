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

/** A statement that is prepared is one exchange, whose rows are read where they arrive. */
describe.each(shells)("a prepared statement ($name)", ({ Connection }) => {
  const row = backend.dataRow("x");
  const bound = backend.bindComplete();
  const ends = [backend.commandComplete("SELECT 1"), backend.readyForQuery()];
  const first = [
    ...greets(),
    awaits("P", "D", "H"),
    sends(...described),
    awaits("B", "E", "S"),
    sends(bound, row, ...ends),
    awaits("B", "E", "S"),
  ];

  test.each<readonly [string, readonly Buffer[]]>([
    ["a row before it is bound", [row]],
    ["a row with too many fields", [bound, backend.dataRow("x", "y")]],
    ["a row with too few fields", [bound, backend.dataRow()]],
    ["a row whose field is longer than it", [bound, backend.message("D", "\0\x01\0\0\0\x09x")]],
    ["a row with bytes behind its fields", [bound, backend.message("D", "\0\x01\0\0\0\x01xyz")]],
    ["a row behind the end", [bound, backend.commandComplete("SELECT 0"), row]],
    ["a row behind an error", [bound, row, uniqueViolation, row]],
    ["two ends", [bound, row, backend.commandComplete("SELECT 1"), ends[0] as Buffer]],
    ["ReadyForQuery before the end", [bound, row, backend.readyForQuery()]],
    ["a second BindComplete", [bound, bound]],
    ["a description", [bound, backend.rowDescription("value")]],
    ["the end of an empty query", [bound, backend.emptyQueryResponse()]],
    ["the end of an empty query behind a row", [bound, row, backend.emptyQueryResponse()]],
    ["a suspended portal", [bound, row, backend.portalSuspended()]],
    ["COPY data", [bound, row, backend.message("d", "x")]],
    ["a COPY to the client", [bound, backend.message("H", "\0\0\0")]],
    ["a COPY to the client behind a row", [bound, row, backend.message("H", "\0\0\0")]],
    ["a COPY from the client", [bound, row, backend.message("G", "\0\0\0")]],
  ])("breaks the connection when there comes %s", async (_, answers) => {
    for (const run of ["query", "execute"] as const) {
      await against([[...first, sends(...answers)]], async (server) => {
        const conn = await Connection.connect(server.conninfo(), { prepareThreshold: 0 });
        await conn.query("select $1::text", ["x"]);
        const error = await within(SOON, () =>
          failureOf(async () => await conn[run]("select $1::text", ["x"])),
        );
        expect(error).toMatchObject(MALFORMED);
        await expectBroken(conn);
      });
    }
  });

  test("takes what may come at any time, in pieces of any size", async () => {
    const notice = backend.noticeResponse({ M: "by the way" });
    const status = backend.parameterStatus("TimeZone", "UTC");
    const bytes = [bound, notice, row, status, row, notice, ends[0] as Buffer, notice];
    for (const piece of [1, 3, 7]) {
      const pieces = { do: "send", bytes: Buffer.concat(bytes), piece } as const;
      const script = [...first, pieces, sends(backend.readyForQuery()), awaits("X"), closes()];
      await against([script], async (server) => {
        const notices: unknown[] = [];
        const conn = await Connection.connect(server.conninfo(), {
          prepareThreshold: 0,
          noticeHandlers: [(diag) => notices.push(diag.messagePrimary)],
        });
        await conn.query("select $1::text", ["x"]);
        const rows = await conn.query("select $1::text", ["x"]);
        expect(rows).toEqual([{ value: "x" }, { value: "x" }]);
        expect(notices).toEqual(["by the way", "by the way", "by the way"]);
        await conn.close();
      });
    }
  });
});
