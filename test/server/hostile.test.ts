// A server that misbehaves while a statement runs, in both shells: the caller gets a typed error in
// time, the connection says truthfully what has become of it, and nothing is left behind.

import { describe, expect, test } from "@jest/globals";
import { errors } from "../../src/index.ts";
import * as backend from "../support/backend-messages.ts";
import { type Case, fatal, LOST, MALFORMED, SHUTDOWN } from "../support/hostile-cases.ts";
import { against, answer, expectBroken, greets, SOON, within } from "../support/hostile.ts";
import {
  awaits,
  closes,
  ends,
  resets,
  sends,
  sendsBytewise,
  serves,
  stays,
} from "../support/scripted-server.ts";
import { failureOf, shells } from "../support/shells.ts";

const columns = backend.rowDescription("a", "b");
const done = Buffer.concat([backend.commandComplete("SELECT 1"), backend.readyForQuery()]);

/** Answers to a simple query; all of them end the connection. */
const cases: readonly Case[] = [
  ["closes", [closes()], LOST],
  ["resets", [resets()], LOST],
  ["closes its half and stays", [stays(), ends()], LOST],
  ["closes in the middle of a message", [sends(columns.subarray(0, 9)), closes()], LOST],
  ["resets between two rows", [sends(columns, backend.dataRow("1", "2")), resets()], LOST],

  ["says FATAL and closes", [sends(fatal), closes()], SHUTDOWN],
  ["says FATAL and resets", [sends(fatal), resets()], SHUTDOWN],
  ["says FATAL and closes its half", [sends(fatal), ends()], SHUTDOWN],
  ["says FATAL and nothing more", [sends(fatal)], SHUTDOWN],
  ["says FATAL byte by byte", [sendsBytewise(fatal), closes()], SHUTDOWN],
  ["says FATAL after rows", [sends(columns, backend.dataRow("1", "2"), fatal)], SHUTDOWN],
  ["says FATAL, then nonsense", [sends(fatal, Buffer.alloc(64, 0xff))], SHUTDOWN],
  [
    "says FATAL in its own language",
    [sends(backend.fatalError({ S: "SCHWERWIEGEND", C: "57P01", M: "going down" }))],
    SHUTDOWN,
  ],
  [
    "panics",
    [sends(backend.fatalError({ S: "PANIC", V: "PANIC", C: "57P02" }))],
    { sqlstate: "57P02" },
  ],

  ["speaks HTTP", [sends("HTTP/1.1 400 Bad Request\r\n\r\n")], MALFORMED],
  ["speaks in zeros", [sends(Buffer.alloc(512))], MALFORMED],
  ["speaks in ones", [sends(Buffer.alloc(512, 0xff))], MALFORMED],
  ["announces a length of 2^31-1", [sends(backend.frame("D", 0x7fffffff))], MALFORMED],
  [
    "announces a length of 2^31-1 for a description",
    [sends(backend.frame("T", 0x7fffffff))],
    MALFORMED,
  ],
  ["announces a length of -1", [sends(backend.frame("C", -1))], MALFORMED],
  ["announces a length of 0", [sends(backend.frame("Z", 0))], MALFORMED],
  ["announces a length of 3", [sends(backend.frame("T", 3))], MALFORMED],
  ["announces a short row", [sends(columns, backend.frame("D", 4))], MALFORMED],
  ["announces a long tag", [sends(backend.frame("C", 30_005))], MALFORMED],

  ["sends rows without a description", [sends(backend.dataRow("1", "2"), done)], MALFORMED],
  [
    "sends rows after the end",
    [sends(columns, backend.commandComplete("SELECT 0"), backend.dataRow("1", "2"))],
    MALFORMED,
  ],
  ["sends a row of too few fields", [sends(columns, backend.dataRow("1"), done)], MALFORMED],
  [
    "sends a row of too many fields",
    [sends(columns, backend.dataRow("1", "2", "3"), done)],
    MALFORMED,
  ],
  [
    "sends a field longer than its row",
    [sends(columns, backend.message("D", backend.int16(2), backend.int32(99), "x"), done)],
    MALFORMED,
  ],
  [
    "sends a field of length -2",
    [
      sends(
        columns,
        backend.message("D", backend.int16(2), backend.int32(-2), backend.int32(-1)),
        done,
      ),
    ],
    MALFORMED,
  ],
  [
    "sends a row with something left over",
    [
      sends(
        columns,
        backend.message("D", backend.int16(2), backend.field("1"), backend.field("2"), "left"),
        done,
      ),
    ],
    MALFORMED,
  ],
  [
    "cuts a description short",
    [sends(backend.message("T", backend.int16(9), "x\0"), done)],
    MALFORMED,
  ],
  [
    "describes columns in format 2",
    [sends(backend.rowDescription({ name: "a", format: 2 }))],
    MALFORMED,
  ],
  ["sends a tag that does not end", [sends(backend.message("C", "SELECT 1"))], MALFORMED],
  ["sends an error that does not end", [sends(backend.message("E", "SERROR\0"))], MALFORMED],
  [
    "sends an unknown transaction status",
    [sends(columns, backend.commandComplete("SELECT 0"), backend.readyForQuery("?"))],
    MALFORMED,
  ],

  ["is ready without an answer", [sends(backend.readyForQuery())], MALFORMED],
  [
    "is ready in the middle of a result",
    [sends(columns, backend.dataRow("1", "2"), backend.readyForQuery())],
    MALFORMED,
  ],
  ["goes on after an error", [sends(backend.errorResponse(), columns, done)], MALFORMED],
  [
    "fails twice",
    [sends(backend.errorResponse(), backend.errorResponse(), backend.readyForQuery())],
    MALFORMED,
  ],
  ["describes twice", [sends(columns, columns)], MALFORMED],
  ["answers Parse", [sends(backend.parseComplete())], MALFORMED],
  ["suspends a portal", [sends(columns, backend.portalSuspended())], MALFORMED],
  ["starts over", [sends(backend.authenticationOk())], MALFORMED],
  ["gives another key", [sends(backend.backendKeyData(1, Buffer.alloc(4)))], MALFORMED],
  ["starts replication", [sends(backend.copyBothResponse())], MALFORMED],
  ["sends COPY data unasked", [sends(backend.copyData("1\t2\n"))], MALFORMED],
];

/** A sample of them for connections that have been busy: much is done differently when all goes well. */
const sample = cases.filter(([what]) =>
  /^(closes|resets|says FATAL|speaks in|announces|is ready)/.test(what),
);
const STATEMENTS = 300;

describe.each(shells)("a connection ($name)", ({ Connection }) => {
  test.each(cases)("breaks with a typed error when the server %s", async (_, script, expected) => {
    await against([[...greets(), awaits("Q"), ...script]], async (server) => {
      const conn = await Connection.connect(server.conninfo());
      const error = await within(SOON, () => failureOf(async () => await conn.query("select 1")));
      expect(error).toMatchObject(expected);
      expect(error).toBeInstanceOf(errors.OperationalError);
      await expectBroken(conn);
    });
  });

  test.each(sample)(
    "breaks after many quick statements, too, when the server %s",
    async (_, script, expected) => {
      const busy = serves(STATEMENTS, "Q", answer("quick"));
      await against([[...greets(), busy, awaits("Q"), ...script]], async (server) => {
        const conn = await Connection.connect(server.conninfo());
        for (let count = 0; count < STATEMENTS; count++) {
          // Each text is new, so each is a simple query.
          expect(await conn.query(`select ${count}`)).toEqual([{ value: "quick" }]);
        }
        const error = await within(SOON, () =>
          failureOf(async () => await conn.query("select once more")),
        );
        expect(error).toMatchObject(expected);
        await expectBroken(conn);
      });
    },
  );
});
