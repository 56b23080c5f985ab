// What a worker has to tell of its jobs: whatever a task's code says or throws, the storage can take it, and the worker ends in time.

import { describe, expect, test } from "@jest/globals";
import type { App } from "../../src/queue/app.ts";
import type { Connector } from "../../src/queue/connector.ts";
import { ConnectorException, QueueConfigurationError } from "../../src/queue/errors.ts";
import type { RetryDecision } from "../../src/queue/retry.ts";
import { inEachTest, inSchema } from "./places.ts";
import { Working } from "./working.ts";

let app: App;

inEachTest(inSchema, (place) => ({ app } = place));

/** Has operations of a connector fail while `when` says so; gives how many did. */
function failing(connector: Connector, when: (name: string) => boolean): () => number {
  const run = connector.run.bind(connector);
  let count = 0;
  connector.run = async (name, input, options) => {
    if (!when(name)) return await run(name, input, options);
    count++;
    throw new ConnectorException("as asked");
  };
  return () => count;
}

describe("a decision that can't be", () => {
  test.each<[string, unknown]>([
    ["a priority that is no whole number", { priority: 1.5 }],
    ["a priority that is no number", { priority: Number.NaN }],
    ["a queue with U+0000", { queue: "a\0b" }],
    ["a queue without a name", { queue: "" }],
    ["a lock with half a character", { lock: "\ud800" }],
    ["a promise", Promise.resolve(null)],
    ["no object", true],
  ])("fails its own job and no other: %s", async (_, decision) => {
    const retry = { getRetryDecision: () => decision as RetryDecision };
    const bad = app.task({ name: "bad", retry }, () => {
      throw new Error("as asked");
    });
    const good = app.task({ name: "good" }, () => "done");
    const id = await bad.defer();
    const other = await good.defer();
    await using worker = new Working(app, { wait: false, concurrency: 2 });
    await worker.ended;
    expect(worker.of("storage:failed")).toEqual([]);
    expect(worker.of("job:failed")[0]?.error).toBeInstanceOf(QueueConfigurationError);
    expect(await app.jobManager.getJobStatus(id)).toBe("failed");
    expect(await app.jobManager.getJobStatus(other)).toBe("succeeded");
  });
});

test.each([16_381, 16_382, 16_383])(
  "an error that is cut within a character can be stored: %d",
  async (length) => {
    const task = app.task({ name: "task" }, () => {
      throw Object.assign(new Error("long"), { stack: "a".repeat(length) + "\u{1F600}".repeat(9) });
    });
    const id = await task.defer();
    await using worker = new Working(app, { wait: false });
    await worker.ended;
    expect(worker.of("storage:failed")).toEqual([]);
    const [job] = await app.jobManager.listJobs({ id });
    expect(job).toMatchObject({ status: "failed" });
    expect(job?.error).toMatch(/^a{16381}/);
  },
);

test("a timeout that timers can't count is refused, not over at once", () => {
  const define = (timeout: number): unknown =>
    app.task({ name: `for ${timeout}`, timeout }, () => {});
  expect(() => define(30 * 86_400_000)).toThrow(QueueConfigurationError);
  expect(() => define(30 * 86_400_000)).toThrow(/2592000000/);
  define(2 ** 31 - 1);
  define(Infinity);
});

test("an operation that always fails is tried less and less often, while others work", async () => {
  const failures = failing(app.connector, (name) => name === "exchange");
  await using worker = new Working(app, { heartbeatInterval: 20, stalledWorkerTimeout: 60_000 });
  await worker.until("storage:failed", 6);
  expect(failures()).toBeLessThan(10);
  const delays = worker.of("storage:failed").map(({ delay }) => delay);
  expect(delays[5]).toBeGreaterThan(400);
  expect(worker.of("storage:back")).toEqual([]);
}, 40_000);

test("a worker that couldn't tell the storage lets it be when it has ended", async () => {
  const task = app.task({ name: "task" }, async (_, { signal }) => {
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  });
  await task.defer();
  let isAway = false;
  const failures = failing(app.connector, (name) => isAway && name === "exchange");
  const worker = new Working(app, { shutdownGracefulTimeout: 0 });
  await worker.until("job:started");
  isAway = true;
  await worker.stop();
  const before = failures();
  expect(before).toBeGreaterThan(2);
  // Longer than the longest pause between two attempts.
  await new Promise((resolve) => setTimeout(resolve, 5_500));
  expect(failures()).toBe(before);
}, 40_000);
