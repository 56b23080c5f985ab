// Which moments of schedules are due: seconds, time zones, clocks that change, and what is made up for.

import { describe, expect, test } from "@jest/globals";
import { CronSchedule } from "../../src/queue/cron.ts";
import {
  App,
  InMemoryConnector,
  type PeriodicDefaults,
  type PeriodicOptions,
  QueueConfigurationError,
  TaskAlreadyRegistered,
} from "../../src/queue/index.ts";

const at = (text: string): Date => new Date(text);

function momentsOf(cron: string, timezone: string, from: string, count: number): string[] {
  const schedule = new CronSchedule(cron, timezone);
  const moments: string[] = [];
  let moment: Date | null = at(from);
  while (moments.length < count) {
    moment = schedule.after(moment);
    if (moment === null) break;
    moments.push(moment.toISOString().replace(":00.000Z", "Z").replace(".000Z", "Z"));
  }
  return moments;
}

describe("a schedule", () => {
  test.each<[string, string, string, string, string[]]>([
    [
      "of minutes",
      "*/20 * * * *",
      "UTC",
      "2026-01-01T00:00:00Z",
      ["2026-01-01T00:20Z", "2026-01-01T00:40Z", "2026-01-01T01:00Z"],
    ],
    [
      "of seconds",
      "*/15 * * * * *",
      "UTC",
      "2026-01-01T00:00:10.500Z",
      ["2026-01-01T00:00:15Z", "2026-01-01T00:00:30Z", "2026-01-01T00:00:45Z"],
    ],
    [
      "of weekdays by name",
      "0 9 * * MON-FRI",
      "UTC",
      "2026-01-02T09:00:00Z",
      ["2026-01-05T09:00Z", "2026-01-06T09:00Z"],
    ],
    [
      "of the last day of the month",
      "0 0 L * *",
      "UTC",
      "2026-02-01T00:00:00Z",
      ["2026-02-28T00:00Z", "2026-03-31T00:00Z"],
    ],
    [
      "in another zone",
      "0 9 * * *",
      "Asia/Tokyo",
      "2026-01-01T12:00:00Z",
      ["2026-01-02T00:00Z", "2026-01-03T00:00Z"],
    ],
    [
      "in a zone of half an hour",
      "0 9 * * *",
      "Asia/Kolkata",
      "2026-01-01T12:00:00Z",
      ["2026-01-02T03:30Z"],
    ],
    [
      "of a time that clocks skip, which comes as much later",
      "30 2 * * *",
      "Europe/Berlin",
      "2026-03-28T12:00:00Z",
      ["2026-03-29T01:00Z", "2026-03-30T00:30Z"],
    ],
    [
      "of a time that comes twice, which is done once",
      "30 2 * * *",
      "Europe/Berlin",
      "2026-10-24T12:00:00Z",
      ["2026-10-25T00:30Z", "2026-10-26T01:30Z"],
    ],
    [
      "of every half an hour, which goes on while clocks go back",
      "*/30 * * * *",
      "Europe/Berlin",
      "2026-10-24T23:59:00Z",
      ["2026-10-25T00:00Z", "2026-10-25T00:30Z", "2026-10-25T01:00Z", "2026-10-25T01:30Z"],
    ],
    [
      "of every hour, which goes on while clocks go forward",
      "0 * * * *",
      "America/New_York",
      "2026-03-08T05:30:00Z",
      ["2026-03-08T06:00Z", "2026-03-08T07:00Z", "2026-03-08T08:00Z"],
    ],
  ])("%s", (_, cron, timezone, from, expected) => {
    expect(momentsOf(cron, timezone, from, expected.length)).toEqual(expected);
  });

  test("knows the last moment up to another", () => {
    const schedule = new CronSchedule("*/5 * * * *", "UTC");
    const five = at("2026-01-01T00:05:00Z");
    expect(schedule.upTo(five)).toEqual(five);
    expect(schedule.upTo(at("2026-01-01T00:05:00.001Z"))).toEqual(five);
    expect(schedule.upTo(at("2026-01-01T00:09:59.999Z"))).toEqual(five);
    expect(schedule.upTo(at("2026-01-01T00:04:59.999Z"))).toEqual(at("2026-01-01T00:00:00Z"));
  });

  test.each([
    ["no fields", ""],
    ["too few", "* * * *"],
    ["too many", "* * * * * * *"],
    ["minute 61", "61 * * * *"],
    ["a date", "2026-01-01T00:00:00"],
    ["words", "every day"],
    ["a day that never comes", "0 0 30 2 *"],
  ])("can't be %s", (_, cron) => {
    expect(() => new CronSchedule(cron, "UTC")).toThrow(QueueConfigurationError);
    expect(() => new CronSchedule(cron, "UTC")).toThrow(JSON.stringify(cron));
  });

  test("can't be in a zone that isn't", () => {
    expect(() => new CronSchedule("* * * * *", "Mars/Olympus")).toThrow("Mars/Olympus");
  });
});

function appWith(options: PeriodicOptions): App {
  const app = new App({ connector: new InMemoryConnector() });
  const task = app.task(
    { name: "tick", queue: "clock", priority: 2 },
    ({ timestamp }: { timestamp: number; more?: string }) => timestamp,
  );
  app.periodic(options, task);
  return app;
}

function dueOf(
  options: PeriodicOptions,
  since: string | null,
  now: string,
  defaults: PeriodicDefaults = {},
): string[] {
  const clock = appWith(options).periodicRegistry.clock(defaults);
  return clock
    .due(since === null ? null : at(since).getTime(), at(now).getTime())
    .map(({ timestamp }) => new Date(timestamp * 1000).toISOString().slice(11, 19));
}

describe("what is due", () => {
  const cron = "*/5 * * * *";

  test.each<[string, PeriodicOptions, string | null, string, string[]]>([
    ["nothing yet", { cron }, "2026-01-01T00:00:00Z", "2026-01-01T00:04:59.999Z", []],
    ["one", { cron }, "2026-01-01T00:00:00Z", "2026-01-01T00:05:00Z", ["00:05:00"]],
    ["one, not twice", { cron }, "2026-01-01T00:05:00Z", "2026-01-01T00:05:00.010Z", []],
    ["several", { cron }, "2026-01-01T00:00:00Z", "2026-01-01T00:11:00Z", ["00:05:00", "00:10:00"]],
    [
      "no more than it catches up with",
      { cron },
      "2026-01-01T00:00:00Z",
      "2026-01-01T02:00:00Z",
      ["01:50:00", "01:55:00", "02:00:00"],
    ],
    ["the last, at the start", { cron }, null, "2026-01-01T00:09:00Z", ["00:05:00"]],
    ["not a last that is too old", { cron: "0 0 * * *" }, null, "2026-01-01T00:10:01Z", []],
    ["one that just isn't", { cron: "0 0 * * *" }, null, "2026-01-01T00:10:00Z", ["00:00:00"]],
    [
      "with more patience",
      { cron: "0 0 * * *", catchUp: 7_200_000 },
      null,
      "2026-01-01T01:00:00Z",
      ["00:00:00"],
    ],
    ["with none", { cron, catchUp: 0 }, null, "2026-01-01T00:06:00Z", []],
    ["with none, in time", { cron, catchUp: 0 }, null, "2026-01-01T00:05:00Z", ["00:05:00"]],
    [
      "all, when that is wanted",
      { cron, missed: "all" },
      null,
      "2026-01-01T00:11:00Z",
      ["00:05:00", "00:10:00"],
    ],
    [
      "nothing when clocks are set back",
      { cron },
      "2026-01-01T01:00:00Z",
      "2026-01-01T00:30:00Z",
      [],
    ],
  ])("%s", (_, options, since, now, expected) => {
    expect(dueOf(options, since, now)).toEqual(expected);
  });

  test("is as the app says where the schedule doesn't", () => {
    const now = "2026-01-01T09:00:00Z";
    expect(dueOf({ cron: "0 18 * * *" }, null, now)).toEqual([]);
    const defaults = { timezone: "Asia/Tokyo" };
    expect(dueOf({ cron: "0 18 * * *" }, null, now, defaults)).toEqual(["09:00:00"]);
    expect(dueOf({ cron: "0 18 * * *", timezone: "UTC" }, null, now, defaults)).toEqual([]);
    expect(dueOf({ cron: "0 8 * * *" }, null, now, { catchUp: 3_600_000 })).toEqual(["08:00:00"]);
  });

  test("comes with the job to be stored", () => {
    const app = appWith({
      cron: "* * * * *",
      periodicId: "a",
      queue: "other",
      queueingLock: "one",
      payload: { more: "text" },
    });
    const now = at("2026-01-01T00:00:00Z").getTime();
    expect(app.periodicRegistry.clock().due(null, now)).toEqual([
      {
        periodicId: "a",
        catchUp: 600_000,
        timestamp: now / 1000,
        job: {
          taskName: "tick",
          queue: "other",
          priority: 2,
          lock: null,
          queueingLock: "one",
          payload: { more: "text", timestamp: now / 1000 },
          scheduledAt: null,
          scheduledIn: null,
        },
      },
    ]);
  });

  test("has a next moment", () => {
    const app = appWith({ cron: "0 * * * *" });
    app.periodic(
      { cron: "30 0 * * *" },
      app.task({ name: "other" }, ({ timestamp }: { timestamp: number }) => timestamp),
    );
    const clock = app.periodicRegistry.clock();
    const next = (text: string): number | null => clock.nextAfter(at(text).getTime());
    expect(next("2026-01-01T00:00:00Z")).toBe(at("2026-01-01T00:30:00Z").getTime());
    expect(next("2026-01-01T00:30:00Z")).toBe(at("2026-01-01T01:00:00Z").getTime());
    const empty = new App({ connector: new InMemoryConnector() }).periodicRegistry.clock();
    expect(empty.nextAfter(Date.now())).toBeNull();
    expect(empty.due(null, Date.now())).toEqual([]);
  });
});

test("a task can have several schedules, if they have different names", () => {
  const app = appWith({ cron: "* * * * *" });
  const [{ task } = { task: null }] = app.periodicRegistry.periodicTasks;
  const again = (periodicId?: string): unknown =>
    app.periodic({ cron: "0 0 * * *", periodicId }, task as never);
  expect(() => again()).toThrow(TaskAlreadyRegistered);
  expect(again("nightly")).toBe(task);
  expect(app.periodicRegistry.periodicTasks).toHaveLength(2);
});

test.each<[string, PeriodicOptions]>([
  ["a catchUp before now", { cron: "* * * * *", catchUp: -1 }],
  ["an unknown way to catch up", { cron: "* * * * *", missed: "some" as never }],
  ["a bad expression", { cron: "x" }],
  ["a bad zone", { cron: "* * * * *", timezone: "x" }],
  ["a bad queue", { cron: "* * * * *", queue: "" }],
])("%s is refused where it is said", (_, options) => {
  expect(() => appWith(options)).toThrow(QueueConfigurationError);
});
