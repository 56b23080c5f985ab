// What programs don't say when they connect: the environment, the service file and the password
// file say it, end to end.

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { errors, OperationalError } from "../../src/index.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { askOnce } from "../support/sessions.ts";
import { failureOf, shells, warningsOf } from "../support/shells.ts";

const WHO = "select current_user || '@' || current_database()";
const PASSWORD = "r:e\\d";

let server: TestServer;
let home: string;
let environment: NodeJS.ProcessEnv;

beforeAll(async () => {
  server = await startServer({ hba: ["host all guarded 127.0.0.1/32 scram-sha-256"] });
  await server.administer(`create role guarded login password '${PASSWORD}'`);
  await server.createDatabase("app");
});

afterAll(async () => {
  await server.stop();
});

beforeEach(() => {
  environment = { ...process.env };
  home = mkdtempSync(join(tmpdir(), "mahout-home-"));
  process.env["HOME"] = home;
});

afterEach(() => {
  for (const name of Object.keys(process.env)) {
    if (environment[name] === undefined) delete process.env[name];
  }
  Object.assign(process.env, environment);
  rmSync(home, { recursive: true });
});

/** Writes a file of the user's that nobody else can read. */
function write(name: string, ...lines: readonly string[]): string {
  const path = join(home, name);
  writeFileSync(path, lines.join("\n"), { mode: 0o600 });
  return path;
}

/** Everything but the password. */
const guarded = (): { host: string; port: number; user: string; dbname: string } => ({
  host: server.host,
  port: server.port,
  user: "guarded",
  dbname: "app",
});

const passwordLine = (): string => `*:${server.port}:*:guarded:r\\:e\\\\d`;

describe.each(shells)("$name: the environment", ({ Connection }) => {
  test("says everything to a connect without arguments", async () => {
    Object.assign(process.env, server.environment({ user: "guarded", dbname: "app" }), {
      PGPASSWORD: PASSWORD,
      PGAPPNAME: "from the environment",
      PGOPTIONS: "-c work_mem=2MB",
      PGTZ: "Asia/Tokyo",
    });
    const conn = await Connection.connect();
    expect(await conn.query(`${WHO} as who`)).toEqual([{ who: "guarded@app" }]);
    expect(await conn.query("show work_mem")).toEqual([{ work_mem: "2MB" }]);
    expect(conn.info.timezone).toBe("Asia/Tokyo");
    expect(conn.info.parameterStatus("application_name")).toBe("from the environment");
    await conn.close();
  });

  test("fills in what the string leaves out, and nothing else", async () => {
    Object.assign(process.env, server.environment({ dbname: "no such database" }));
    expect(await askOnce(Connection.connect("dbname=app"), WHO)).toBe("postgres@app");
    expect(await askOnce(Connection.connect("postgresql:///app"), WHO)).toBe("postgres@app");
    const error = await failureOf(() => Connection.connect());
    expect(error).toBeInstanceOf(errors.InvalidCatalogName);
  });

  test("with a wrong value is named in the error", async () => {
    process.env["PGSSLMODE"] = "maybe";
    const error = await failureOf(() => Connection.connect(guarded()));
    expect(error.message).toContain("PGSSLMODE");
    expect(error.message).toContain('"maybe"');
  });
});

describe.each(shells)("$name: the password file", ({ Connection }) => {
  test.each([
    { where: "at its usual place", use: () => void write(".pgpass", passwordLine()) },
    {
      where: "named by PGPASSFILE",
      use: () => void (process.env["PGPASSFILE"] = write("passwords", passwordLine())),
    },
  ])("$where", async ({ use }) => {
    use();
    expect(await askOnce(Connection.connect(guarded()), WHO)).toBe("guarded@app");
  });

  test("named by the keyword passfile", async () => {
    const passfile = write("passwords", "# nothing", "other:*:*:*:wrong", passwordLine());
    expect(await askOnce(Connection.connect(guarded(), { passfile }), WHO)).toBe("guarded@app");
  });

  test("has a password for each of several hosts", async () => {
    const passfile = write("passwords", "127.0.0.1:1:*:*:wrong", passwordLine());
    const hosts = { host: "127.0.0.1,127.0.0.1", port: `1,${server.port}` };
    const connecting = Connection.connect({ ...guarded(), ...hosts }, { passfile });
    expect(await askOnce(connecting, WHO)).toBe("guarded@app");
  });

  test("is not asked when the program has a password", async () => {
    write(".pgpass", "*:*:*:*:wrong");
    const connecting = Connection.connect(guarded(), { password: PASSWORD });
    expect(await askOnce(connecting, WHO)).toBe("guarded@app");
  });

  test("that others can read is ignored, with a warning", async () => {
    const passfile = write("passwords", passwordLine());
    chmodSync(passfile, 0o644);
    const warnings = await warningsOf(async () => {
      const error = await failureOf(() => Connection.connect(guarded(), { passfile }));
      expect(error.code).toBe("ERR_MAHOUT_NO_PASSWORD");
      expect(error.message).toMatch(/no(?:ne| password) was supplied.*the password file/);
    });
    expect(warnings.map(({ message }) => message).join()).toContain(passfile);
    expect(warnings.map(({ message }) => message).join()).not.toContain("r\\:e");
  });

  test("with a wrong password: the error doesn't show it", async () => {
    const passfile = write("passwords", "*:*:*:*:guessed");
    const error = await failureOf(() => Connection.connect(guarded(), { passfile }));
    expect(error).toBeInstanceOf(errors.InvalidPassword);
    expect(JSON.stringify([error.message, error.stack, error.diag])).not.toContain("guessed");
  });
});

describe.each(shells)("$name: the service file", ({ Connection }) => {
  const section = (): string[] => [
    "[other]",
    "host=no-such-host.invalid",
    "[app]",
    ...Object.entries(guarded()).map(([keyword, value]) => `${keyword}=${value}`),
    `password=${PASSWORD}`,
    "application_name=from the service",
  ];

  test("at its usual place, chosen by keyword", async () => {
    write(".pg_service.conf", ...section());
    expect(await askOnce(Connection.connect("service=app"), WHO)).toBe("guarded@app");
    expect(await askOnce(Connection.connect("postgresql://?service=app"), WHO)).toBe("guarded@app");
  });

  test("named by PGSERVICEFILE, chosen by PGSERVICE", async () => {
    process.env["PGSERVICEFILE"] = write("services", ...section());
    process.env["PGSERVICE"] = "app";
    expect(await askOnce(Connection.connect(), WHO)).toBe("guarded@app");
  });

  test("stands between the string and the environment", async () => {
    write(".pg_service.conf", ...section());
    Object.assign(process.env, { PGAPPNAME: "from the environment", PGDATABASE: "postgres" });
    const name = "show application_name";
    const service = { service: "app" };
    expect(await askOnce(Connection.connect(service), name)).toBe("from the service");
    const string = "service=app application_name='from the string'";
    expect(await askOnce(Connection.connect(string), name)).toBe("from the string");
    const options = { application_name: "from the options" };
    expect(await askOnce(Connection.connect(string, options), name)).toBe("from the options");
  });

  test("without that service: the error names it and where it was looked for", async () => {
    const path = write(".pg_service.conf", ...section());
    const error = await failureOf(() => Connection.connect("service=missing"));
    expect(error).toBeInstanceOf(OperationalError);
    expect(error.message).toContain('"missing"');
    expect(error.message).toContain(path);
  });
});
