// The whole fault matrix: every operation in every state of a connection under every fault, in both
// shells, in the clear and over TLS. A slice of it is in faults-matrix.test.ts.

import { afterAll, beforeAll, describe, test } from "@jest/globals";
import { cellsOf, playCells } from "../support/fault-matrix.ts";
import { faultRows, stateRows } from "../support/faults.ts";
import { operations } from "../support/operations.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { shells } from "../support/shells.ts";

const TABLE = "fault_effects";
const HOUR = 3_600_000;

let server: TestServer;

beforeAll(async () => {
  server = await startServer({ tls: true, settings: { max_connections: "200" } });
  await server.administer(`create table ${TABLE} (word text)`);
}, 60_000);

afterAll(async () => {
  await server.stop();
});

describe.each(shells)("$name shell", (shell) => {
  test.each(operations.map((operation) => [operation.name, operation] as const))(
    "%s",
    async (_name, operation) => {
      await playCells(cellsOf(shell, [operation], stateRows, faultRows), server, TABLE);
    },
    HOUR,
  );

  test.each(operations.map((operation) => [operation.name, operation] as const))(
    "%s, over TLS",
    async (_name, operation) => {
      const cells = cellsOf(shell, [operation], stateRows, faultRows);
      const conninfo = { sslmode: "require" };
      await playCells(
        cells.map((cell) => ({ ...cell, conninfo })),
        server,
        TABLE,
      );
    },
    HOUR,
  );
});
