// Cancelling against a server that does with the request what it likes, in both shells: the key goes
// back whole and never in the clear where the session was encrypted, and every wait has an end.

import { describe, expect, test } from "@jest/globals";
import { CancellationTimeout, errors } from "../../src/index.ts";
import * as backend from "../support/backend-messages.ts";
import { fatal } from "../support/hostile-cases.ts";
import { against, answer, greets, keyOf, PID, SOON, within } from "../support/hostile.ts";
import { awaits, closes, gate, opens, resets, type Script } from "../support/scripted-server.ts";
import { secures, sends } from "../support/scripted-server.ts";
import { failureOf, shells } from "../support/shells.ts";

/** How long a server has to end a statement that was cancelled, in milliseconds. */
const GRACE = 5_000;
const CANCEL_CODE = 80_877_102;

const canceled = backend.errorResponse({ C: "57014", M: "canceling statement" });
const ready = backend.readyForQuery();

/** The whole request, as the manual has it. */
function requestWith(key: Buffer): Buffer {
  const { int32 } = backend;
  return Buffer.concat([int32(12 + key.length), int32(CANCEL_CODE), int32(PID), key]);
}

describe.each(shells)("a cancel request ($name)", ({ Connection }) => {
  test.each([4, 32, 256])("sends a key of %d bytes back whole", async (length) => {
    const key = keyOf(length);
    const scripts = [greets(key), [awaits("cancel"), closes()]];
    const [, record] = await against(scripts, async (server) => {
      const conn = await Connection.connect(server.conninfo({ max_protocol_version: "3.2" }));
      await within(SOON, async () => await conn.cancel());
      expect([conn.closed, conn.broken]).toEqual([false, false]);
      await conn.close();
    });
    expect(record?.plain).toEqual(requestWith(key));
  });

  test.each([0, 3, 257, 5000])(
    "is never needed with a key of %d bytes: it is refused",
    async (length) => {
      await against([greets(keyOf(length))], async (server) => {
        const conninfo = server.conninfo({ max_protocol_version: "3.2" });
        const error = await failureOf(async () => await Connection.connect(conninfo));
        expect(error).toMatchObject({
          name: "ProtocolError",
          message: expect.stringContaining(`${length} bytes`),
        });
      });
    },
  );

  test("is not made when the server gave no key", async () => {
    const greeting = Buffer.concat([backend.authenticationOk(), ready]);
    await against([[awaits("startup"), sends(greeting)]], async (server) => {
      const conn = await Connection.connect(server.conninfo());
      expect(await conn.cancel()).toBeUndefined();
      await conn.close();
    });
  });

  const offer = [awaits("ssl"), sends("S"), secures()];

  test("goes through TLS when the session does", async () => {
    const scripts = [
      [...offer, ...greets()],
      [...offer, awaits("cancel"), closes()],
    ];
    const [, record] = await against(scripts, async (server) => {
      const conn = await Connection.connect(server.conninfo({ sslmode: "require" }));
      await conn.cancel();
      await conn.close();
    });
    expect(record?.encrypted).toEqual(requestWith(keyOf(4)));
    expect(record?.plain.includes(keyOf(4))).toBe(false);
  });

  test.each(["prefer", "require"])(
    "does not give the key away when TLS is suddenly refused (sslmode %s)",
    async (sslmode) => {
      const scripts = [
        [...offer, ...greets()],
        [awaits("ssl"), sends("N")],
      ];
      const [, record] = await against(scripts, async (server) => {
        const conn = await Connection.connect(server.conninfo({ sslmode }));
        const error = await failureOf(async () => await conn.cancel());
        expect(error).toMatchObject({ name: "OperationalError", code: "ERR_MAHOUT_NO_TLS" });
        expect([conn.closed, conn.broken]).toEqual([false, false]);
        await conn.close();
      });
      expect(record?.messages.map(({ type }) => type)).toEqual(["ssl"]);
      expect(record?.plain).toHaveLength(8);
    },
  );

  test.each<readonly [string, Script]>([
    ["closes", [closes()]],
    ["resets", [resets()]],
    ["complains", [sends(backend.fatalError({ C: "57P03" })), closes()]],
  ])("is over when the server %s", async (_, script) => {
    await against([greets(), [awaits("cancel"), ...script]], async (server) => {
      const conn = await Connection.connect(server.conninfo());
      await within(SOON, async () => await conn.cancel());
      expect([conn.closed, conn.broken]).toEqual([false, false]);
      await conn.close();
    });
  });
});

describe.each(shells)("a cancel request that is not confirmed ($name)", ({ Connection }) => {
  // It may still be under way and could hit the next statement, so there must be no next statement.
  test.each<readonly [string, Script]>([
    ["talks nonsense", [sends(Buffer.alloc(99, 0xff))]],
    // Takes the whole five seconds that the request has.
    ["keeps the request to itself", []],
  ])("ends the connection when the server %s", async (_, script) => {
    await against([greets(), [awaits("cancel"), ...script]], async (server) => {
      const conn = await Connection.connect(server.conninfo());
      const error = await within(GRACE + SOON, () => failureOf(async () => await conn.cancel()));
      expect(error).toBeInstanceOf(CancellationTimeout);
      expect(error.code).toBe("ERR_MAHOUT_CANCEL_UNCONFIRMED");
      expect([conn.closed, conn.broken]).toEqual([true, true]);
      await conn.close();
    });
  });
});

describe.each(shells)("a statement with a timeout ($name)", ({ Connection }) => {
  /** The server runs the statement until the cancel request has come, then does this. */
  const after = (...script: Script): Script[] => [
    [...greets(), awaits("Q"), gate("cancelled"), ...script],
    [awaits("cancel"), opens("cancelled"), closes()],
  ];

  test("is cancelled, and the connection serves the next", async () => {
    const scripts = after(sends(canceled, ready), awaits("Q"), sends(answer("next")));
    await against(scripts, async (server) => {
      const conn = await Connection.connect(server.conninfo());
      const error = await within(SOON, () =>
        failureOf(async () => await conn.query("select slow()", [], { timeout: 100 })),
      );
      expect(error).toBeInstanceOf(errors.QueryCanceled);
      expect(error.message).toContain("100 ms");
      expect(await conn.query("select 2")).toEqual([{ value: "next" }]);
      await conn.close();
    });
  });

  test("gives its rows when it was faster than the request", async () => {
    await against(after(sends(answer("in time"))), async (server) => {
      const conn = await Connection.connect(server.conninfo());
      const rows = await conn.query("select slow()", [], { timeout: 100 });
      expect(rows).toEqual([{ value: "in time" }]);
      await conn.close();
    });
  });

  test("fails with its own error when that was faster", async () => {
    const failed = backend.errorResponse({ C: "23505", M: "duplicate" });
    await against(after(sends(failed, ready)), async (server) => {
      const conn = await Connection.connect(server.conninfo());
      const run = async (): Promise<unknown> =>
        await conn.query("select slow()", [], { timeout: 100 });
      expect(await failureOf(run)).toBeInstanceOf(errors.UniqueViolation);
      expect(conn.broken).toBe(false);
      await conn.close();
    });
  });

  test.each<readonly [string, Script, object]>([
    ["says FATAL", [sends(fatal), closes()], { sqlstate: "57P01" }],
    ["closes", [closes()], { code: "ERR_MAHOUT_CONNECTION_LOST" }],
    ["talks nonsense", [sends(Buffer.alloc(99, 0xff))], { name: "ProtocolError" }],
  ])("fails when the server %s instead of cancelling it", async (_, script, expected) => {
    await against(after(...script), async (server) => {
      const conn = await Connection.connect(server.conninfo());
      const run = async (): Promise<unknown> =>
        await conn.query("select slow()", [], { timeout: 100 });
      expect(await within(SOON, () => failureOf(run))).toMatchObject(expected);
      expect([conn.closed, conn.broken]).toEqual([true, true]);
    });
  });

  // Takes the whole five seconds of grace: how long that is belongs to the promise.
  test("gives the connection up when the server does not even answer the request", async () => {
    const scripts = [[...greets(), awaits("Q")], [awaits("cancel")]];
    await against(scripts, async (server) => {
      const conn = await Connection.connect(server.conninfo());
      const begin = performance.now();
      const error = await within(GRACE + SOON, () =>
        failureOf(async () => await conn.query("select slow()", [], { timeout: 100 })),
      );
      expect(performance.now() - begin).toBeGreaterThan(GRACE);
      expect(error).toBeInstanceOf(CancellationTimeout);
      expect([conn.closed, conn.broken]).toEqual([true, true]);
      const refusal = await failureOf(async () => await conn.query("select 1"));
      expect(refusal.cause).toBeInstanceOf(CancellationTimeout);
      await conn.close();
    });
  });
});
