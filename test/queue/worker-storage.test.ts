// What a worker does in the database beside taking jobs: statements of handlers that are aborted, and old jobs that go.

import { expect, test } from "@jest/globals";
import { AsyncConnection, errors } from "../../src/index.ts";
import type { App } from "../../src/queue/app.ts";
import type { JobContext } from "../../src/queue/job-context.ts";
import { defaultServer } from "../support/default-server.ts";
import { administer, eventually } from "../support/shells.ts";
import { inEachTest, inSchema } from "./places.ts";
import { Working } from "./working.ts";

let app: App;

inEachTest(inSchema, (place) => ({ app } = place));

test("a cancelled job's running statement is cancelled on the server, and its connection lives", async () => {
  await using conn = await AsyncConnection.connect(defaultServer().conninfo());
  const state = async (): Promise<string | undefined> => {
    const pid = conn.info.backendPid;
    return (await administer(`select state from pg_stat_activity where pid = ${pid}`))[0]?.[0];
  };
  const task = app.task({ name: "long" }, async (_: object, { signal }: JobContext) => {
    await conn.query("select pg_sleep(600)", [], { signal });
  });
  const id = await task.defer({});
  await using worker = new Working(app);
  await eventually(async () => (await state()) === "active");
  expect(await app.jobManager.cancelJobById(id, { abort: true })).toBe(true);
  const [event] = await worker.until("job:aborted");
  expect(event?.error).toBeInstanceOf(errors.QueryCanceled);
  expect(await state()).toBe("idle");
  expect(await conn.query("select 1 as one")).toEqual([{ one: 1 }]);
  await worker.stop();
  expect(await app.jobManager.getJobStatus(id)).toBe("aborted");
});

test("what is kept of jobs goes when its time is over, by how they ended", async () => {
  const task = app.task({ name: "either" }, ({ fails }: { fails: boolean }) => {
    if (fails) throw new Error("as asked");
  });
  const [good = 0, bad = 0] = await task.batchDefer([{ fails: false }, { fails: true }]);
  await app.runWorker({ wait: false, installSignalHandlers: false });
  await using worker = new Working(app, { retention: { succeeded: 0 } });
  await eventually(async () => (await app.jobManager.getJobStatus(good)) === null);
  await worker.stop();
  expect(await app.jobManager.getJobStatus(bad)).toBe("failed");
});
