// What monitoring is told of jobs.

import { tracingChannel } from "node:diagnostics_channel";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import type { App } from "../../src/queue/app.ts";
import { deferChannel, jobChannel } from "../../src/queue/channels.ts";
import type { JobOperationContext } from "../../src/queue/channels.ts";
import { inSchema } from "./places.ts";
import type { Place } from "./places.ts";
import { Working } from "./working.ts";

let place: Place;
let app: App;
const told: (readonly [string, JobOperationContext])[] = [];

const listeners = (kind: string) => ({
  start: (context: JobOperationContext) => void told.push([`${kind} start`, context]),
  end() {},
  asyncStart() {},
  asyncEnd: (context: JobOperationContext) => void told.push([`${kind} end`, context]),
  error() {},
});
const defers = listeners("defer");
const jobs = listeners("job");

beforeEach(async () => {
  told.length = 0;
  place = await inSchema();
  ({ app } = place);
  deferChannel.subscribe(defers);
  jobChannel.subscribe(jobs);
});

afterEach(async () => {
  deferChannel.unsubscribe(defers);
  jobChannel.unsubscribe(jobs);
  await place.leave();
});

test("storing and running a job are told of, without what it carries", async () => {
  const task = app.task({ name: "secretive", queue: "q", priority: 2 }, () => "result secret");
  const id = await task.defer({ password: "payload secret" } as never);
  await using worker = new Working(app, { wait: false, name: "ann" });
  await worker.ended;
  expect(told.map(([what]) => what)).toEqual(["defer start", "defer end", "job start", "job end"]);
  const shared = {
    "messaging.system": "mahout",
    "messaging.destination.name": "q",
    "messaging.message.id": String(id),
    "mahout.task.name": "secretive",
    "mahout.job.priority": 2,
  };
  expect(told[1]?.[1].attributes).toEqual({ ...shared, "messaging.operation.type": "send" });
  expect(told[3]?.[1].attributes).toEqual({
    ...shared,
    "messaging.operation.type": "process",
    "mahout.job.attempts": 0,
    "mahout.worker.name": "ann",
  });
  const attributes = JSON.stringify(told.map(([, context]) => context.attributes));
  expect(attributes).not.toContain("secret ");
  expect(attributes).not.toContain("payload secret");
});

test("a job that fails and a batch are told of", async () => {
  const task = app.task({ name: "failing" }, () => {
    throw new RangeError("no");
  });
  await task.batchDefer([{}, {}]);
  await using worker = new Working(app, { wait: false });
  await worker.ended;
  expect(told[0]?.[1].attributes).toMatchObject({ "messaging.batch.message_count": 2 });
  const ends = told.filter(([what]) => what === "job end");
  expect(ends).toHaveLength(2);
  for (const [, context] of ends) {
    expect(context.attributes["error.type"]).toBe("RangeError");
    expect(context.error).toBeInstanceOf(RangeError);
  }
});

test("the channels are those of their names", () => {
  expect(tracingChannel("mahout:job").start).toBe(jobChannel.start);
  expect(tracingChannel("mahout:defer").start).toBe(deferChannel.start);
});
