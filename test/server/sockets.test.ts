// Unix sockets as libpq names them: directories, percent-encoded in URIs, and the abstract namespace.

import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { NotSupportedError } from "../../src/index.ts";
import { reachesAbstract } from "../../src/core/trial.ts";
import { defaultServer } from "../support/default-server.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { askOnce } from "../support/sessions.ts";
import { failureOf, shells } from "../support/shells.ts";

const WHERE = "select inet_server_addr() is null as is_local";
const isLinux = process.platform === "linux";

// Only Linux has the namespace, in which nothing is left behind.
(isLinux ? describe : describe.skip)("an abstract socket", () => {
  const name = `@mahout-test-${process.pid}`;
  let server: TestServer;

  beforeAll(async () => {
    server = await startServer({ settings: { unix_socket_directories: name } });
  });

  afterAll(async () => {
    await server.stop();
  });

  describe.each(shells)("$name", ({ Connection }) => {
    (reachesAbstract() ? test.skip : test)("that can't be reached is refused", async () => {
      const target = { ...server.conninfo(), host: name };
      const error = await failureOf(() => Connection.connect(target));
      expect(error).toBeInstanceOf(NotSupportedError);
      expect(error.message).toContain(
        `the socket "${name}/.s.PGSQL.${server.port}" of the abstract`,
      );
      // Others are tried nevertheless.
      const both = { ...defaultServer().conninfo(), host: `${name},127.0.0.1` };
      await (await Connection.connect(both)).close();
    });

    const reached = reachesAbstract() ? test : test.skip;
    reached("is a host that begins with @, or with %40 in a URI", async () => {
      const { port, user, dbname } = server.conninfo() as {
        port: number;
        user: string;
        dbname: string;
      };
      for (const said of [
        { host: name, port, user, dbname },
        `host=${name} port=${port} user=${user} dbname=${dbname}`,
        `postgresql://${user}@${encodeURIComponent(name)}:${port}/${dbname}`,
        `postgresql:///${dbname}?host=${name}&port=${port}&user=${user}`,
      ]) {
        expect(await askOnce(Connection.connect(said), WHERE)).toBe(true);
      }
    });

    reached("is cancelled through, and named in errors", async () => {
      await using conn = await Connection.connect({ ...server.conninfo(), host: name });
      const slow = { timeout: 100 };
      const error = await failureOf(async () => await conn.query("select pg_sleep(60)", [], slow));
      expect(error.sqlstate).toBe("57014");
      const nobody = { ...server.conninfo(), host: "@mahout-nobody" };
      const lost = await failureOf(() => Connection.connect(nobody));
      expect(lost.message).toContain('"@mahout-nobody/.s.PGSQL.');
    });
  });
});

(process.platform === "win32" ? describe.skip : describe)("a socket in a directory", () => {
  test.each(shells)("$name: is percent-encoded in a URI", async ({ Connection }) => {
    await using server = await startServer({ unixSocketOnly: true });
    const { port } = server;
    const directory = server.socketDirectory;
    for (const host of [encodeURIComponent(directory), directory.replaceAll("/", "%2f")]) {
      const uri = `postgresql://postgres@${host}:${port}/postgres`;
      expect(await askOnce(Connection.connect(uri), WHERE)).toBe(true);
    }
  });
});
