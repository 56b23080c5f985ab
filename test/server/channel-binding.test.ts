// Channel binding on real servers: it holds with their certificates, it fails with somebody in between,
// and where it is required nothing else will do.

import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { errors, OperationalError } from "../../src/index.ts";
import type { Conninfo } from "../support/address.ts";
import { LOOPBACK } from "../support/ports.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { askOnce } from "../support/sessions.ts";
import { failureOf, shells } from "../support/shells.ts";

const certificates = join(__dirname, "../support/certificates");
const WHO = "select current_user";

/** Signed with an algorithm that has no hash; protects nothing. */
const ED25519 = {
  cert: `-----BEGIN CERTIFICATE-----
MIIBNTCB6KADAgECAhRSGgMst9D782o7fOWGEQjzFpEC+zAFBgMrZXAwFDESMBAG
A1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMTIyMzMyMFoYDzIxMjYxMDI4MjIzMzIw
WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwKjAFBgMrZXADIQCMVe9jKmTVMSWO8OWE
XN3HiVG8ieWbie/e/yESnUU9HaNKMEgwHwYDVR0jBBgwFoAU/iuAJgdyW80JeSgY
1u6NLVlTx34wDwYDVR0TAQH/BAUwAwEB/zAUBgNVHREEDTALgglsb2NhbGhvc3Qw
BQYDK2VwA0EAH0UyC+BnTP2k7p4E6xiqUjPcxXhoH3OPHfC0eoINiDIwEIsa+Vcj
ofpevjERbVtQd3wuwgnDA06zv4Y0F/Z/AA==
-----END CERTIFICATE-----
`,
  key: `-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIO/4sDYZbD1yixtAKsKwLc3xqj3uZBWy4YWnlweRiLJ3
-----END PRIVATE KEY-----
`,
};

let server: TestServer;

beforeAll(async () => {
  server = await startServer({
    tls: true,
    hba: [
      "host all bound 127.0.0.1/32 scram-sha-256",
      "local all bound scram-sha-256",
      "host all hashed 127.0.0.1/32 md5",
      "host all in_clear 127.0.0.1/32 password",
    ],
  });
  await server.administer(
    `create role bound login password 'p'; create role in_clear login password 'p';
     set password_encryption = 'md5'; create role hashed login password 'p'`,
  );
});

afterAll(async () => {
  await server.stop();
});

const target = (more: Conninfo = {}): Conninfo =>
  server.conninfo({ user: "bound", password: "p", sslmode: "require", ...more });

/** Presents another certificate from now on; a fixture's name, or its text. */
async function present(certificate: string | typeof ED25519): Promise<void> {
  for (const [end, what] of [
    ["crt", "cert"],
    ["key", "key"],
  ] as const) {
    const path = join(server.dataDirectory, `server.${end}`);
    if (typeof certificate === "string")
      writeFileSync(path, readFileSync(join(certificates, `${certificate}.${end}`)));
    else writeFileSync(path, certificate[what]);
  }
  await server.restart();
}

describe.each([
  ["SHA-384", "server-sha384"],
  ["SHA-256", "server"],
])("a certificate signed with %s", (_, certificate) => {
  beforeAll(() => present(certificate));

  test.each(["require", "prefer", "disable"])("channel_binding=%s lets us in", async (choice) => {
    for (const { Connection } of shells) {
      const connecting = Connection.connect(target({ channel_binding: choice }));
      expect(await askOnce(connecting, WHO)).toBe("bound");
    }
  });
});

describe("a certificate signed with Ed25519, which has no hash", () => {
  beforeAll(() => present(ED25519));
  afterAll(() => present("server"));

  test("is not bound to by preference, and not accepted where binding is required", async () => {
    for (const { Connection } of shells) {
      expect(await askOnce(Connection.connect(target()), WHO)).toBe("bound");
      const error = await failureOf(() =>
        Connection.connect(target({ channel_binding: "require" })),
      );
      expect(error).toMatchObject({ code: "ERR_MAHOUT_CHANNEL_BINDING" });
      expect(error.message).toContain("no hash");
    }
  });
});

describe.each(shells)("$name: channel_binding=require", ({ Connection }) => {
  const refusalOf = async (more: Conninfo): Promise<string> => {
    const error = await failureOf(() =>
      Connection.connect(target({ channel_binding: "require", ...more })),
    );
    expect(error).toBeInstanceOf(OperationalError);
    expect(error.code).toBe("ERR_MAHOUT_CHANNEL_BINDING");
    return error.message;
  };

  test.each([
    { what: "TLS is switched off", more: { sslmode: "disable" }, says: "not encrypted" },
    { what: "the server asks for nothing", more: { user: "postgres" }, says: "any proof" },
    { what: "the server asks for MD5", more: { user: "hashed" }, says: "md5" },
    { what: "the server asks in the clear", more: { user: "in_clear" }, says: "password" },
  ])("refuses when $what", async ({ more, says }) => {
    expect(await refusalOf(more)).toContain(says);
  });

  test("refuses a unix socket", async () => {
    expect(await refusalOf({ host: server.socketDirectory })).toContain("not encrypted");
  });

  test.each(["allow", "prefer"])("encrypts also with sslmode=%s", async (sslmode) => {
    const conn = await Connection.connect(target({ sslmode, channel_binding: "require" }));
    expect(conn.info.encrypted).toBe(true);
    await conn.close();
  });
});

/**
 * Somebody in between, in a thread of its own: talks TLS to both sides, with a certificate of its own to
 * the client, and passes everything on.
 */
function relay(load: NodeJS.Require): void {
  const net = load("node:net") as typeof import("node:net");
  const tls = load("node:tls") as typeof import("node:tls");
  const { parentPort, workerData } = load(
    "node:worker_threads",
  ) as typeof import("node:worker_threads");
  const { host, port, cert, key } = workerData as Record<"host" | "cert" | "key", string> & {
    port: number;
  };
  const request = Buffer.from("0000000804d2162f", "hex");
  const listener = net.createServer((client) => {
    client.once("data", () => {
      const upstream = net.connect({ host, port }, () => upstream.write(request));
      upstream.once("data", () => {
        const outer = tls.connect({ socket: upstream, rejectUnauthorized: false });
        client.write("S");
        const inner = new tls.TLSSocket(client, { isServer: true, cert, key });
        for (const socket of [client, upstream, inner, outer]) socket.on("error", () => undefined);
        inner.pipe(outer).pipe(inner);
      });
    });
  });
  listener.listen(0, host, () => {
    parentPort?.postMessage((listener.address() as { port: number }).port);
  });
}

describe("somebody in between who has a certificate of their own", () => {
  let worker: Worker;
  let port: number;

  beforeAll(async () => {
    const read = (name: string): string => readFileSync(join(certificates, name), "utf8");
    const own = { cert: read("server-sha384.crt"), key: read("server-sha384.key") };
    const workerData = { host: LOOPBACK, port: server.port, ...own };
    worker = new Worker(`(${relay.toString()})(require)`, { eval: true, workerData });
    [port] = (await once(worker, "message")) as [number];
  });

  afterAll(async () => {
    await worker.terminate();
  });

  describe.each(shells)("$name", ({ Connection }) => {
    test.each(["require", "prefer"])("is found out with channel_binding=%s", async (choice) => {
      const error = await failureOf(() =>
        Connection.connect(target({ port, channel_binding: choice })),
      );
      expect(error).toBeInstanceOf(errors.InvalidAuthorizationSpecification);
      expect(error.message).toContain("channel binding");
    });

    test("would read everything without it", async () => {
      const connecting = Connection.connect(target({ port, channel_binding: "disable" }));
      expect(await askOnce(connecting, WHO)).toBe("bound");
    });
  });
});
