// changePassword(): the password never leaves, and logs in afterwards.

import { inspect } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { errors, ProgrammingError } from "../../src/index.ts";
import { defaultMajor, startServer, type TestServer } from "../support/server.ts";
import { askOnce } from "../support/sessions.ts";
import { failureOf, shells } from "../support/shells.ts";

let server: TestServer;

beforeAll(async () => {
  server = await startServer({
    hba: ["host all owner 127.0.0.1/32 scram-sha-256", "host all other 127.0.0.1/32 scram-sha-256"],
    settings: { log_statement: "all" },
  });
});

afterAll(async () => {
  await server.stop();
});

describe.each(shells)("$name: changePassword", ({ Connection, name }) => {
  const secret = `n\u00e4w's \\ ${name} secret`;

  beforeEach(async () => {
    await server.administer(
      `drop role if exists owner; drop role if exists other; create role owner login password 'old';
       create role other login password 'other'`,
    );
  });

  test("of the session's own role, whatever password_encryption says", async () => {
    for (const encryption of ["scram-sha-256", "md5"]) {
      const conn = await Connection.connect(server.conninfo({ user: "postgres" }));
      await conn.execute(`set password_encryption = '${encryption}'`);
      await conn.changePassword("owner", secret);
      await conn.close();
      const own = await Connection.connect(server.conninfo({ user: "owner", password: secret }));
      await own.changePassword(null, `${secret}!`);
      await own.close();
      const target = server.conninfo({ user: "owner", password: `${secret}!` });
      expect(await askOnce(Connection.connect(target), "select current_user")).toBe("owner");
      const [row] = await server.administer(
        "select rolpassword from pg_authid where rolname = 'owner'",
      );
      expect(row?.[0]).toMatch(/^SCRAM-SHA-256\$4096:/);
    }
    expect(server.log()).not.toContain("secret");
  });

  test("is as much work as the server wants", async () => {
    const wanted = defaultMajor >= 16 ? 12_345 : 4_096;
    await using conn = await Connection.connect(server.conninfo());
    if (defaultMajor >= 16) await conn.execute(`set scram_iterations = ${wanted}`);
    await conn.changePassword("owner", secret);
    const [row] = await server.administer(
      "select rolpassword from pg_authid where rolname = 'owner'",
    );
    expect(row?.[0]).toMatch(new RegExp(`^SCRAM-SHA-256\\$${wanted}:`));
    const target = server.conninfo({ user: "owner", password: secret });
    expect(await askOnce(Connection.connect(target), "select 1")).toBe(1);
  });

  test("is part of the transaction that is open, and of one that is due", async () => {
    await using conn = await Connection.connect(server.conninfo(), { autocommit: false });
    await conn.changePassword("owner", secret);
    expect(conn.info.transactionStatus).toBe("inTransaction");
    await conn.rollback();
    const target = server.conninfo({ user: "owner", password: "old" });
    expect(await askOnce(Connection.connect(target), "select 1")).toBe(1);
  });

  test("that isn't allowed: the server's error, and nothing of the secret in it", async () => {
    await using conn = await Connection.connect(
      server.conninfo({ user: "other", password: "other" }),
    );
    const error = await failureOf(async () => await conn.changePassword("owner", secret));
    expect(error).toBeInstanceOf(errors.InsufficientPrivilege);
    expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(/SCRAM-SHA|secret/);
    expect(await conn.query("select 1 as one")).toEqual([{ one: 1 }]);
  });

  test.each([
    ["", "not empty"],
    ["a\0b", "NUL"],
    [undefined, "not empty"],
  ])("can't be %j", async (password, says) => {
    await using conn = await Connection.connect(server.conninfo());
    const error = await failureOf(
      async () => await conn.changePassword("owner", password as string),
    );
    expect(error).toBeInstanceOf(ProgrammingError);
    expect(error.message).toContain(says);
    expect(await conn.query("select 1 as one")).toEqual([{ one: 1 }]);
  });

  test("quotes the role's name", async () => {
    await using conn = await Connection.connect(server.conninfo());
    const error = await failureOf(
      async () => await conn.changePassword('o"; drop role owner; --', secret),
    );
    expect(error).toBeInstanceOf(errors.UndefinedObject);
  });
});
