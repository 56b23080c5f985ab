// Connections and the life of the process: an open asynchronous one keeps it alive, as any socket
// does; a blocking one never does, closed or not.

import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { startServer, type TestServer } from "../support/server.ts";
import { newApplicationName, untilGone } from "../support/sessions.ts";

const run = promisify(execFile);
const loader = resolve(__dirname, "../../scripts/load-typescript.js");
const source = resolve(__dirname, "../../src/index.ts");

let server: TestServer;

beforeAll(async () => {
  server = await startServer({ tls: true });
});

afterAll(async () => {
  await server.stop();
});

interface Outcome {
  /** What the program printed. */
  readonly said: string;
  /** Whether it was still alive a good while after its last statement. */
  readonly stayed: boolean;
}

/** Runs a program that connects to `dsn`, in a process of its own, until it ends by itself. */
async function outcomeOf(program: string, dsn: string): Promise<Outcome> {
  const text = `
    require(${JSON.stringify(loader)});
    const { connect, Connection } = require(${JSON.stringify(source)});
    const dsn = ${JSON.stringify(dsn)};
    // Too late for a process that nothing keeps alive; the end for one that something does.
    const finish = () => setTimeout(() => { console.log("stayed"); process.exit(); }, 500).unref();
    ${program}`;
  const { stdout, stderr } = await run(process.execPath, ["-e", text], { cwd: __dirname });
  expect(stderr).toBe("");
  return { said: stdout.split("\n")[0] ?? "", stayed: stdout.includes("stayed") };
}

const ASK = `query("select 'fine' as answer")`;

const programs = [
  {
    what: "a closed async connection",
    text: `(async () => {
      const conn = await connect(dsn);
      console.log((await conn.${ASK})[0].answer);
      await conn.close();
      finish();
    })();`,
    stays: false,
    polite: true,
  },
  {
    what: "an open async connection",
    text: `(async () => {
      const conn = await connect(dsn);
      console.log((await conn.${ASK})[0].answer);
      finish();
    })();`,
    stays: true,
    polite: false,
  },
  {
    what: "a closed blocking connection",
    text: `
      const conn = Connection.connect(dsn);
      console.log(conn.${ASK}[0].answer);
      conn.close();
      finish();`,
    stays: false,
    polite: true,
  },
  {
    what: "an open blocking connection",
    text: `
      const conn = Connection.connect(dsn);
      console.log(conn.${ASK}[0].answer);
      finish();`,
    stays: false,
    polite: false,
  },
  {
    what: "a failed blocking connect",
    text: `
      try { Connection.connect(dsn, { dbname: "no such database" }); }
      catch (error) { console.log(error.sqlstate === "3D000" ? "fine" : String(error)); }
      finish();`,
    stays: false,
    polite: true,
  },
];

describe.each(["disable", "require"])("with sslmode %s", (sslmode) => {
  test.each(programs)("$what: the process stays alive: $stays", async ({ text, stays, polite }) => {
    const name = newApplicationName();
    const logged = server.log().length;
    const dsn = server.dsn({ sslmode, application_name: name });
    expect(await outcomeOf(text, dsn)).toEqual({ said: "fine", stayed: stays });
    await untilGone(server, name);
    if (!polite) return;
    // Who closes says goodbye first, even when it is the last thing that the process does.
    expect(server.log().slice(logged)).not.toMatch(/unexpected EOF|could not receive data/);
  });

  test("a process that ends by an exception is not held up either", async () => {
    const text = `
      process.on("uncaughtException", (error) => { console.log(error.message); finish(); });
      const conn = Connection.connect(dsn);
      throw new Error("over");`;
    expect(await outcomeOf(text, server.dsn({ sslmode }))).toEqual({ said: "over", stayed: false });
  });
});
