// The trace of what the server says: what the line of a message tells, and what of it is hidden or left out.

import { describe, expect, test } from "@jest/globals";
import * as encode from "../../src/protocol/encode.ts";
import type { Writer } from "../../src/protocol/writer.ts";
import * as backend from "../support/backend-messages.ts";
import { linesOf, linesOfServer, type Style } from "./traced-lines.ts";

const SECRET = "hunter2";

describe("what the server says", () => {
  const error = { S: "ERROR", V: "ERROR", C: "23505", M: "twice", D: `(${SECRET})`, W: SECRET };
  const place = { F: "nbtinsert.c", L: "666", R: "_bt_check_unique" };
  const cases: [said: Buffer, style: Style, lines: string[]][] = [
    [backend.backendKeyData(77, Buffer.of(1, 2, 3, 4)), {}, ["B\t12\tBackendKeyData\t 77 (key)"]],
    [
      backend.backendKeyData(77, Buffer.alloc(32)),
      { values: true },
      ["B\t40\tBackendKeyData\t 77 (key)"],
    ],
    [backend.commandComplete("SELECT 3"), {}, ['B\t13\tCommandComplete\t "SELECT 3"']],
    [backend.dataRow("ada", null, ""), {}, ["B\t21\tDataRow\t 3 3 -1 0"]],
    [
      backend.dataRow("ada", null, Buffer.of(0, 255)),
      { values: true },
      ["B\t23\tDataRow\t 3 3 'ada' -1 2 '\\x00\\xff'"],
    ],
    [backend.parameterDescription(23, 70_000), {}, ["B\t14\tParameterDescription\t 2 23 70000"]],
    [
      backend.parameterDescription(23, 70_000),
      { regress: true },
      ["B\t14\tParameterDescription\t 2 23 NNNN"],
    ],
    [
      backend.rowDescription({ name: "a", tableOid: 70_001, tableColumn: 2, typeOid: 23 }, "b"),
      { regress: true },
      ['B\t46\tRowDescription\t 2 "a" NNNN 2 23 -1 -1 0 "b" 0 0 25 -1 -1 0'],
    ],
    [
      backend.notificationResponse(77, "jobs", SECRET),
      {},
      ['B\t21\tNotificationResponse\t 77 "jobs" (7 bytes)'],
    ],
    [
      backend.notificationResponse(77, "jobs", SECRET),
      { regress: true, values: true },
      [`B\t21\tNotificationResponse\t NNNN "jobs" "${SECRET}"`],
    ],
    [
      backend.errorResponse({ ...error, ...place }),
      {},
      [
        'B\t89\tErrorResponse\t S "ERROR" V "ERROR" C "23505" M "twice" D (9 bytes) W (7 bytes)' +
          ' F "nbtinsert.c" L "666" R "_bt_check_unique"',
      ],
    ],
    [
      backend.errorResponse({ ...error, ...place }),
      { regress: true, values: true },
      [
        `B\tNNNN\tErrorResponse\t S "ERROR" V "ERROR" C "23505" M "twice" D "(${SECRET})"` +
          ` W "${SECRET}" F "SSSS" L "SSSS" R "SSSS"`,
      ],
    ],
    [backend.readyForQuery("E"), {}, ["B\t5\tReadyForQuery\t E"]],
    [
      backend.negotiateProtocolVersion(0x30000, "_pq_.x"),
      {},
      ['B\t19\tNegotiateProtocolVersion\t 196608 1 "_pq_.x"'],
    ],
    [backend.message("G", Buffer.of(1, 0, 2, 0, 1, 0, 1)), {}, ["B\t11\tCopyInResponse\t 1 2 1 1"]],
    [backend.message("d", "row"), {}, ["B\t7\tCopyData"]],
    [backend.message("d", "row"), { values: true }, ["B\t7\tCopyData\t 'row'"]],
    [backend.message("1"), {}, ["B\t4\tParseComplete"]],
    [backend.authentication(99), {}, ["B\t8\tAuthentication(99)"]],
    [backend.message("?", "x"), {}, ["B\t5\tUnknown(0x3f)"]],
  ];
  test.each(cases)("%#", (said, style, lines) => {
    expect(linesOfServer(said, style)).toEqual(lines);
  });

  test("names that the driver makes are hidden where traces are compared", () => {
    const write = (out: Writer): void => encode.writeParse(out, "_mahout_0a1b2c3d_7", "x", []);
    expect(linesOf(write)).toEqual(['F\t27\tParse\t "_mahout_0a1b2c3d_7" "x" 0']);
    expect(linesOf(write, { regress: true })).toEqual(['F\t27\tParse\t "_mahout_NNNN_7" "x" 0']);
  });

  test("a time begins each line", () => {
    let ticks = 0;
    const time = (): string => `t${ticks++}`;
    expect(linesOf((out) => encode.writeSync(out), { time })).toEqual(["t0\tF\t4\tSync"]);
  });
});
