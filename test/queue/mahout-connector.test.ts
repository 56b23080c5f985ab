// MahoutConnector and a pool that a program has already.

import { describe, expect, test } from "@jest/globals";
import { ConnectionPool, Connection } from "../../src/index.ts";
import { MahoutConnector } from "../../src/queue/connectors/mahout.ts";
import type { Wake } from "../../src/queue/operations.ts";
import { defaultServer } from "../support/default-server.ts";
import { administer, eventually, failureOf } from "../support/shells.ts";
import { newJob } from "./new-job.ts";
import { TestQueue } from "./storages.ts";

describe("a connector that is opened with a pool", () => {
  test("uses it, listens through it, finds it again when it was lost, and leaves it open", async () => {
    const { schema } = await TestQueue.make();
    await using pool = new ConnectionPool(defaultServer().conninfo(), { maxSize: 3 });
    const connector = new MahoutConnector({ schema });
    await connector.open(pool);
    const told: Wake[] = [];
    const ears = await connector.listen((wake) => told.push(wake), new AbortController().signal);
    const defer = () => connector.run("deferJobs", { jobs: [newJob()], skipTaken: false });
    await defer();
    await eventually(() => told.length === 1);
    expect(told.splice(0)).toEqual([{ type: "ready", queues: ["default"] }]);
    const listening = `select pid from pg_stat_activity where query like 'LISTEN%${schema.slice(-8)}%'`;
    const [[pid]] = (await administer(listening)) as [[string]];
    await administer(`select pg_terminate_backend(${pid})`);
    await eventually(() => told.some(({ type }) => type === "gap"));
    expect(told.splice(0)[0]).toMatchObject({ type: "deaf", reason: { code: "57P01" } });
    await defer();
    await eventually(() => told.length === 1);
    await ears?.close();
    await connector.close();
    expect(await pool.query("select 1 as one")).toEqual([{ one: 1 }]);
    expect(pool.getStats()).toMatchObject({ poolAvailable: pool.getStats().poolSize });
  });

  test("says that it can't guess where blocking calls are to go, but takes a connection", async () => {
    const { schema } = await TestQueue.make();
    await using pool = new ConnectionPool(defaultServer().conninfo());
    const connector = new MahoutConnector({ schema });
    await connector.open(pool);
    const input = { jobs: [newJob()], skipTaken: false };
    const error = await failureOf(() => connector.runSync("deferJobs", input));
    expect([error.name, error.message]).toEqual([
      "SyncConnectorConfigurationError",
      expect.stringContaining("not told where the database is"),
    ]);
    using conn = Connection.connect(defaultServer().conninfo());
    expect(connector.runSync("deferJobs", input, { connection: conn })).toEqual([1]);
    await connector.close();
  });
});
