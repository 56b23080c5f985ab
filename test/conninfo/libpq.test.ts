// Every recorded answer of libpq, compared with ours: same keywords, same values, same servers,
// same passwords, and an error where libpq has one.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";

import { conninfoToDict } from "../../src/conninfo/dict.ts";
import { keywords } from "../../src/conninfo/keywords.ts";
import type { ConnectionParameters } from "../../src/conninfo/parameters.ts";
import { resolveConninfo } from "../../src/conninfo/resolve.ts";
import { MahoutError } from "../../src/errors.ts";
import type { ConnectCase } from "./recording.ts";
import { recording, writeFiles } from "./recording.ts";

/** Where we refuse on purpose what libpq lets pass, and why; each follows a host and a port. */
const stricter: ReadonlyMap<string, string> = new Map([
  ["sslmode=verify-ca", "libpq misses the root certificate only after it has connected"],
  ["sslmode=verify-full", "the same"],
  ["sslnegotiation=direct sslmode=verify-ca", "the same"],
  ["sslsni=x", "libpq takes everything but 1 for 0"],
  ["hostaddr=127.1 port=1", "Node.js would resolve it as a name"],
  [
    "scram_client_key=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    "the server could not be checked",
  ],
]);

function partOf(input: string): string {
  return input.replace("host=127.0.0.1 port=1 ", "");
}

/** Rows for test.each whose names stay on one line. */
function named<T>(cases: readonly T[], parts: (one: T) => unknown[]): [string, T][] {
  const nameOf = (part: unknown): string => (part === undefined ? "" : JSON.stringify(part));
  return cases.map((one) => [parts(one).map(nameOf).join(" ").trim(), one]);
}

function errorOf(attempt: () => unknown): unknown {
  try {
    attempt();
    return null;
  } catch (error) {
    return error;
  }
}

test("the recording is one of libpq 18", () => {
  expect(recording.libpq).toMatch(/^18\./);
  expect(recording.parse.length).toBeGreaterThan(250);
  expect(recording.connect.length).toBeGreaterThan(250);
});

test("the table of keywords is libpq's", () => {
  const ours = keywords.map(({ keyword, environment, fallback }) => ({
    keyword,
    environment,
    compiled: fallback,
  }));
  expect(ours).toEqual(recording.keywords);
});

describe("strings", () => {
  test.each(named(recording.parse, ({ input }) => [input]))("%s", (_, { input, options }) => {
    if (options === undefined) {
      const error = errorOf(() => conninfoToDict(input));
      expect(error).toMatchObject({ name: "ProgrammingError", code: "ERR_MAHOUT_CONNINFO" });
    } else {
      expect(conninfoToDict(input)).toEqual(options);
    }
  });
});

describe("strings, environments and files", () => {
  let directory: string;
  const warn = jest.spyOn(process, "emitWarning");

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "mahout-conninfo-"));
    warn.mockReset().mockReturnValue();
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  function place(text: string): string {
    return text.replaceAll("{dir}", directory);
  }

  function resolve(recorded: ConnectCase): ConnectionParameters {
    const given = Object.entries(recorded.environment ?? {});
    return resolveConninfo(place(recorded.input), undefined, {
      HOME: directory,
      ...Object.fromEntries(given.map(([name, value]) => [name, place(value)])),
    });
  }

  test.each(
    named(recording.connect, ({ input, environment, files, mode }) => [
      input,
      environment,
      files,
      mode,
    ]),
  )("%s", (_, recorded) => {
    writeFiles(directory, recorded.files ?? {}, Number.parseInt(recorded.mode ?? "600", 8));
    if (recorded.attempts === undefined || stricter.has(partOf(recorded.input))) {
      const error = errorOf(() => resolve(recorded));
      expect(error).toBeInstanceOf(MahoutError);
      expect(error).toMatchObject({ code: "ERR_MAHOUT_CONNINFO" });
      return;
    }
    const ours = resolve(recorded);
    const attempts = ours.attempts.map(({ host, hostaddr, port, socketPath }) =>
      socketPath === null ? { host: hostaddr ?? host, port } : { socket: socketPath },
    );
    // Where no host is given, libpq has a socket directory compiled in and we look around.
    const isDefault = recorded.options?.["host"] === undefined && !recorded.options?.["hostaddr"];
    if (!isDefault) expect(attempts).toEqual(recorded.attempts);
    expect(ours.attempts.at(-1)?.password ?? "").toBe(recorded.password);
    expect(warn.mock.calls.length).toBe(recorded.warning === undefined ? 0 : 1);

    const { username } = userInfo();
    const text = (keyword: string): string | null =>
      recorded.options?.[keyword]?.replace("{user}", username) || null;
    expect(ours).toMatchObject({
      user: text("user"),
      dbname: text("dbname"),
      options: text("options"),
      applicationName: text("application_name"),
      fallbackApplicationName: text("fallback_application_name"),
      replication: text("replication"),
      sslmode: text("sslmode") ?? "prefer",
      sslnegotiation: text("sslnegotiation") ?? "postgres",
      sslrootcert: text("sslrootcert"),
      channelBinding: text("channel_binding") ?? "prefer",
      targetSessionAttrs: text("target_session_attrs") ?? "any",
      loadBalanceHosts: text("load_balance_hosts") ?? "disable",
    });
  });

  test("every exception to libpq's answers is about an answer", () => {
    const accepted = recording.connect.filter(({ attempts }) => attempts !== undefined);
    const parts = new Set(accepted.map(({ input }) => partOf(input)));
    expect([...stricter.keys()].filter((part) => !parts.has(part))).toEqual([]);
  });
});
