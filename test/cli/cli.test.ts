// The command `mahout`, as processes of its own.

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { makeConninfo } from "../../src/index.ts";
import { inSchema } from "../queue/places.ts";
import type { Place } from "../queue/places.ts";
import { defaultServer } from "../support/default-server.ts";
import { administer } from "../support/shells.ts";

const root = join(__dirname, "../..");
const APP = ["--app", join(__dirname, "app.cjs")];

let place: Place;
const running = new Set<ChildProcess>();

beforeAll(async () => {
  place = await inSchema();
});

afterAll(async () => {
  for (const child of running) child.kill("SIGKILL");
  await place.leave();
});

function start(args: readonly string[], environment: NodeJS.ProcessEnv = {}): ChildProcess {
  const loader = join(root, "scripts/load-typescript.js");
  const child = spawn(process.execPath, ["-r", loader, join(root, "src/cli.ts"), ...args], {
    stdio: ["pipe", "pipe", "pipe"],
    env: {
      PATH: process.env["PATH"],
      TEST_CONNINFO: makeConninfo(defaultServer().conninfo()),
      TEST_SCHEMA: place.schema,
      ...environment,
    },
  });
  running.add(child);
  child.once("exit", () => running.delete(child));
  return child;
}

interface Ended {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

async function run(
  args: readonly string[],
  environment: NodeJS.ProcessEnv = {},
  input: string = "",
): Promise<Ended> {
  const child = start(args, environment);
  let out = "";
  let err = "";
  child.stdout?.on("data", (chunk: Buffer) => (out += chunk.toString()));
  child.stderr?.on("data", (chunk: Buffer) => (err += chunk.toString()));
  child.stdin?.end(input);
  const [status] = (await once(child, "close")) as [number | null];
  return { status, out, err };
}

/** What a command printed with --json. */
function parsed({ out }: Ended): Record<string, unknown>[] {
  const lines = out.split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** Waits for the line of a running command that `isWanted` is true for. */
async function lineOf(child: ChildProcess, isWanted: (line: string) => boolean): Promise<string> {
  if (!child.stdout) throw new Error("its output is not read");
  for await (const line of createInterface({ input: child.stdout })) {
    if (isWanted(line)) return line;
  }
  throw new Error("it ended before that line");
}

test("a job that is deferred is run by a worker, which says so", async () => {
  const deferred = await run([...APP, "--json", "defer", "add", '{"a":1,"b":2}']);
  expect(deferred).toMatchObject({ status: 0, err: "" });
  const [{ id } = { id: 0 }] = parsed(deferred);
  const worked = await run([...APP, "--json", "worker", "--one-shot", "--concurrency", "2"]);
  expect(worked).toMatchObject({ status: 0, err: "" });
  const events = parsed(worked);
  expect(events).toContainEqual(
    expect.objectContaining({
      kind: "job:succeeded",
      result: 3,
      job: expect.objectContaining({ id }),
    }),
  );
  expect(events.at(-1)).toMatchObject({ kind: "worker:summary", succeeded: 1, failed: 0 });
});

test("options can come from the environment", async () => {
  const environment = { MAHOUT_APP: APP[1], MAHOUT_DEFER_QUEUE: "night", MAHOUT_JSON: "1" };
  const deferred = await run(["defer", "fail", "--priority", "3"], environment);
  expect(deferred.status).toBe(0);
  const [{ id } = { id: 0 }] = parsed(deferred);
  const [job] = await place.app.jobManager.listJobs({ id: Number(id) });
  expect(job).toMatchObject({ queue: "night", priority: 3, payload: {} });
  const one = { ...environment, MAHOUT_WORKER_ONE_SHOT: "1", MAHOUT_WORKER_QUEUES: "night" };
  const worked = await run(["worker"], one);
  expect(parsed(worked)).toContainEqual(expect.objectContaining({ kind: "job:failed" }));
});

test("a worker stops when it is told to, and lets its jobs end", async () => {
  const task = place.app.configureTask("wait");
  const id = await task.defer();
  const child = start([...APP, "-v", "worker", "--shutdown-graceful-timeout", "10ms"]);
  await lineOf(child, (line) => line.includes(`job ${id} (wait) started`));
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  expect((await ended)[0]).toBe(0);
  expect(await place.app.jobManager.getJobStatus(id)).toBe("succeeded");
});

test("the shell lists, retries and cancels", async () => {
  const task = place.app.configureTask("add");
  const id = await task.configure({ queue: "shell" }).defer({ a: 1 });
  const list = await run([...APP, "--json", "shell", "jobs", "queue=shell"]);
  expect(parsed(list)).toMatchObject([{ id, status: "todo", taskName: "add", payload: { a: 1 } }]);
  const lines = ["queues", `cancel ${id}`, `retry ${id}`, "jobs nothing=1", "dance", "exit"];
  const { out, status } = await run([...APP, "shell"], {}, `${lines.join("\n")}\n`);
  // Not everything was done that was asked for.
  expect(status).toBe(1);
  expect(out).toMatch(/^name +total +todo/);
  expect(out).toContain(`job ${id} is cancelled`);
  expect(out).toContain(`job ${id} is to run again`);
  expect(out).toContain('"nothing=1" is no filter');
  expect(out).toContain('there is no command "dance"');
  expect(await place.app.jobManager.getJobStatus(id)).toBe("todo");
});

test("what the shell can't do is a failure", async () => {
  const id = 2 ** 50;
  expect(await run([...APP, "shell", "cancel", String(id)])).toMatchObject({
    status: 1,
    out: expect.stringContaining("can't"),
  });
  expect(await run([...APP, "shell"], {}, `retry ${id}\n`)).toMatchObject({ status: 1 });
  expect(await run([...APP, "shell"], {}, "jobs\nexit\n")).toMatchObject({ status: 0 });
});

test("a worker keeps to what the app says, and the app hears what happens", async () => {
  const id = await place.app.configureTask("circle").configure({ queue: "round" }).defer();
  const own = [...APP.slice(0, 1), `${APP[1]}#withDefaults`];
  // Its defaults end it, and have it ask instead of listening.
  const { status, out, err } = await run([...own, "--json", "worker", "-q", "round"]);
  expect(status).toBe(0);
  const kinds = out.split("\n").filter((line) => line !== "");
  const events = kinds.map((line) => JSON.parse(line) as { kind: string; result?: unknown });
  expect(events.map(({ kind }) => kind)).not.toContain("worker:listening");
  const [succeeded] = events.filter(({ kind }) => kind === "job:succeeded");
  expect(succeeded).toMatchObject({ job: { id }, result: expect.stringContaining("Circular") });
  expect(err).toContain("app heard job:succeeded");
});

test("variables that are empty or say no are as if they weren't there", async () => {
  const environment = {
    MAHOUT_APP: APP[1],
    MAHOUT_JSON: "false",
    MAHOUT_CONNINFO: "",
    MAHOUT_WORKER_CONCURRENCY: "",
    MAHOUT_WORKER_NO_LISTEN_NOTIFY: "0",
    MAHOUT_WORKER_ONE_SHOT: "1",
  };
  const { status, out } = await run(["worker", "-q", "nobody's"], environment);
  expect(status).toBe(0);
  expect(out).toMatch(/ worker \d+ has started/);
});

test("listening can be stopped while the server says nothing", async () => {
  const silent = createServer(() => {});
  silent.listen(0, "127.0.0.1");
  await once(silent, "listening");
  const { port } = silent.address() as AddressInfo;
  const accepted = once(silent, "connection");
  const child = start(["--conninfo", `host=127.0.0.1 port=${port}`, "listen", "channel"]);
  await accepted;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  expect((await ended)[0]).toBe(0);
  silent.close();
});

test("the schema is applied, and shown", async () => {
  const schema = `${place.schema}_cli`;
  const there = { TEST_SCHEMA: schema };
  const before = await run([...APP, "schema"], there);
  expect(before).toMatchObject({ status: 1, out: expect.stringContaining("--apply creates it") });
  const unhealthy = await run([...APP, "healthcheck"], there);
  expect(unhealthy).toMatchObject({
    status: 1,
    out: expect.stringContaining("failed  the schema"),
  });
  const applied = await run([...APP, "schema", "--apply"], there);
  expect(applied).toMatchObject({ status: 0, out: expect.stringContaining("version ") });
  const healthy = await run([...APP, "healthcheck"], there);
  expect(healthy.status).toBe(0);
  const read = await run([...APP, "schema", "--read"], there);
  expect(read.out).toContain("CREATE TABLE");
  await administer(`drop schema "${schema}" cascade`);
});

test("without an app a conninfo and a schema will do", async () => {
  const environment = {
    MAHOUT_CONNINFO: makeConninfo(defaultServer().conninfo()),
    MAHOUT_SCHEMA: place.schema,
  };
  const deferred = await run(["--json", "defer", "elsewhere", "--in", "1h"], environment);
  expect(deferred.status).toBe(0);
  const [{ id } = { id: 0 }] = parsed(deferred);
  const [job] = await place.app.jobManager.listJobs({ id: Number(id) });
  expect(Number(job?.scheduledAt)).toBeGreaterThan(Date.now() + 3_000_000);
});

test("notifications are printed as they come", async () => {
  const conninfo = makeConninfo(defaultServer().conninfo());
  const child = start(["--conninfo", conninfo, "--json", "listen", "Cli channel"]);
  let isHeard = false;
  const heard = lineOf(child, (line) => line.includes("hello")).then((line) => {
    isHeard = true;
    return line;
  });
  // It says nothing when it listens, so it is told until it has heard.
  while (!isHeard) {
    await administer(`notify "Cli channel", 'hello'`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  expect(JSON.parse(await heard)).toMatchObject({ channel: "Cli channel", payload: "hello" });
  const ended = once(child, "exit");
  child.kill("SIGINT");
  expect((await ended)[0]).toBe(0);
});

describe("what can't be", () => {
  test("no such database", async () => {
    const conninfo = makeConninfo(defaultServer().conninfo({ dbname: "nowhere" }));
    const { status, err } = await run(["--conninfo", conninfo, "shell", "jobs"]);
    expect(err).toContain('database "nowhere" does not exist');
    expect(status).toBe(1);
  });

  test.each<[string, string[], string]>([
    [
      "no such module",
      ["--app", "./nowhere.js", "healthcheck"],
      "./nowhere.js could not be loaded",
    ],
    ["no app in it", ["--app", `${APP[1]}#notAnApp`, "healthcheck"], "exports no app as notAnApp"],
    ["no number", [...APP, "worker", "-c", "many"], "It must be a whole number"],
    ["no time", [...APP, "worker", "--polling-interval", "soon"], 'a time like "500ms"'],
    ["no JSON", [...APP, "defer", "add", "{a:1}"], "It must be JSON"],
    [
      "a number that would change",
      [...APP, "defer", "add", '{"a":9007199254740993,"b":"12345678901234567890"}'],
      "no number 9007199254740993",
    ],
    ["an unknown task", [...APP, "defer", "gone"], 'there is no task "gone"'],
    ["an id that is none", [...APP, "shell", "retry", "x"], 'a job\'s id is a number, not "x"'],
  ])("%s", async (_, args, text) => {
    const { status, err } = await run(args);
    expect(err).toContain(text);
    expect(status).toBe(1);
  });
});
