// The table of docs/connection-parameters.md against the code: every keyword, its variable and default, and
// that what is said to be refused is refused, and nothing else.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "@jest/globals";
import type { ConninfoObject } from "../../src/conninfo/dict.ts";
import { keywords } from "../../src/conninfo/keywords.ts";
import { resolveConninfo } from "../../src/conninfo/resolve.ts";
import { NotSupportedError } from "../../src/errors.ts";
import { writeFiles } from "./recording.ts";

const page = readFileSync(join(__dirname, "../../docs/connection-parameters.md"), "utf8");
const rows = page
  .split("\n")
  .filter((line) => line.startsWith("| `"))
  .map((line) => line.split("|").map((cell) => cell.trim().replaceAll("`", "")))
  .map(([, keyword = "", environment = "", fallback = "", here = "", notes = ""]) => {
    return { keyword, environment, fallback, here, notes };
  });

const home = mkdtempSync(join(tmpdir(), "mahout-documented-"));
writeFiles(home, { ".pg_service.conf": "[documented]\noptions=-cx=y\n", passwords: "*:*:*:*:p\n" });
afterAll(() => rmSync(home, { recursive: true }));

const key = Buffer.alloc(32).toString("base64");
/** For each keyword a value that libpq takes and that is not the default, and what has to be said with it. */
const samples: Readonly<Record<string, string | ConninfoObject>> = {
  client_encoding: "LATIN1",
  gssencmode: "require",
  requirepeer: "postgres",
  service: "documented",
  passfile: join(home, "passwords"),
  port: "5433",
  scram_client_key: { scram_client_key: key, scram_server_key: key },
  scram_server_key: { scram_client_key: key, scram_server_key: key },
  sslcert: "/dev/null",
  sslcertmode: "require",
  sslnegotiation: { sslnegotiation: "direct", sslmode: "require" },
  sslrootcert: { sslrootcert: "system", sslmode: "verify-full" },
  sslmode: "require",
  channel_binding: "require",
  require_auth: "scram-sha-256",
  min_protocol_version: "3.2",
  max_protocol_version: "3.2",
  ssl_min_protocol_version: "TLSv1.3",
  ssl_max_protocol_version: "TLSv1.2",
  target_session_attrs: "standby",
  load_balance_hosts: "random",
  hostaddr: "127.0.0.2",
  replication: "database",
};
/** What is said where nothing else is; keywords without effect are read for their errors. */
const ofKind: Readonly<Record<string, string>> = { integer: "7", switch: "0", text: "text" };

test("lists libpq's keywords, in its order, with their variables", () => {
  expect(rows.map(({ keyword, environment }) => [keyword, environment || null])).toEqual(
    keywords.map(({ keyword, environment }) => [keyword, environment]),
  );
});

test("names the defaults", () => {
  for (const [index, { keyword, fallback }] of keywords.entries()) {
    if (fallback) expect([keyword, rows[index]?.fallback]).toEqual([keyword, fallback]);
  }
});

test("says why, where something is not as in libpq", () => {
  for (const { keyword, here, notes } of rows) {
    expect([keyword, here]).toEqual([
      keyword,
      expect.stringMatching(/^(supported|no effect|refused)$/),
    ]);
    if (here !== "supported")
      expect([keyword, notes]).toEqual([keyword, expect.stringMatching(/\w+ \w+/)]);
  }
});

describe("each keyword", () => {
  const environment = { HOME: home };
  const resolved = (said: ConninfoObject, host = "/tmp"): string => {
    const result = resolveConninfo({ host, user: "u", dbname: "d", ...said }, null, environment);
    const shown = { ...result, attempts: result.attempts.map((one) => ({ ...one })) };
    return JSON.stringify({ ...shown, scramKeys: result.scramKeys, oauth: { ...result.oauth } });
  };

  test.each(rows)("$keyword: $here", ({ keyword, here }) => {
    const definition = keywords.find((one) => one.keyword === keyword);
    const sample = samples[keyword] ?? ofKind[definition?.kind ?? ""] ?? "text";
    const said = typeof sample === "string" ? { [keyword]: sample } : sample;
    if (here === "refused") {
      expect(() => resolved(said)).toThrow(NotSupportedError);
      return;
    }
    // A keyword that has an effect changes what is done; one that has none doesn't.
    const { [keyword as keyof ConninfoObject]: _, ...others } = said;
    const host = keyword === "hostaddr" ? "h" : "/tmp";
    const without = keyword.startsWith("scram_") ? {} : others;
    if (here === "no effect") expect(resolved(said, host)).toBe(resolved(without, host));
    else expect(resolved(said, host)).not.toBe(resolved(without, host));
  });
});
