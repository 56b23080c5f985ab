// Functions in the place of values: a password or a whole conninfo that is only said when it is needed.

import { setTimeout } from "node:timers/promises";
import { inspect } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import {
  AsyncConnection,
  type AskingServer,
  Connection as BlockingConnection,
  ConnectionPool,
  OperationalError,
  ProgrammingError,
} from "../../src/index.ts";
import type { Conninfo } from "../support/address.ts";
import * as backend from "../support/backend-messages.ts";
import { against, greeting, SOON, within } from "../support/hostile.ts";
import {
  awaits,
  closes,
  ScriptedServer,
  secures,
  sends,
  stays,
} from "../support/scripted-server.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { askOnce } from "../support/sessions.ts";
import { failureOf, shells } from "../support/shells.ts";

let server: TestServer;
const METHODS = ["password", "md5", "scram-sha-256"];

beforeAll(async () => {
  server = await startServer({
    hba: METHODS.map((method) => `host all ${method.slice(0, 3)} 127.0.0.1/32 ${method}`),
  });
  await server.administer(
    `create role pas login password 'token'; create role scr login password 'token';
     set password_encryption = 'md5'; create role md5 login password 'token'`,
  );
});

afterAll(async () => {
  await server.stop();
});

describe.each(shells)("$name: a function for the password", ({ Connection }) => {
  test.each(["pas", "md5", "scr"])("is called once, with who asks (%s)", async (user) => {
    const asked: AskingServer[] = [];
    const password = (who: AskingServer): string => {
      asked.push(who);
      return "token";
    };
    const target = server.conninfo({ user });
    for (const connect of [
      () => Connection.connect(target, { password }),
      () => Connection.connect({ ...target, password }),
      () => Connection.connect({ ...target, password: () => "wrong" }, { password }),
      () => Connection.connect({ ...target, password: "wrong" }, { password }),
      () => Connection.connect({ ...target, password: () => "wrong" }, { password: "token" }),
    ]) {
      const conn = await connect();
      expect(inspect([conn, conn.info], { depth: 9, showHidden: true })).not.toContain("token");
      expect(conn.info.dsn).not.toContain("password");
      await conn.close();
    }
    const { port, dbname } = target;
    const who = { host: "127.0.0.1", hostaddr: null, port, user, dbname };
    expect(asked).toEqual([who, who, who, who]);
  });

  test("is not called when nobody asks", async () => {
    const password = (): string => {
      throw new Error("nobody should ask");
    };
    expect(await askOnce(Connection.connect(server.conninfo(), { password }), "select 1")).toBe(1);
    expect(await Connection.ping(server.conninfo({ user: "scr" }), { password })).toBe("accepts");
  });

  test("that throws: the error says which, and has the reason", async () => {
    const reason = new Error("no token today");
    const password = (): string => {
      throw reason;
    };
    const error = await failureOf(() =>
      Connection.connect(server.conninfo({ user: "scr" }), { password }),
    );
    expect(error).toBeInstanceOf(OperationalError);
    expect(error).toMatchObject({ code: "ERR_MAHOUT_ASKING", cause: reason });
    expect(error.message).toBe("the function for the password failed; see the cause");
  });

  test("can't give a NUL", async () => {
    const error = await failureOf(() =>
      Connection.connect(server.conninfo({ user: "scr" }), { password: () => "half\0other" }),
    );
    expect(error).toBeInstanceOf(ProgrammingError);
    expect(error.message).toBe(
      "the function for the password gave text with a NUL character in it",
    );
  });

  test.each([42, null, undefined, { token: "token" }])("can't give %j", async (value) => {
    const password = (): string => value as unknown as string;
    const error = await failureOf(() =>
      Connection.connect(server.conninfo({ user: "scr" }), { password }),
    );
    expect(error).toBeInstanceOf(ProgrammingError);
    expect(error.message).toMatch(/^the function for the password must give a string, not /);
  });

  test("that gives nothing: there is no password", async () => {
    const target = { ...server.conninfo({ user: "scr" }), password: () => "" };
    const error = await failureOf(() => Connection.connect(target));
    expect(error).toMatchObject({ code: "ERR_MAHOUT_NO_PASSWORD" });
  });

  test("is the only keyword that can be one", async () => {
    const options = { user: () => "scr" } as object;
    const error = await failureOf(() => Connection.connect("", options));
    expect(error.message).toContain("user in the connection options must be a string or a number");
  });

  test("is called for each host that asks", async () => {
    const ask = [awaits("startup"), sends(backend.authenticationCleartextPassword()), awaits("p")];
    const refuse = [...ask, sends(backend.fatalError({ C: "57P03" })), closes()];
    const asked: number[] = [];
    const records = await against([refuse, [...ask, sends(greeting())]], async (scripted) => {
      const { host, port, ...rest } = scripted.conninfo();
      const target = { ...rest, host: `${host},${host}`, port: `${port},${port}` } as object;
      const password = (who: AskingServer): string => `token ${asked.push(who.port)}`;
      await (await Connection.connect(target, { password })).close();
    });
    expect(asked).toHaveLength(2);
    expect(records.map(({ plain }) => /token \d/.exec(plain.toString())?.[0])).toEqual([
      "token 1",
      "token 2",
    ]);
  });
});

describe.each(shells)("$name: a function for the conninfo", ({ Connection }) => {
  test("is called for each connection", async () => {
    let calls = 0;
    const conninfo = (): Conninfo =>
      server.conninfo({ user: "scr", password: `token${calls++ || ""}` });
    expect(await askOnce(Connection.connect(conninfo), "select current_user")).toBe("scr");
    expect((await failureOf(() => Connection.connect(conninfo))).sqlstate).toBe("28P01");
    expect((await failureOf(() => Connection.with(conninfo, () => 1))).sqlstate).toBe("28P01");
    expect(await Connection.ping(conninfo)).toBe("accepts");
    expect(calls).toBe(4);
  });

  test("that throws: its own error", async () => {
    const reason = new Error("where?");
    const conninfo = (): string => {
      throw reason;
    };
    expect(await failureOf(() => Connection.connect(conninfo))).toBe(reason);
  });
});

describe("async: what has to be waited for", () => {
  test("is waited for", async () => {
    const password = async (): Promise<string> => await Promise.resolve("token");
    const conninfo = async (): Promise<Conninfo> =>
      await Promise.resolve(server.conninfo({ user: "scr" }));
    const connecting = AsyncConnection.connect(conninfo, { password });
    expect(await askOnce(connecting, "select current_user")).toBe("scr");
  });

  test.each(["password", "conninfo"])("but not for ever (%s)", async (what) => {
    const never = (): Promise<string> => new Promise(() => {});
    const target = server.conninfo({ user: "scr" });
    const connect = (options: object): Promise<unknown> =>
      what === "password"
        ? AsyncConnection.connect(target, { password: never, ...options })
        : AsyncConnection.connect(never, options);
    const late = await within(SOON, () => failureOf(() => connect({ connectTimeout: 200 })));
    expect(late).toMatchObject({ code: "ERR_MAHOUT_CONNECTION_TIMEOUT" });
    const signal = AbortSignal.timeout(100);
    const aborted = await within(SOON, () => failureOf(() => connect({ signal })));
    expect(aborted).toMatchObject({ code: "ERR_MAHOUT_ABORTED" });
  });

  test("nor longer than the server waits", async () => {
    const script = [awaits("startup"), sends(backend.authenticationCleartextPassword()), closes()];
    await against([script], async (scripted) => {
      const password = (): Promise<string> => new Promise(() => {});
      const failure = failureOf(() => AsyncConnection.connect(scripted.conninfo(), { password }));
      expect(await within(SOON, () => failure)).toMatchObject({
        code: "ERR_MAHOUT_CONNECTION_LOST",
      });
    });
  });

  test("by a pool: for each of its connections", async () => {
    let asked = 0;
    const password = async (): Promise<string> => {
      asked++;
      return await Promise.resolve("token");
    };
    const pool = new ConnectionPool(server.conninfo({ user: "scr" }), {
      minSize: 2,
      maxSize: 2,
      connect: { password },
    });
    await pool.open();
    await pool.wait();
    expect(asked).toBe(2);
    await pool.close();
  });
});

test("blocking: a promise can't be waited for, and says so", async () => {
  const options = { password: async () => await Promise.reject(new Error("unheard")) } as object;
  const error = await failureOf(() =>
    BlockingConnection.connect(server.conninfo({ user: "scr" }), options),
  );
  expect(error).toBeInstanceOf(ProgrammingError);
  expect(error.message).toContain("promise");
  const source = (async () => await Promise.resolve("")) as unknown as () => string;
  const other = await failureOf(() => BlockingConnection.connect(source));
  expect(other.message).toContain("Promise");
});

test("async: a password that comes too late disturbs nobody", async () => {
  const secure = [awaits("ssl"), sends("S"), secures()];
  const asks = [awaits("startup"), sends(backend.authenticationCleartextPassword()), stays()];
  await using first = await ScriptedServer.start([[...secure, ...asks]]);
  await using second = await ScriptedServer.start([[awaits("ssl"), sends("S"), stays()]]);
  const ports = `${first.conninfo()["port"]},${second.conninfo()["port"]}`;
  const target = first.conninfo({ host: "127.0.0.1,127.0.0.1", port: ports, connect_timeout: 2 });
  const late = async (): Promise<string> => await setTimeout(2_500, "late", { ref: false });
  const connecting = AsyncConnection.connect(
    { ...(target as object), sslmode: "require" },
    { password: late, connectTimeout: 5_000 },
  );
  const error = await failureOf(() => Promise.race([connecting, setTimeout(8_000)]));
  expect(error.message).toContain("connect_timeout");
});
