// A connection whose server misbehaves around its statements, in both shells: while it is idle, through
// TLS, in floods, when it says goodbye. It ends or goes on, but says truthfully which, and lets go.

import { describe, expect, test } from "@jest/globals";
import type { Diagnostic, MahoutError } from "../../src/index.ts";
import * as backend from "../support/backend-messages.ts";
import { type Case, fatal, LOST, MALFORMED, SHUTDOWN } from "../support/hostile-cases.ts";
import {
  against,
  answer,
  dawdle,
  expectBroken,
  greets,
  leftovers,
  resources,
  SOON,
  within,
} from "../support/hostile.ts";
import {
  awaits,
  closes,
  deafens,
  ends,
  floods,
  gate,
  resets,
  secures,
  sends,
  serves,
  stays,
  type ScriptedServer,
} from "../support/scripted-server.ts";
import { RING_SIZE } from "../../src/transport/mailbox.ts";
import { eventually, failureOf, shells } from "../support/shells.ts";

const columns = backend.rowDescription("a", "b");

describe.each(shells)("a connection ($name)", ({ name, Connection }) => {
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

  test("notices the end while it is idle, however busy it was before", async () => {
    const busy = serves(300, "Q", answer("quick"));
    await against([[...greets(), busy, gate("go"), sends(fatal), closes()]], async (server) => {
      const conn = await Connection.connect(server.conninfo());
      for (let count = 0; count < 300; count++) await conn.query(`select ${count}`);
      const { disconnected } = conn;
      server.open("go");
      // Nothing is asked of the connection: the event comes by itself.
      await eventually(() => disconnected.aborted);
      expect(disconnected.reason).toMatchObject(SHUTDOWN);
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

  // A little more than the blocking shell has room for: the rest is still to be taken when the end has come.
  test.each([1, 100, 10_000, 30_000])(
    "hears a FATAL at the end of %d bytes too many, in TLS",
    async (excess) => {
      const last = Buffer.concat([backend.noticeResponse({ M: "x".repeat(excess) }), fatal]);
      const first = backend.noticeResponse({ M: "x".repeat(RING_SIZE - 1_000) });
      const script = [gate("go"), sends(first, last), closes()];
      const encrypted = [awaits("ssl"), sends("S"), secures(), ...greets()];
      await against([[...encrypted, ...script]], async (server) => {
        const conn = await Connection.connect(server.conninfo({ sslmode: "require" }));
        server.open("go");
        // Long enough for all of it to have come, while nobody takes it.
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 150);
        await eventually(() => conn.closed);
        expect(conn.disconnected.reason).toMatchObject(SHUTDOWN);
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
        const conn = await Connection.connect(server.conninfo(), { noticeHandlers: [dawdle] });
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
