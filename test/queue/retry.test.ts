// When jobs that fail are tried again.

import { describe, expect, test } from "@jest/globals";
import {
  App,
  type ClaimedJob,
  InMemoryConnector,
  InvalidTimestamp,
  QueueConfigurationError,
  type RetryDecision,
  type RetryOption,
  RetryStrategy,
} from "../../src/queue/index.ts";
import { readRetryDecision } from "../../src/queue/retry.ts";

class Odd extends Error {}

const jobOf = (attempts: number): ClaimedJob => ({ attempts }) as ClaimedJob;

/** The waits of the attempts, until it gives up. */
function waitsOf(retry: RetryOption, most = 4): (number | null | undefined)[] {
  const app = new App({ connector: new InMemoryConnector() });
  const policy = app.task({ name: "x", retry }, () => 0).retry;
  return Array.from({ length: most }, (_, attempts) => {
    const decision = policy?.getRetryDecision({ error: new Error("x"), job: jobOf(attempts) });
    return decision?.retryIn ?? null;
  });
}

describe("a task's retry", () => {
  test.each<[string, RetryOption, (number | null)[]]>([
    ["false", false, [null, null, null, null]],
    ["nothing times", 0, [null, null, null, null]],
    ["true", true, [0, 0, 0, 0]],
    ["a number of times", 2, [0, 0, null, null]],
    ["a wait", new RetryStrategy({ wait: 500 }), [500, 500, 500, 500]],
    ["a growing wait", new RetryStrategy({ linearWait: 100 }), [0, 100, 200, 300]],
    [
      "a wait that multiplies",
      new RetryStrategy({ exponentialWait: 5000, maxAttempts: 3 }),
      [5000, 25_000, 125_000, null],
    ],
    [
      "all of them",
      new RetryStrategy({ wait: 1, linearWait: 10, exponentialWait: 2000 }),
      [2001, 4011, 8021, 16_031],
    ],
    ["one's own", { getRetryDecision: ({ job }) => ({ retryIn: job.attempts }) }, [0, 1, 2, 3]],
  ])("%s", (_, retry, waits) => {
    expect(waitsOf(retry)).toEqual(waits);
  });

  test("can look at the error", () => {
    const strategy = new RetryStrategy({ retryExceptions: [Odd, TypeError] });
    const decide = (error: unknown): RetryDecision | null =>
      strategy.getRetryDecision({ error, job: jobOf(0) });
    expect(decide(new Odd())).not.toBeNull();
    expect(decide(new TypeError())).not.toBeNull();
    expect(decide(new Error())).toBeNull();
    expect(decide("a string")).toBeNull();
  });

  test("never waits for longer than time lasts", () => {
    const strategy = new RetryStrategy({ exponentialWait: 10_000 });
    const wait = strategy.getRetryDecision({ error: 0, job: jobOf(1000) })?.retryIn;
    expect(wait).toBe(315_360_000_000);
  });
});

describe("a decision", () => {
  test("is at once by default, and never before now", () => {
    expect(readRetryDecision({})).toMatchObject({ delay: 0 });
    expect(readRetryDecision({ retryIn: -5 })).toMatchObject({ delay: 0 });
    expect(readRetryDecision({ retryAt: new Date(0) })).toMatchObject({ delay: 0 });
    const { delay } = readRetryDecision({ retryAt: new Date(Date.now() + 10_000) });
    expect(delay).toBeGreaterThan(9000);
    expect(delay).toBeLessThanOrEqual(10_000);
  });

  test("can change the job", () => {
    const changes = { priority: 3, queue: "slow", lock: null };
    expect(readRetryDecision({ retryIn: 7, ...changes })).toEqual({ delay: 7, ...changes });
  });

  test("has to make sense", () => {
    const both = { retryIn: 1, retryAt: new Date() };
    expect(() => readRetryDecision(both)).toThrow(QueueConfigurationError);
    expect(() => readRetryDecision({ retryIn: NaN })).toThrow(QueueConfigurationError);
    expect(() => readRetryDecision({ retryAt: "2030-01-01T00:00" })).toThrow(InvalidTimestamp);
  });
});
