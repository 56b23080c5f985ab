// TCP keepalive as the system has it: on unless it is switched off, after as many seconds as were asked for.

import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { against, greets } from "../support/hostile.ts";
import { eventually, shells } from "../support/shells.ts";

const TABLE = "/proc/net/tcp";

/** The timers of the established connections to that port: which one runs, and in how many seconds it ends. */
function timersOf(port: number): { kind: string; seconds: number }[] {
  const remote = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const rows = readFileSync(TABLE, "latin1").split("\n");
  return rows
    .map((row) => row.trim().split(/\s+/))
    .filter((row) => row[2]?.endsWith(remote) && row[3] === "01")
    .map((row) => (row[5] ?? "").split(":"))
    .map(([kind = "", time = ""]) => ({ kind, seconds: Number.parseInt(time, 16) / 100 }));
}

(existsSync(TABLE) ? describe.each(shells) : describe.skip.each(shells))(
  "$name: keepalive",
  ({ Connection }) => {
    test.each([
      [{}, "02", null],
      [{ keepalives_idle: 50 }, "02", 50],
      [{ keepalives: 0, keepalives_idle: 50 }, "00", 0],
    ])("%j", async (keywords, kind, most) => {
      await against([greets()], async (server) => {
        const target = server.conninfo(keywords as Record<string, number>);
        const conn = await Connection.connect(target);
        // Right after a write it is the timer of that.
        await eventually(() => timersOf(Number(target["port"]))[0]?.kind === kind);
        const [timer] = timersOf(Number(target["port"]));
        // What nobody asked for is the system's.
        if (most !== null) expect(timer?.seconds).toBeLessThanOrEqual(most);
        expect(timer?.seconds).toBeGreaterThanOrEqual((most ?? 1) * 0.8);
        await conn.close();
      });
    });
  },
);
