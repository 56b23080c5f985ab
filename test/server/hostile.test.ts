// A server that misbehaves while a statement runs, in both shells: the caller gets a typed error in
// time, the connection says truthfully what has become of it, and nothing is left behind.

import { describe, expect, test } from "@jest/globals";
import {
  type AsyncConnection,
  type Diagnostic,
  errors,
  type MahoutError,
} from "../../src/index.ts";
import * as backend from "../support/backend-messages.ts";
import { against, answer, greets, leftovers, resources, within } from "../support/hostile.ts";
import {
  awaits,
  closes,
  deafens,
  ends,
  floods,
  gate,
  resets,
  type Script,
  type ScriptedServer,
} from "../support/scripted-server.ts";
import { secures, sends, sendsBytewise, stays } from "../support/scripted-server.ts";
import { eventually, failureOf, shells } from "../support/shells.ts";

/** However bad the server is, an error may not take longer than this, in milliseconds. */
const SOON = 2_000;

const LOST = { name: "OperationalError", code: "ERR_MAHOUT_CONNECTION_LOST" };
const MALFORMED = { name: "ProtocolError", code: "ERR_MAHOUT_PROTOCOL" };
const SHUTDOWN = { name: "AdminShutdown", sqlstate: "57P01", message: "going down" };
const fatal = backend.fatalError({ C: "57P01", M: "going down" });

/** What the server does after it was asked, and what the caller is told. */
type Case = readonly [name: string, script: Script, error: object];

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

/** What is true of a connection after it broke, whatever broke it. */
async function expectBroken(conn: AsyncConnection): Promise<void> {
  expect([conn.closed, conn.broken, conn.disconnected.aborted]).toEqual([true, true, true]);
  const refusal = await failureOf(async () => await conn.query("select 2"));
  expect(refusal).toMatchObject({ name: "OperationalError", code: "ERR_MAHOUT_CONNECTION_CLOSED" });
  expect(refusal.cause).toBeInstanceOf(Error);
  await within(SOON, async () => await conn.close());
  expect(conn.broken).toBe(true);
}

describe.each(shells)("a connection ($name)", ({ name, Connection }) => {
  test.each(cases)("breaks with a typed error when the server %s", async (_, script, expected) => {
    await against([[...greets(), awaits("Q"), ...script]], async (server) => {
      const conn = await Connection.connect(server.conninfo());
      const error = await within(SOON, () => failureOf(async () => await conn.query("select 1")));
      expect(error).toMatchObject(expected);
      expect(error).toBeInstanceOf(errors.OperationalError);
      await expectBroken(conn);
    });
  });

  test("breaks in the same way through TLS", async () => {
    const secured = [awaits("ssl"), sends("S"), secures(), ...greets(), awaits("Q")];
    const [record] = await against([[...secured, sends(fatal), resets()]], async (server) => {
      const conn = await Connection.connect(server.conninfo({ sslmode: "require" }));
      expect(await failureOf(async () => await conn.query("select 1"))).toMatchObject(SHUTDOWN);
      await expectBroken(conn);
    });
    expect(record?.encrypted.includes("select 1")).toBe(true);
  });

  test.each([
    ["resets", resets()],
    ["closes", closes()],
  ])("notices in TLS that the server %s", async (_, step) => {
    const secured = [awaits("ssl"), sends("S"), secures(), ...greets(), awaits("Q")];
    await against([[...secured, step]], async (server) => {
      const conn = await Connection.connect(server.conninfo({ sslmode: "require" }));
      expect(await failureOf(async () => await conn.query("select 1"))).toMatchObject(LOST);
      await expectBroken(conn);
    });
  });

  test("breaks when the server is ready twice, after the statement has succeeded", async () => {
    const script = [...greets(), awaits("Q"), sends(answer("x"), backend.readyForQuery())];
    await against([script], async (server) => {
      const conn = await Connection.connect(server.conninfo());
      expect(await conn.query("select 1")).toEqual([{ value: "x" }]);
      await eventually(() => conn.closed);
      await expectBroken(conn);
    });
  });

  test("never gives the answer that came too early to the next statement", async () => {
    const late = [awaits("Q"), sends(backend.readyForQuery(), answer("of the next"))];
    await against([[...greets(), awaits("Q"), sends(answer("x")), ...late]], async (server) => {
      const conn = await Connection.connect(server.conninfo());
      expect(await conn.query("select 1")).toEqual([{ value: "x" }]);
      const error = await failureOf(async () => await conn.query("select 2"));
      expect(error).toMatchObject(MALFORMED);
      await expectBroken(conn);
    });
  });

  test.each<Case>([
    ["says FATAL", [sends(fatal), closes()], { ...SHUTDOWN }],
    ["closes", [closes()], { message: /closed the connection unexpectedly/ }],
    ["sends a row", [sends(backend.dataRow("1"))], MALFORMED],
    ["sends an error", [sends(backend.errorResponse())], MALFORMED],
  ])("that is idle breaks when the server %s", async (_, script, expected) => {
    await against([[...greets(), gate("go"), ...script]], async (server) => {
      const conn = await Connection.connect(server.conninfo());
      expect([conn.closed, conn.broken]).toEqual([false, false]);
      const { disconnected } = conn;
      server.open("go");
      await eventually(() => conn.closed);
      const { message, ...rest } = expected as { message?: unknown };
      expect(disconnected.reason).toMatchObject(rest);
      if (message !== undefined) expect(disconnected.reason.message).toMatch(message as RegExp);
      await expectBroken(conn);
    });
  });

  test.each([false, true])(
    "tells what the server said last to who writes before reading it (unix socket: %p)",
    async (unix) => {
      const script = [...greets(), gate("go"), sends(fatal), closes()];
      const body = async (server: ScriptedServer): Promise<void> => {
        const conn = await Connection.connect(server.conninfo());
        server.open("go");
        // Long enough for the end to have come, while no event could tell.
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 150);
        const failures = [];
        for (let round = 0; round < 3; round++) {
          failures.push(failureOf(async () => await conn.query("select 1")));
          // Each is written by itself, and still nothing was read.
          await new Promise<void>((resolve) => process.nextTick(resolve));
        }
        for (const error of await Promise.all(failures)) {
          expect([error.sqlstate, (error.cause as MahoutError | undefined)?.sqlstate]).toContain(
            "57P01",
          );
        }
        await expectBroken(conn);
      };
      await against([script], body, { unix });
    },
  );

  test.each(["disable", "require"])(
    "hears a FATAL behind more rows than fit into any buffer (sslmode %s)",
    async (sslmode) => {
      const row = backend.dataRow("x".repeat(5_000), "y".repeat(5_000));
      const rows = Array.from({ length: 400 }, () => row);
      const encrypted = sslmode === "disable" ? [] : [awaits("ssl"), sends("S"), secures()];
      const script = [awaits("Q"), sends(columns, ...rows, fatal), closes()];
      await against([[...encrypted, ...greets(), ...script]], async (server) => {
        const conn = await Connection.connect(server.conninfo({ sslmode }));
        const error = await failureOf(async () => await conn.query("select 1"));
        expect(error).toMatchObject(SHUTDOWN);
        await expectBroken(conn);
      });
    },
  );

  test("lets go of a server that hangs up without reading what was sent", async () => {
    const script = [...greets(), deafens(), gate("go"), stays(), ends(), gate("over"), resets()];
    await against([script], async (server) => {
      const before = resources();
      const conn = await Connection.connect(server.conninfo());
      // More than the system takes for one who doesn't read.
      const text = `select '${"x".repeat(20_000_000)}'`;
      const failure = failureOf(async () => {
        setTimeout(() => server.open("go"), 100);
        if (name === "blocking") server.open("go");
        await conn.query(text);
      });
      expect(await within(2 * SOON, () => failure)).toMatchObject(LOST);
      await expectBroken(conn);
      await eventually(() => leftovers(before).length === 0);
      server.open("over");
    });
  });

  test("survives 20,000 notices in the middle of a result, and hears each", async () => {
    const notices = Array.from({ length: 20_000 }, (_, index) =>
      backend.noticeResponse({ M: `${index}` }),
    );
    const script = [
      awaits("Q"),
      sends(
        backend.rowDescription("value"),
        ...notices,
        answer("x").subarray(backend.rowDescription("value").length),
      ),
    ];
    await against([[...greets(), ...script]], async (server) => {
      const heard: Diagnostic[] = [];
      const conn = await Connection.connect(server.conninfo(), {
        noticeHandlers: [(diag) => heard.push(diag)],
      });
      expect(await conn.query("select 1")).toEqual([{ value: "x" }]);
      expect(heard.map(({ messagePrimary }) => Number(messagePrimary))).toEqual(
        notices.map((_, index) => index),
      );
      await conn.close();
      expect([conn.closed, conn.broken]).toEqual([true, false]);
    });
  });

  test("answers questions about itself while notices pour in, and can be closed", async () => {
    await against(
      [[...greets(), floods(backend.noticeResponse(), backend.notificationResponse(1, "c", "p"))]],
      async (server) => {
        const conn = await Connection.connect(server.conninfo());
        for (let round = 0; round < 20; round++) {
          expect(await within(SOON, () => [conn.closed, conn.broken])).toEqual([false, false]);
          await new Promise(setImmediate);
        }
        await within(2 * SOON, async () => await conn.close());
      },
    );
  });

  test("hears what the server says after goodbye, and is not disturbed by it", async () => {
    const last = sends(backend.noticeResponse(), backend.notificationResponse(1, "c", "p"), fatal);
    await against([[...greets(), awaits("X"), last]], async (server) => {
      const conn = await Connection.connect(server.conninfo());
      await within(SOON, async () => await conn.close());
      expect([conn.closed, conn.broken]).toEqual([true, false]);
    });
  });

  test("closes in time when the server does not", async () => {
    const script = [...greets(), stays(), awaits("X"), gate("over"), ends()];
    await against([script], async (server) => {
      const conn = await Connection.connect(server.conninfo());
      await within(2 * SOON, async () => await conn.close());
      server.open("over");
      expect([conn.closed, conn.broken]).toEqual([true, false]);
    });
  });
});

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
