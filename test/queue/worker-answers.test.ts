// What a worker makes of answers that come late, or never, although what was asked for has been done.

import { expect, test } from "@jest/globals";
import { App } from "../../src/queue/app.ts";
import type { RunOptions } from "../../src/queue/connector.ts";
import { InMemoryConnector } from "../../src/queue/connectors/in-memory.ts";
import { ConnectorException } from "../../src/queue/errors.ts";
import type { Input, OperationName, Output } from "../../src/queue/operations.ts";
import { Working } from "./working.ts";

/** Decides what becomes of the answer to an operation that has been carried out. */
type Fate = (name: OperationName, input: unknown, output: unknown) => Promise<void> | undefined;

/** A storage whose answers have a fate. */
class Fateful extends InMemoryConnector {
  fate: Fate = () => undefined;

  override async run<Name extends OperationName>(
    name: Name,
    input: Input<Name>,
    options?: RunOptions,
  ): Promise<Output<Name>> {
    const output = await super.run(name, input, options);
    await this.fate(name, input, output);
    return output;
  }
}

async function open(): Promise<{ readonly connector: Fateful; readonly app: App }> {
  const connector = new Fateful();
  return { connector, app: await new App({ connector }).open() };
}

const lost = (): Promise<never> => Promise.reject(new ConnectorException("the answer is lost"));

test("a job that was given back and claimed by one exchange, whose answer is lost, runs again", async () => {
  const { connector, app } = await open();
  const task = app.task({ name: "once more", retry: 1 }, (_, { job }) => {
    if (job.attempts === 0) throw new Error("as it was told");
  });
  const id = await task.defer();
  let losses = 0;
  connector.fate = (name, input) => {
    const retries =
      name === "exchange" &&
      (input as Input<"exchange">).outcomes.some(({ kind }) => kind === "retry");
    return retries && losses++ === 0 ? lost() : undefined;
  };
  await using worker = new Working(app);
  await worker.until("job:succeeded");
  expect(losses).toBeGreaterThan(0);
  await worker.stop();
  const [job] = await app.jobManager.listJobs({ id });
  expect(job).toMatchObject({ status: "succeeded", attempts: 2, rescues: 0 });
});

test("what is done when the number changes may get lost as well, and what runs goes on", async () => {
  const { connector, app } = await open();
  const aborted: string[] = [];
  const task = app.task({ name: "long" }, async (_, { signal }) => {
    signal.addEventListener("abort", () => aborted.push(String(signal.reason)));
    await new Promise((resolve) => setTimeout(resolve, 700));
  });
  let exchanges = 0;
  let losses = 0;
  connector.fate = (name) => {
    // The one that comes after the job was claimed, and what is tried then.
    if (name === "exchange" && ++exchanges === 2) return lost();
    if (name === "reconcile" && ++losses <= 3) return lost();
    if (name === "registerWorker" && exchanges === 2 && losses === 0) {
      losses++;
      return lost();
    }
    return undefined;
  };
  await using worker = new Working(app, { concurrency: 2, stalledWorkerTimeout: 5_000 });
  await worker.until("worker:listening");
  const id = await task.defer();
  await worker.until("job:started");
  await task.defer();
  await worker.until("job:succeeded", 2);
  await worker.stop();
  expect(losses).toBeGreaterThanOrEqual(3);
  expect([worker.of("job:started").length, aborted]).toEqual([2, []]);
  expect((await app.jobManager.listJobs({ id }))[0]).toMatchObject({ attempts: 1, rescues: 0 });
  // The registration whose answer was lost is nobody's, and is forgotten in time.
  expect(await app.jobManager.listWorkers()).toMatchObject([{ jobs: 0 }]);
});

test("a claim that is heard of after the worker was taken for dead is not begun", async () => {
  const { connector, app } = await open();
  const begun: number[] = [];
  const task = app.task({ name: "once" }, (_, { job }) => void begun.push(job.lease));
  let answer = (): void => {};
  const held = new Promise<void>((resolve) => {
    answer = resolve;
  });
  let workerId = 0;
  connector.fate = (name, input, output) => {
    if (name !== "exchange" || (output as Output<"exchange">).jobs.length === 0) return undefined;
    if (workerId !== 0) return undefined;
    ({ workerId } = input as Input<"exchange">);
    return held;
  };
  await using worker = new Working(app);
  await worker.until("worker:listening");
  const id = await task.defer();
  while (workerId === 0) await new Promise(setImmediate);
  await app.connector.run("unregisterWorker", { workerId });
  await worker.until("worker:registered-again");
  answer();
  await worker.until("job:succeeded");
  await worker.stop();
  expect(begun).toEqual([2]);
  expect((await app.jobManager.listJobs({ id }))[0]).toMatchObject({ attempts: 1 });
});

test("a lost job that is claimed again, and runs beside what is left of it, keeps its slot", async () => {
  const { app } = await open();
  const gates: (() => void)[] = [];
  let running = 0;
  let most = 0;
  const task = app.task({ name: "held" }, async (_, { job }) => {
    const isLeftover = job.id === 1 && job.lease === 1;
    if (!isLeftover) most = Math.max(most, ++running);
    await new Promise<void>((resolve) => gates.push(resolve));
    if (!isLeftover) running--;
  });
  await task.defer();
  await using worker = new Working(app, { concurrency: 2, abortTimeout: 20_000 });
  await worker.until("job:started");
  const [{ id: workerId } = { id: 0 }] = await app.jobManager.listWorkers();
  await app.connector.run("unregisterWorker", { workerId });
  await worker.until("job:started", 2);
  gates[0]!();
  await new Promise(setImmediate);
  await task.batchDefer([{}, {}]);
  await worker.until("job:started", 3);
  const timer = setInterval(() => gates.shift()?.(), 50);
  await worker.until("job:succeeded", 4);
  clearInterval(timer);
  expect(most).toBe(2);
});
