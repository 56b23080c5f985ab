// Apps, tasks and blueprints: what is registered under which name, and what jobs come of it.

import { join } from "node:path";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { beforeEach, describe, expect, test } from "@jest/globals";
import {
  App,
  Blueprint,
  InMemoryConnector,
  type Input,
  type JobContext,
  type OperationName,
  type Output,
  TaskAlreadyRegistered,
  TaskHandle,
  type WorkerHandle,
} from "../../src/queue/index.ts";
import { surround } from "../../src/queue/middleware.ts";

let connector: InMemoryConnector;
let app: App;

beforeEach(() => {
  connector = new InMemoryConnector();
  app = new App({ connector });
});

const names = (): string[] => connector.jobs.map(({ taskName }) => taskName);

describe("a task", () => {
  test("is its function, and more", async () => {
    const sum = app.task({ name: "sum" }, async ({ a, b }: { a: number; b: number }) => a + b);
    expect(await sum({ a: 1, b: 2 })).toBe(3);
    expect(sum).toBeInstanceOf(TaskHandle);
    expect(typeof sum).toBe("function");
    expect([{ a: 1, b: 1 }].map((payload) => sum(payload))).toHaveLength(1);
    expect(sum.name).toBe("sum");
    expect(app.getTask("sum")).toBe(sum);
  });

  test("has its function called with payload and context, in the order that it wants", () => {
    const context = { job: { payload: { x: 1 } } } as JobContext;
    const plain = app.task({ name: "plain" }, (...args: unknown[]) => args);
    const other = app.task({ name: "other", passContext: true }, (...args: unknown[]) => args);
    expect(plain.run(context)).toEqual([{ x: 1 }, context]);
    expect(other.run(context)).toEqual([context, { x: 1 }]);
  });

  test("says what its jobs are like", async () => {
    const options = { queue: "q", priority: 4, lock: "l", queueingLock: "ql" };
    await app.task({ name: "a", ...options }, () => 0).defer();
    await app.task({ name: "b" }, () => 0).defer();
    expect(connector.jobs).toMatchObject([
      { taskName: "a", ...options },
      { taskName: "b", queue: "default", priority: 0, lock: null, queueingLock: null },
    ]);
  });

  test("can be configured, again and again", async () => {
    const task = app.task(
      { name: "a", queue: "q", lock: "l" },
      (payload: { x: number; y: number }) => payload,
    );
    await task
      .configure({ priority: 1, payload: { x: 1 } })
      .configure({ lock: null, queueingLock: "ql" })
      .defer({ y: 2 });
    await task.configure({ payload: { x: 1, y: 1 } }).batchDefer([{ y: 2 }, {}]);
    expect(connector.jobs).toMatchObject([
      { queue: "q", lock: null, queueingLock: "ql", priority: 1, payload: { x: 1, y: 2 } },
      { queue: "q", lock: "l", payload: { x: 1, y: 2 } },
      { queue: "q", lock: "l", payload: { x: 1, y: 1 } },
    ]);
  });

  test("defers in four ways", async () => {
    const task = app.task({ name: "a" }, (payload: number) => payload);
    const ids = [
      await task.defer(1),
      task.deferSync(2),
      ...(await task.batchDefer([3, 4])),
      ...task.batchDeferSync(new Set([5])),
    ];
    expect(ids).toEqual([1, 2, 3, 4, 5]);
    expect(connector.jobs.map(({ payload }) => payload)).toEqual(ids);
    expect(await task.batchDefer([])).toEqual([]);
    expect(task.batchDeferSync([])).toEqual([]);
  });

  test("can have had other names", () => {
    const task = app.task({ name: "a", aliases: ["b"] }, () => 0);
    app.addTaskAlias(task, "c");
    expect(["a", "b", "c"].map((name) => app.getTask(name))).toEqual([task, task, task]);
    expect(() => app.addTaskAlias(task, "b")).toThrow(TaskAlreadyRegistered);
    expect(task.name).toBe("a");
  });
});

describe("a task that is defined elsewhere", () => {
  test("needs only its name", async () => {
    await app.configureTask("elsewhere", { queue: "q", payload: { a: 1 } }).defer({ b: 2 });
    expect(connector.jobs).toMatchObject([
      { taskName: "elsewhere", queue: "q", payload: { a: 1, b: 2 } },
    ]);
  });

  test("is as it says, when it is known after all", async () => {
    app.task({ name: "known", aliases: ["old"], queue: "q", lock: "l" }, () => 0);
    await app.configureTask("old", { priority: 1, allowUnknown: false }).defer();
    expect(connector.jobs).toMatchObject([
      { taskName: "known", queue: "q", lock: "l", priority: 1 },
    ]);
  });
});

describe("a blueprint", () => {
  test("gives its tasks to an app, in a namespace", async () => {
    const mail = new Blueprint();
    const send = mail.task({ name: "send", aliases: ["post"] }, () => 0);
    app.addTasksFrom(mail, { namespace: "mail" });
    await send.defer();
    expect(names()).toEqual(["mail:send"]);
    expect([...app.tasks.keys()]).toEqual(["mail:send", "mail:post"]);
    expect([...mail.tasks.keys()]).toEqual(["send", "post"]);
  });

  test("can be part of another one", async () => {
    const inner = new Blueprint();
    const outer = new Blueprint();
    const task = inner.task({ name: "task" }, () => 0);
    outer.addTasksFrom(inner, { namespace: "inner" });
    app.addTasksFrom(outer, { namespace: "outer" });
    await task.defer();
    expect(names()).toEqual(["outer:inner:task"]);
  });

  test("can grow after that", async () => {
    const inner = new Blueprint();
    const outer = new Blueprint();
    app.addTasksFrom(outer, { namespace: "outer" });
    outer.addTasksFrom(inner, { namespace: "inner" });
    const late = inner.task({ name: "late" }, () => 0);
    inner.addTaskAlias(late, "later");
    inner.periodic(
      { cron: "* * * * *" },
      inner.task({ name: "tick" }, ({ timestamp }: { timestamp: number }) => timestamp),
    );
    await late.defer();
    expect(names()).toEqual(["outer:inner:late"]);
    expect(app.getTask("outer:inner:later")).toBe(late);
    const [due] = app.periodicRegistry.clock().due(null, Date.now());
    expect(due?.job.taskName).toBe("outer:inner:tick");
  });

  test("takes nothing over when a name is taken", () => {
    const one = new Blueprint();
    one.task({ name: "a" }, () => 0);
    one.task({ name: "b" }, () => 0);
    app.task({ name: "ns:b" }, () => 0);
    expect(() => app.addTasksFrom(one, { namespace: "ns" })).toThrow(TaskAlreadyRegistered);
    expect([...app.tasks.keys()]).toEqual(["ns:b"]);
  });

  test("defines nothing that one of its apps has no name for", () => {
    const inner = new Blueprint();
    const outer = new Blueprint();
    outer.addTasksFrom(inner, { namespace: "inner" });
    app.addTasksFrom(outer, { namespace: "outer" });
    app.task({ name: "outer:inner:a" }, () => 0);
    expect(() => inner.task({ name: "b", aliases: ["a"] }, () => 0)).toThrow(TaskAlreadyRegistered);
    expect([...inner.tasks.keys(), ...outer.tasks.keys()]).toEqual([]);
    inner.task({ name: "b", aliases: ["b"] }, () => 0);
    expect(app.tasks.has("outer:inner:b")).toBe(true);
  });

  test("defers to the app that has it", async () => {
    const blueprint = new Blueprint();
    const task = blueprint.task({ name: "task" }, () => 0);
    app.addTasksFrom(blueprint, { namespace: "first" });
    const second = new InMemoryConnector();
    new App({ connector: second }).addTasksFrom(blueprint, { namespace: "second" });
    await task.defer();
    expect(names()).toEqual([]);
    expect(second.jobs.map(({ taskName }) => taskName)).toEqual(["second:task"]);
  });
});

describe("another connector", () => {
  let other: InMemoryConnector;

  beforeEach(() => {
    other = new InMemoryConnector();
  });

  test("replaces the app's while a function runs", async () => {
    const task = app.task({ name: "task" }, () => 0);
    const result = await app.replaceConnector(other, async (replaced) => {
      expect(replaced).toBe(app);
      await task.defer();
      await Promise.resolve();
      return replaced.connector;
    });
    expect(result).toBe(other);
    expect(app.replaceConnector(other, () => task.deferSync())).toBe(2);
    expect(app.connector).toBe(connector);
    expect([connector.jobs.length, other.jobs.length]).toEqual([0, 2]);
  });

  test("is taken back when the function fails", async () => {
    const broken = new Error("broken");
    const fail = (): never => {
      throw broken;
    };
    expect(() => app.replaceConnector(other, fail)).toThrow(broken);
    await expect(app.replaceConnector(other, async () => fail())).rejects.toBe(broken);
    expect(app.connector).toBe(connector);
  });

  test("is taken back at the end of a block", () => {
    {
      using _replaced = app.replaceConnector(other);
      expect(app.connector).toBe(other);
    }
    expect(app.connector).toBe(connector);
  });
});

describe("a connector's jobs in memory", () => {
  test("can be looked at, and forgotten", async () => {
    const task = app.task({ name: "task" }, () => 0);
    await task.batchDefer([undefined, undefined]);
    await app.runWorker({ wait: false, installSignalHandlers: false });
    await task.defer();
    expect(connector.finished).toHaveLength(2);
    expect(connector.jobs).toHaveLength(3);
    connector.reset();
    expect(connector.jobs).toEqual([]);
  });
});

describe("a thousand callers at once", () => {
  class Counting extends InMemoryConnector {
    readonly calls: number[] = [];

    override async run<Name extends OperationName>(
      name: Name,
      input: Input<Name>,
    ): Promise<Output<Name>> {
      if (name === "deferJobs") this.calls.push((input as Input<"deferJobs">).jobs.length);
      await new Promise(setImmediate);
      return await super.run(name, input);
    }
  }

  test("are few statements, and each gets its own job", async () => {
    const counting = new Counting();
    const task = new App({ connector: counting }).task({ name: "t" }, (n: number) => n);
    const ids = await Promise.all(Array.from({ length: 2500 }, (_, n) => task.defer(n)));
    expect(counting.calls).toEqual([1000, 1000, 500]);
    const byId = new Map(counting.jobs.map(({ id, payload }) => [id, payload]));
    expect(ids.map((id) => byId.get(id))).toEqual(ids.map((_, index) => index));
  });

  test("don't hold up those who come later", async () => {
    const counting = new Counting();
    const task = new App({ connector: counting }).task({ name: "t" }, (n: number) => n);
    const first = task.defer(1);
    await new Promise(setImmediate);
    const others = [task.defer(2), task.defer(3)];
    expect(await Promise.all([first, ...others])).toEqual([1, 2, 3]);
    expect(counting.calls).toEqual([1, 2]);
  });

  test("learn of their own queueing lock", async () => {
    const task = app.task({ name: "t" }, (n: number) => n);
    const settled = await Promise.allSettled(
      Array.from({ length: 100 }, (_, n) =>
        task.configure({ queueingLock: `lock ${n % 10}` }).defer(n),
      ),
    );
    expect(settled.filter(({ status }) => status === "fulfilled")).toHaveLength(10);
    settled.forEach((one, n) => {
      if (one.status === "rejected") expect(String(one.reason)).toContain(`"lock ${n % 10}"`);
    });
  });

  test("get errors of their own", async () => {
    class Broken extends InMemoryConnector {
      override async run(): Promise<never> {
        throw new Error("down");
      }
    }
    const task = new App({ connector: new Broken() }).task({ name: "t" }, () => 0);
    const settled = await Promise.allSettled([task.defer(), task.defer()]);
    expect(settled.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  });
});

test("middleware runs around a job, the first one outermost", async () => {
  const seen: unknown[] = [];
  const around =
    (name: string) =>
    async (callNext: () => Promise<unknown>): Promise<unknown> => {
      seen.push(`${name} before`);
      const result = await callNext();
      seen.push(`${name} after`);
      return [name, result];
    };
  const run = surround([around("a"), around("b")], () => {
    seen.push("run");
    return 1;
  });
  expect(await run({} as JobContext, {} as WorkerHandle)).toEqual(["a", ["b", 1]]);
  expect(seen).toEqual(["a before", "b before", "run", "b after", "a after"]);
});

test("modules that define tasks are loaded once, before a worker starts", async () => {
  const folder = mkdtempSync(join(tmpdir(), "mahout-tasks-"));
  const path = join(folder, "tasks.cjs");
  writeFileSync(path, "globalThis.mahoutTestLoads = (globalThis.mahoutTestLoads ?? 0) + 1;");
  try {
    const loading = new App({ connector, importPaths: [path] });
    await loading.runWorker({ wait: false, installSignalHandlers: false });
    await loading.performImportPaths();
    expect(Reflect.get(globalThis, "mahoutTestLoads")).toBe(1);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
