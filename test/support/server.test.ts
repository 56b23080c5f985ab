// The harness itself: what other tests take for granted about their servers.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, jest, test } from "@jest/globals";
import { isAlive } from "../../scripts/lock.js";
import { serverDirectory } from "./account.ts";
import { installedMajors } from "./binaries.ts";
import { defaultServer } from "./default-server.ts";
import { defaultMajor, startServer, type TestServer } from "./server.ts";
import { postmasterPid, sweepAbandonedServers } from "./supervisor.ts";

const loader = resolve(__dirname, "../../scripts/load-typescript.js");

async function until(fact: () => boolean): Promise<void> {
  const deadline = Date.now() + 15_000;
  while (!fact()) {
    if (Date.now() > deadline) throw new Error(`never came true: ${String(fact)}`);
    await sleep(10);
  }
}

/** Another process that starts a server and then idles. */
async function startElsewhere(): Promise<{ directory: string; owner: number; pid: number }> {
  const program = `
    require(${JSON.stringify(loader)});
    const { startServer } = require(${JSON.stringify(join(__dirname, "server.ts"))});
    startServer().then((server) => {
      console.log(JSON.stringify([server.directory, server.pid]));
      setInterval(() => {}, 1000);
    });`;
  const child = spawn(process.execPath, ["-e", program], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  const [directory, pid] = JSON.parse(line.toString()) as [string, number];
  return { directory, owner: child.pid ?? 0, pid };
}

// While a server is down, another test's connection may be given its port by the system.
jest.retryTimes(2);

describe("the shared server", () => {
  test("answers, and is of the wanted major", async () => {
    const [row] = await defaultServer().administer("show server_version_num");
    expect(Math.floor(Number(row?.[0]) / 10_000)).toBe(defaultMajor);
  });

  test("lets tests have databases of their own", async () => {
    const server = defaultServer();
    const name = await server.createDatabase();
    expect(await server.administer("select current_database()", name)).toEqual([[name]]);
    await server.dropDatabase(name);
    await expect(server.administer("select 1", name)).rejects.toThrow("does not exist");
  });

  test("makes URIs with everything escaped", () => {
    const server = defaultServer();
    const uri = new URL(server.dsn({ user: "a b", password: "p@:/", application_name: "x&y" }));
    expect(decodeURIComponent(uri.username)).toBe("a b");
    expect(decodeURIComponent(uri.password)).toBe("p@:/");
    expect(uri.searchParams.get("application_name")).toBe("x&y");
    expect(uri.port).toBe(String(server.port));
  });
});

describe.each(installedMajors().map((major) => ({ major })))("PostgreSQL $major", ({ major }) => {
  test("starts with settings, restarts with others, and leaves nothing behind", async () => {
    let directory: string;
    let pid: number;
    {
      await using server: TestServer = await startServer({ major, settings: { work_mem: "3MB" } });
      ({ directory } = server);
      expect(await server.administer("show work_mem; show wal_level")).toEqual([
        ["3MB"],
        ["logical"],
      ]);
      await server.administer("create table kept (n int); insert into kept values (7)");
      const { pid: former, port } = server;
      await server.restart({ settings: { work_mem: "5MB" } });
      expect(isAlive(former)).toBe(false);
      expect(server.port).toBe(port);
      expect(await server.administer("show work_mem; select n from kept")).toEqual([
        ["5MB"],
        ["7"],
      ]);
      ({ pid } = server);
    }
    expect(isAlive(pid)).toBe(false);
    expect(existsSync(directory)).toBe(false);
  });
});

describe("a server of a test's own", () => {
  test("speaks TLS with files that only their owner can read", async () => {
    await using server = await startServer({ tls: "server-sha384" });
    expect(await server.administer("show ssl")).toEqual([["on"]]);
    expect(statSync(server.tls?.key ?? "").mode & 0o777).toBe(0o600);
    expect(readFileSync(server.tls?.serverCert ?? "")).toEqual(
      readFileSync(join(__dirname, "certificates/server-sha384.crt")),
    );
  });

  test("can listen on its socket only", async () => {
    await using server = await startServer({ unixSocketOnly: true });
    expect(server.conninfo()["host"]).toBe(server.socketDirectory);
    const socket = join(server.socketDirectory, `.s.PGSQL.${server.port}`);
    expect(Buffer.byteLength(socket)).toBeLessThan(104);
    expect(await server.administer("show listen_addresses")).toEqual([[""]]);
  });

  test("obeys access rules from the start and after a reload", async () => {
    await using server = await startServer({ hba: ["local all refused reject"] });
    await server.administer("create role refused login");
    const rules = "select user_name[1], auth_method from pg_hba_file_rules order by line_number";
    expect((await server.administer(`${rules} limit 1`))[0]).toEqual(["refused", "reject"]);
    await server.setAccessRules(["host all other 127.0.0.1/32 scram-sha-256"]);
    expect((await server.administer(`${rules} limit 1`))[0]).toEqual(["other", "scram-sha-256"]);
  });

  test("comes back on the same port after a crash", async () => {
    await using server = await startServer();
    const { pid } = server;
    server.kill("SIGKILL");
    await server.exited;
    expect(isAlive(pid)).toBe(false);
    await server.start();
    expect(await server.administer("select 1")).toEqual([["1"]]);
  });

  test("stops even when it was frozen", async () => {
    const server = await startServer();
    const { pid } = server;
    server.kill("SIGSTOP");
    await server.stop();
    expect(isAlive(pid)).toBe(false);
  });

  test("says what the server said when it cannot start", async () => {
    await expect(startServer({ settings: { work_mem: "many" } })).rejects.toThrow(
      /invalid value for parameter "work_mem"/,
    );
  });
});

describe("when the process that started a server is killed", () => {
  test("the server goes and takes its files along", async () => {
    const { directory, owner, pid } = await startElsewhere();
    expect(isAlive(pid)).toBe(true);
    process.kill(owner, "SIGKILL");
    await until(() => !isAlive(pid) && !existsSync(directory));
  });

  test("the next start sweeps up, but not what belongs to a living process", async () => {
    const abandoned = join(serverDirectory("running"), "abandoned");
    mkdirSync(join(abandoned, "data"), { recursive: true });
    writeFileSync(join(abandoned, "owner"), "1 0");
    // The id in a stale file may be anybody's: here it is our own.
    writeFileSync(join(abandoned, "data", "postmaster.pid"), `${process.pid}\n`);
    const elsewhere = await startElsewhere();
    try {
      sweepAbandonedServers();
      expect(existsSync(abandoned)).toBe(false);
      expect(isAlive(elsewhere.pid)).toBe(true);
      expect(postmasterPid(join(elsewhere.directory, "data"))).toBe(elsewhere.pid);
    } finally {
      process.kill(elsewhere.owner, "SIGKILL");
    }
    await until(() => !existsSync(elsewhere.directory));
  });
});
