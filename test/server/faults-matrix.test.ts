// A slice of the fault matrix: operations in states of a connection under faults, in both shells. Each
// operation, each state and each fault is in it; each combination is in faults-matrix.slow.test.ts.

import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { type Cell, cellsOf, playCells } from "../support/fault-matrix.ts";
import { faultRows, stateRows } from "../support/faults.ts";
import { operations } from "../support/operations.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { type Shell, shells } from "../support/shells.ts";

const TABLE = "fault_effects";

/** One of so many combinations is played; a prime, so that no row of a table is always left out. */
const ONE_OF = 31;

let server: TestServer;

beforeAll(async () => {
  server = await startServer();
  await server.administer(`create table ${TABLE} (word text)`);
}, 60_000);

afterAll(async () => {
  await server.stop();
});

function sliceOf(shell: Shell): Cell[] {
  const cells = cellsOf(shell, operations, stateRows, faultRows);
  return cells.filter((_, index) => index % ONE_OF === 0);
}

const isIn = (shell: Shell, row: { shell?: Shell["name"] }): boolean =>
  row.shell === undefined || row.shell === shell.name;

test.each(shells)(
  "$name shell",
  async (shell) => {
    const cells = sliceOf(shell);
    const played = (key: "operation" | "state" | "fault"): number =>
      new Set(cells.map((cell) => cell[key].name)).size;
    expect([played("operation"), played("state"), played("fault")]).toEqual([
      operations.filter((row) => isIn(shell, row)).length,
      stateRows.filter((row) => isIn(shell, row)).length,
      faultRows.length,
    ]);
    await playCells(cells, server, TABLE);
  },
  180_000,
);
