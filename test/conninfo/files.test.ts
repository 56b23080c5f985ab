// Certificate files at their usual place, and what goes wrong in service and password files; what
// goes right in those is in libpq-answers.json.

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";

import type { Conninfo } from "../../src/conninfo/dict.ts";
import { resolveConninfo } from "../../src/conninfo/resolve.ts";
import type { Environment } from "../../src/conninfo/settings.ts";
import { NotSupportedError, OperationalError, ProgrammingError } from "../../src/errors.ts";
import { writeFiles } from "./recording.ts";

let home: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), "mahout-conninfo-"));
});
afterAll(() => rmSync(home, { recursive: true }));

function resolve(
  conninfo: Conninfo,
  environment: Environment = {},
): ReturnType<typeof resolveConninfo> {
  return resolveConninfo(conninfo, undefined, { HOME: home, ...environment });
}

function failure(conninfo: string, environment: Environment): Error {
  try {
    resolve(conninfo, environment);
  } catch (error) {
    return error as Error;
  }
  throw new Error("nothing was thrown");
}

describe("service files", () => {
  const line = (text: string): string => `[s]\nhost=h\n${text}\n`;
  test.each<[string, string, unknown]>([
    [
      line("hots=x"),
      'unknown keyword "hots" in line 3 of the service file "{file}"; did you mean host?',
      ProgrammingError,
    ],
    [
      line("secret"),
      'line 3 of the service file "{file}" is not a comment, a [section] or keyword=value',
      ProgrammingError,
    ],
    [
      line("port = 1"),
      'line 3 of the service file "{file}" has a space before "="',
      ProgrammingError,
    ],
    [
      line("service=t"),
      'line 3 of the service file "{file}" names another service',
      ProgrammingError,
    ],
    [
      line("ldap://x"),
      'line 3 of the service file "{file}" asks an LDAP server',
      NotSupportedError,
    ],
    [
      line("sslmode=x"),
      'sslmode "x", from service "s" (line 3 of the service file "{file}"), is not valid',
      ProgrammingError,
    ],
    ["[t]\n", 'the service "s" is not defined: looked in {file}', OperationalError],
  ])("%j", (text, message, kind) => {
    const file = join(home, "errors.conf");
    writeFiles(home, { "errors.conf": text });
    const error = failure("service=s", { PGSERVICEFILE: file, PGSYSCONFDIR: home });
    expect(error.message).toContain(message.replace("{file}", file));
    expect(error).toBeInstanceOf(kind);
    expect(error.message).not.toContain("secret");
  });

  test("that are missing are named", () => {
    const error = failure("service=s", { PGSERVICEFILE: "/missing.conf" });
    expect(error).toBeInstanceOf(OperationalError);
    expect(error).toMatchObject({ code: "ERR_MAHOUT_CONNINFO", cause: { code: "ENOENT" } });
    expect(error.message).toBe('the service file "/missing.conf" cannot be read');
    const nowhere = failure("service=s", { PGSYSCONFDIR: "/missing" });
    expect(nowhere.message).toBe('the service "s" is not defined: there is no service file');
  });
});

(process.platform === "win32" ? test.skip : test)("pipes and directories are not read", () => {
  const pipe = join(home, "pipe");
  execFileSync("mkfifo", [pipe]);
  for (const path of [pipe, home]) {
    const error = failure("service=s", { PGSERVICEFILE: path });
    expect(error).toBeInstanceOf(OperationalError);
    expect(error.message).toBe(`the service file ${JSON.stringify(path)} is not a plain file`);
  }
  // It is how one says that there is none.
  const none = failure("service=s", { PGSERVICEFILE: "/dev/null", PGSYSCONFDIR: home });
  expect(none.message).toBe('the service "s" is not defined: looked in /dev/null');
  const warn = jest.spyOn(process, "emitWarning").mockReturnValue();
  const { attempts } = resolve({ host: "h", passfile: pipe });
  expect(attempts[0]?.password).toBeNull();
  expect(warn.mock.calls[0]?.[0]).toBe(
    `the password file ${pipe} is ignored: it is not a plain file`,
  );
  warn.mockRestore();
});

test("a password file that others can read is ignored, with one warning", () => {
  const warn = jest.spyOn(process, "emitWarning").mockReturnValue();
  const path = join(home, "open.pass");
  writeFiles(home, { "open.pass": "*:*:*:*:secret\n" }, 0o644);
  for (let round = 0; round < 2; round++) {
    const { attempts } = resolveConninfo({ host: "h", passfile: path }, undefined, { HOME: home });
    expect(attempts[0]?.password).toBeNull();
  }
  expect(warn.mock.calls).toEqual([
    [
      `the password file ${path} is ignored: its group or others have access to it; ` +
        `its permissions should be u=rw (0600) or less`,
      { type: "MahoutWarning", code: "MAHOUT_PASSFILE" },
    ],
  ]);
  warn.mockRestore();
});

describe("certificate files at their usual place", () => {
  let withFiles: string;
  beforeAll(() => {
    withFiles = join(home, "with-files");
    const names = ["root.crt", "root.crl", "postgresql.crt", "postgresql.key"];
    writeFiles(withFiles, Object.fromEntries(names.map((name) => [`.postgresql/${name}`, "x"])));
  });

  test("are used when nothing else is named", () => {
    expect(resolve("host=h sslmode=verify-full", { HOME: withFiles })).toMatchObject({
      sslrootcert: join(withFiles, ".postgresql/root.crt"),
      sslcrl: join(withFiles, ".postgresql/root.crl"),
      sslcert: join(withFiles, ".postgresql/postgresql.crt"),
      sslkey: join(withFiles, ".postgresql/postgresql.key"),
    });
  });

  test("give way to what is named", () => {
    const rootCertificate = join(withFiles, ".postgresql/postgresql.crt");
    expect(
      resolve({ host: "h", sslrootcert: rootCertificate, sslcrldir: "/d" }, { HOME: withFiles }),
    ).toMatchObject({ sslrootcert: rootCertificate, sslcrl: null, sslcrldir: "/d" });
  });

  test.each(["allow", "prefer"])(
    "sslmode=%s does without a named root that is missing",
    (sslmode) => {
      expect(resolve({ host: "h", sslmode, sslrootcert: "/missing" }).sslrootcert).toBeNull();
    },
  );

  test("are not needed for local sockets", () => {
    expect(resolve("host=/d sslmode=verify-full").sslmode).toBe("verify-full");
  });
});
