// What callers can get wrong, and that it is said before anything is sent: which error, and what is named in it.

import { beforeEach, describe, expect, test } from "@jest/globals";
import {
  App,
  Blueprint,
  type DeferOptions,
  InMemoryConnector,
  InvalidPayload,
  InvalidTimestamp,
  PgConnector,
  QueueConfigurationError,
  RetryStrategy,
  type TaskHandle,
  TaskAlreadyRegistered,
  TaskNotFound,
  UnboundTaskError,
} from "../../src/queue/index.ts";

let connector: InMemoryConnector;
let app: App;

beforeEach(() => {
  connector = new InMemoryConnector();
  app = new App({ connector });
});

/** What is thrown, at once or later. */
async function failureOf(call: () => unknown): Promise<Error> {
  try {
    await call();
  } catch (error) {
    return error as Error;
  }
  throw new Error("nothing was thrown");
}

const circle: Record<string, unknown> = { name: "circle" };
circle["self"] = circle;

function nested(depth: number): unknown {
  let value: unknown = 0;
  for (let level = 0; level < depth; level++) value = [value];
  return value;
}

describe("a payload that JSON can't say", () => {
  test.each<[string, unknown, RegExp]>([
    ["NaN", { a: { b: [1, NaN] } }, /a\.b\[1\] is NaN/],
    ["infinity", { a: -Infinity }, /a is -Infinity/],
    ["a bigint", { id: 12n }, /id is a bigint/],
    ["a function", { run: () => 1 }, /run is a function/],
    ["a symbol", { tag: Symbol("x") }, /tag is a symbol/],
    ["undefined in an array", { list: [1, undefined] }, /list\[1\] is undefined/],
    // eslint-disable-next-line no-sparse-arrays -- that is what is tested
    ["a hole in an array", { list: [1, , 3] }, /list\[1\] is undefined/],
    ["an object in itself", circle, /self is an object that contains itself/],
    ["too deep a nesting", nested(600), /nested more than 500 levels/],
    ["a Map", { map: new Map([[1, 2]]) }, /map is a Map/],
    ["a Set", { set: new Set([1]) }, /set is a Set/],
    ["an Error", { error: new Error("x") }, /error is an Error/],
    ["a RegExp", { pattern: /x/ }, /pattern is a RegExp/],
    ["a promise", { later: Promise.resolve() }, /later is a promise/],
    ["a Buffer", { data: Buffer.from("x") }, /data is binary data/],
    ["an ArrayBuffer", { data: new ArrayBuffer(1) }, /data is binary data/],
    ["an invalid Date", { at: new Date(NaN) }, /at is an invalid Date/],
    ["half a surrogate pair", { text: "a\ud83d" }, /text is text with U\+0000 or half/],
    ["NUL in text", ["\0"], /\[0\] is text with U\+0000/],
    ["NUL in a name", { "a\0": 1 }, /the name of a member of the payload/],
    ["a bigint at the top", 1n, /the payload is a bigint/],
    ["a function at the top", () => 1, /the payload is a function/],
  ])("%s", async (_, payload, says) => {
    const task = app.task({ name: "pay" }, (_payload: unknown) => 0);
    const calls = [
      () => task.defer(payload),
      () => task.deferSync(payload),
      () => task.batchDefer([{}, payload]),
      () => task.batchDeferSync([{}, payload]),
    ];
    for (const call of calls) {
      const error = await failureOf(call);
      expect(error).toBeInstanceOf(InvalidPayload);
      expect(error.message).toMatch(says);
      expect(error.message).toContain('the task "pay"');
    }
    expect(connector.jobs).toEqual([]);
  });
});

describe("a payload that it can", () => {
  const shared = { x: 1 };

  test.each<[string, unknown, unknown]>([
    ["nothing", undefined, {}],
    ["null", null, {}],
    ["a date", { at: new Date(0) }, { at: "1970-01-01T00:00:00.000Z" }],
    ["a URL", new URL("http://a/"), "http://a/"],
    ["a member that is undefined", { a: 1, b: undefined }, { a: 1 }],
    ["one object twice", [shared, shared], [{ x: 1 }, { x: 1 }]],
    ["minus zero", [-0], [0]],
    ["null in it", [null], [null]],
    ["an object without prototype", Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
    ["deep nesting", nested(400), nested(400)],
  ])("%s", async (_, payload, stored) => {
    const task = app.task({ name: "pay" }, (_payload: unknown) => 0);
    await task.defer(payload);
    expect(connector.jobs[0]?.payload).toEqual(stored);
  });

  test("a name that objects treat in their own way", async () => {
    const task = app.task({ name: "pay" }, (_payload: unknown) => 0);
    await task.defer(JSON.parse('{ "__proto__": { "a": 1 }, "b": 2 }'));
    expect(JSON.stringify(connector.jobs[0]?.payload)).toBe('{"__proto__":{"a":1},"b":2}');
  });

  test("is stored as it was when it was deferred", async () => {
    const task = app.task({ name: "pay" }, (_payload: { a: number }) => 0);
    const payload = { a: 1 };
    const deferred = task.defer(payload);
    payload.a = 2;
    await deferred;
    expect(connector.jobs[0]?.payload).toEqual({ a: 1 });
  });
});

describe("a time", () => {
  const past = new Date(Date.now() - 120_000);

  test.each<
    [string, DeferOptions<object>, typeof InvalidTimestamp | typeof QueueConfigurationError, RegExp]
  >([
    ["without a zone", { scheduleAt: "2099-01-01T00:00:00" }, InvalidTimestamp, /no time zone/],
    ["that is only a date", { scheduleAt: "2099-01-01" }, InvalidTimestamp, /not a time/],
    ["in words", { scheduleAt: "tomorrow" }, InvalidTimestamp, /"tomorrow"/],
    ["that is empty", { scheduleAt: "" }, InvalidTimestamp, /""/],
    ["that isn't", { scheduleAt: "2099-02-30T00:00:00Z" }, InvalidTimestamp, /isn't/],
    ["of 25 o'clock", { scheduleAt: "2099-01-01T25:00:00Z" }, InvalidTimestamp, /isn't/],
    ["that is invalid", { scheduleAt: new Date(NaN) }, InvalidTimestamp, /invalid Date/],
    ["that has passed", { scheduleAt: past }, InvalidTimestamp, /has passed/],
    ["that has passed, as text", { scheduleAt: past.toISOString() }, InvalidTimestamp, /passed/],
    ["as a number", { scheduleAt: 12 as never }, InvalidTimestamp, /not number/],
    ["before now", { scheduleIn: -1 }, InvalidTimestamp, /past/],
    ["never", { scheduleIn: Infinity }, InvalidTimestamp, /Infinity/],
    ["beyond all time", { scheduleIn: 1e17 }, InvalidTimestamp, /too long/],
    ["in an unknown unit", { scheduleIn: { years: 1 } as never }, InvalidTimestamp, /"years"/],
    ["in a unit of NaN", { scheduleIn: { days: NaN } }, InvalidTimestamp, /scheduleIn\.days/],
    ["as a word", { scheduleIn: "1h" as never }, InvalidTimestamp, /not string/],
    [
      "said in both ways",
      { scheduleIn: 1, scheduleAt: new Date() },
      QueueConfigurationError,
      /can't both/,
    ],
  ])("%s", async (_, options, Kind, says) => {
    const task = app.task({ name: "late" }, () => 0);
    const error = await failureOf(() => task.configure(options).defer());
    expect(error).toBeInstanceOf(Kind);
    expect(error.message).toMatch(says);
    expect(connector.jobs).toEqual([]);
  });

  test.each<[string, DeferOptions<object>, number | null]>([
    ["a Date", { scheduleAt: new Date("2099-01-01T00:00:00Z") }, Date.UTC(2099, 0, 1)],
    ["text with an offset", { scheduleAt: "2099-01-01T02:00:00+02:00" }, Date.UTC(2099, 0, 1)],
    ["text with a short offset", { scheduleAt: "2099-01-01 02:00+02" }, Date.UTC(2099, 0, 1)],
    ["a compact offset", { scheduleAt: "2098-12-31T18:30:00.5-0530" }, Date.UTC(2099, 0, 1) + 500],
    ["just now", { scheduleAt: new Date(Date.now() - 1000) }, null],
    ["an hour", { scheduleIn: { hours: 1 } }, null],
    ["nothing at all", { scheduleAt: null, scheduleIn: undefined }, null],
  ])("%s is fine", async (_, options, expected) => {
    await app
      .task({ name: "late" }, () => 0)
      .configure(options)
      .defer();
    if (expected !== null) expect(connector.jobs[0]?.scheduledAt?.getTime()).toBe(expected);
    expect(connector.jobs).toHaveLength(1);
  });

  test("is counted in units that add up", async () => {
    const before = Date.now();
    const task = app.task({ name: "late" }, () => 0);
    await task.configure({ scheduleIn: { hours: 1, minutes: 2, seconds: 3 } }).defer();
    const wait = Number(connector.jobs[0]?.scheduledAt) - before;
    expect(wait).toBeGreaterThanOrEqual(3_723_000);
    expect(wait).toBeLessThan(3_733_000);
  });
});

describe("what makes no sense", () => {
  const noop = (): void => {};
  const foreign = (): TaskHandle<unknown, void> => new Blueprint().task({ name: "x" }, noop);

  test.each<[string, () => unknown, new (message: string) => Error, RegExp]>([
    ["an app without connector", () => new App({} as never), QueueConfigurationError, /connector/],
    ["a task without name", () => app.task({} as never, noop), QueueConfigurationError, /name/],
    ["an empty name", () => app.task({ name: "" }, noop), QueueConfigurationError, /name/],
    ["a name with NUL", () => app.task({ name: "\0" }, noop), QueueConfigurationError, /U\+0000/],
    [
      "a task without function",
      () => app.task({ name: "x" }, 1 as never),
      QueueConfigurationError,
      /function/,
    ],
    [
      "half a priority",
      () => app.task({ name: "x", priority: 0.5 }, noop),
      QueueConfigurationError,
      /0\.5/,
    ],
    [
      "a huge priority",
      () => app.task({ name: "x" }, noop).configure({ priority: 2 ** 40 }),
      QueueConfigurationError,
      /32 bits/,
    ],
    [
      "an empty queue",
      () => app.task({ name: "x", queue: "" }, noop),
      QueueConfigurationError,
      /queue/,
    ],
    [
      "a lock that is no text",
      () => app.task({ name: "x", lock: 1 as never }, noop),
      QueueConfigurationError,
      /lock/,
    ],
    [
      "a timeout of nothing",
      () => app.task({ name: "x", timeout: 0 }, noop),
      QueueConfigurationError,
      /timeout/,
    ],
    [
      "a retry in words",
      () => app.task({ name: "x", retry: "often" as never }, noop),
      QueueConfigurationError,
      /retry/,
    ],
    [
      "half an attempt",
      () => app.task({ name: "x", retry: 1.5 }, noop),
      QueueConfigurationError,
      /maxAttempts/,
    ],
    ["a wait back in time", () => new RetryStrategy({ wait: -1 }), QueueConfigurationError, /wait/],
    [
      "a name that is taken",
      () => [app.task({ name: "x" }, noop), app.task({ name: "x" }, noop)],
      TaskAlreadyRegistered,
      /"x"/,
    ],
    [
      "an alias that is taken",
      () => [app.task({ name: "x" }, noop), app.task({ name: "y", aliases: ["x"] }, noop)],
      TaskAlreadyRegistered,
      /"x"/,
    ],
    ["a task of nobody", () => foreign().defer(), UnboundTaskError, /addTasksFrom/],
    [
      "a task that must be known",
      () => app.configureTask("nobody", { allowUnknown: false }),
      TaskNotFound,
      /"nobody"/,
    ],
    ["a task that is looked up", () => app.getTask("nobody"), TaskNotFound, /"nobody"/],
    [
      "two payloads of which one is no object",
      () => app.configureTask("x", { payload: { a: 1 } }).defer([1] as never),
      InvalidPayload,
      /only two objects/,
    ],
    [
      "a schedule of somebody else's task",
      () => app.periodic({ cron: "* * * * *" }, foreign() as never),
      UnboundTaskError,
      /"x"/,
    ],
    [
      "a schedule of no task",
      () => app.periodic({ cron: "* * * * *" }, noop as never),
      QueueConfigurationError,
      /app\.task/,
    ],
    [
      "a blueprint without namespace",
      () => app.addTasksFrom(new Blueprint(), {} as never),
      QueueConfigurationError,
      /namespace/,
    ],
    ["a job of no number", () => app.jobManager.getJobStatus(1.5), QueueConfigurationError, /1\.5/],
    [
      "a retry in the past",
      () => app.jobManager.retryJobById(1, { delay: -1 }),
      QueueConfigurationError,
      /delay/,
    ],
    [
      "an age that isn't",
      () => app.jobManager.deleteOldJobs({ olderThan: NaN }),
      QueueConfigurationError,
      /olderThan/,
    ],
    [
      "a module that can't be loaded",
      () => new App({ connector, importPaths: ["./no-such-module"] }).performImportPaths(),
      QueueConfigurationError,
      /no-such-module/,
    ],
  ])("%s", async (_, call, Kind, says) => {
    const error = await failureOf(call);
    expect(error).toBeInstanceOf(Kind);
    expect(error.message).toMatch(says);
  });
});

describe("what nobody knows is refused, not ignored", () => {
  const app = new App({ connector: new InMemoryConnector() });
  const task = app.task({ name: "known" }, () => {});

  test.each<[string, RegExp, () => unknown]>([
    [
      "of a task",
      /no option "retries"/,
      () => app.task({ name: "x", retries: 3 } as never, () => {}),
    ],
    ["of a job", /no option "scheduledIn"/, () => task.configure({ scheduledIn: 5 } as never)],
    [
      "of a schedule",
      /no option "timeZone"/,
      () => app.periodic({ cron: "* * * * *", timeZone: "UTC" } as never, task as never),
    ],
    ["a filter", /no option "task"/, () => app.jobManager.listJobsSync({ task: "x" } as never)],
    [
      "a status",
      /todo, doing.*not faild/,
      () => app.jobManager.listQueuesSync({ status: "faild" as never }),
    ],
    ["a limit", /limit.*not NaN/, () => app.jobManager.listTasksSync({ limit: Number.NaN })],
    ["an id", /id .*not 1.5/, () => app.jobManager.listLocksSync({ id: 1.5 })],
  ])("%s", (_, message, call) => {
    expect(call).toThrow(QueueConfigurationError);
    expect(call).toThrow(message);
  });
});

describe("a payload is what it was", () => {
  const connector = new InMemoryConnector();
  const app = new App({ connector });

  test.each<[string, unknown, unknown]>([
    [
      "boxed values",
      { n: Object(5), s: Object("text"), b: Object(false) },
      { n: 5, s: "text", b: false },
    ],
    [
      "a member __proto__",
      JSON.parse('{"__proto__":{"a":1}}'),
      JSON.parse('{"__proto__":{"a":1}}'),
    ],
    ["undefined members", { a: undefined, b: null }, { b: null }],
  ])("%s", async (_, payload, stored) => {
    await app.configureTask("task").defer(payload as Record<string, unknown>);
    expect(JSON.stringify(connector.jobs.at(-1)?.payload)).toBe(JSON.stringify(stored));
  });

  test("two that are put together are each what they say as JSON", async () => {
    const own = { toJSON: () => ({ a: 1 }) };
    await app.configureTask("task").configure({ payload: own }).defer({ b: 2 });
    expect(connector.jobs.at(-1)?.payload).toEqual({ a: 1, b: 2 });
    const configured = app.configureTask("task").configure({ payload: { a: 1 } });
    await expect(configured.defer(new Map([["b", 2]]) as never)).rejects.toThrow(/a Map/);
  });

  test("one that would be empty is refused", async () => {
    const q = new URLSearchParams("a=1");
    await expect(app.configureTask("task").defer({ q })).rejects.toThrow(/q is URLSearchParams/);
  });
});

test("an engine that is none is told by what it should be", async () => {
  const error = await failureOf(() => new PgConnector("dbname=app" as never));
  expect(error).toBeInstanceOf(QueueConfigurationError);
  expect(error.message).toMatch(/works with a Pool of node-postgres, and it was made with/);
});

test("one payload is no list of them", async () => {
  const task = app.task<object, unknown>({ name: "single" }, async () => undefined);
  const error = await failureOf(async () => await task.batchDefer({ a: 1 } as never));
  expect(error).toBeInstanceOf(QueueConfigurationError);
  expect(error.message).toMatch(/a list of payloads/);
});
