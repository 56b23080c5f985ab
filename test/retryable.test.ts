// Which errors are worth a retry.

import { describe, expect, test } from "@jest/globals";
import { isRetryable } from "../src/retryable.ts";
import { errors } from "../src/sqlstate.ts";

describe("isRetryable", () => {
  test.each([
    ["SerializationFailure", true, new errors.SerializationFailure("x")],
    ["DeadlockDetected", true, new errors.DeadlockDetected("x")],
    ["CannotConnectNow", true, new errors.CannotConnectNow("x")],
    ["TooManyConnections", true, new errors.TooManyConnections("x")],
    ["ConnectionTimeout", true, new errors.ConnectionTimeout("x")],
    [
      "ConnectionTimeout of its own code",
      true,
      new errors.ConnectionTimeout("x", { code: "MINE" }),
    ],
    [
      "OperationalError of its own code",
      true,
      new errors.OperationalError("x", { code: "ERR_MAHOUT_CONNECT" }),
    ],
    ["LockNotAvailable", false, new errors.LockNotAvailable("x")],
    ["AdminShutdown", false, new errors.AdminShutdown("x")],
    ["ConnectionFailure", false, new errors.ConnectionFailure("x")],
    ["StatementCompletionUnknown", false, new errors.StatementCompletionUnknown("x")],
    ["OperationalError", false, new errors.OperationalError("x")],
    [
      "UniqueViolation with a cause",
      false,
      new errors.UniqueViolation("x", { cause: new errors.DeadlockDetected("x") }),
    ],
    [
      "UniqueViolation of its own code",
      false,
      new errors.UniqueViolation("x", { code: "ERR_MAHOUT_CONNECT" }),
    ],
    ["an error of somebody else", false, Object.assign(new Error("x"), { sqlstate: "40001" })],
    ["nothing", false, undefined],
  ])("%s: %p", (_, expected, error: unknown) => {
    expect(isRetryable(error)).toBe(expected);
  });
});
