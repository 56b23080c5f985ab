// What libpq's TLS keywords name and demand beyond the mode: revocation lists, the system's roots, keys
// that others can read, a server that has to ask for a certificate, the log of secrets, the server's name.

import { execFile } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { copyFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { inspect, promisify } from "node:util";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { errors, OperationalError } from "../../src/index.ts";
import type { Conninfo } from "../support/address.ts";
import * as backend from "../support/backend-messages.ts";
import { defaultServer } from "../support/default-server.ts";
import { against, greets, SOON, within } from "../support/hostile.ts";
import { awaits, gate, resets, secures, sends } from "../support/scripted-server.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { askOnce } from "../support/sessions.ts";
import { failureOf, shells } from "../support/shells.ts";
import type { ClientTlsFiles } from "../support/tls.ts";

const certificates = join(__dirname, "../support/certificates");
const run = promisify(execFile);
const isWindows = process.platform === "win32";

let server: TestServer;
let files: ClientTlsFiles;
let scratch: string;

beforeAll(async () => {
  server = await startServer({
    tls: true,
    hba: ["hostssl all certified 127.0.0.1/32 trust clientcert=verify-full"],
  });
  files = server.tls as ClientTlsFiles;
  await server.administer("create role certified login");
});

afterAll(async () => {
  await server.stop();
});

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), "mahout-tls-"));
});

afterEach(() => {
  rmSync(scratch, { recursive: true });
});

const verified = (more: Conninfo = {}): Conninfo =>
  server.conninfo({ sslmode: "verify-full", sslrootcert: files.ca, ...more });
const certified = (more: Conninfo = {}): Conninfo =>
  verified({ user: "certified", sslcert: files.cert, sslkey: files.key, ...more });

/** A directory with one revocation list in it. */
function directoryWith(list: string): string {
  const directory = join(scratch, "revoked");
  mkdirSync(directory);
  copyFileSync(join(certificates, list), join(directory, "list"));
  return directory;
}

describe.each(shells)("$name: a revocation list", ({ Connection }) => {
  test.each([
    ["a file", (list: string) => ({ sslcrl: join(certificates, list) })],
    ["a directory", (list: string) => ({ sslcrldir: directoryWith(list) })],
  ])("in %s: what is on it is refused, and what isn't is not", async (_, said) => {
    const error = await failureOf(() => Connection.connect(verified(said("revoked.crl"))));
    expect(error).toMatchObject({ name: "OperationalError", code: "ERR_MAHOUT_TLS" });
    expect(error.message).toMatch(/revoked/i);
    rmSync(join(scratch, "revoked"), { recursive: true, force: true });
    expect(await askOnce(Connection.connect(verified(said("empty.crl"))), "select 1")).toBe(1);
  });

  test("holds for a cancel request, too", async () => {
    const list = join(scratch, "list");
    copyFileSync(join(certificates, "empty.crl"), list);
    await using conn = await Connection.connect(verified({ sslcrl: list }));
    copyFileSync(join(certificates, "revoked.crl"), list);
    const error = await failureOf(async () => await conn.cancel());
    expect(error.message).toMatch(/revoked/i);
  });
});

describe("the system's roots", () => {
  const text = (shell: string): string => `
    require(${JSON.stringify(resolve(__dirname, "../../scripts/load-typescript.js"))});
    const mahout = require(${JSON.stringify(resolve(__dirname, "../../src/index.ts"))});
    (async () => {
      try {
        const conn = await mahout.${shell}.connect(JSON.parse(process.env.TARGET));
        console.log("encrypted:", conn.info.encrypted);
        await conn.close();
      } catch (error) { console.log(error.code, error.message); }
    })();`;

  test.each(["AsyncConnection", "Connection"])("are those of Node.js (%s)", async (shell) => {
    const TARGET = JSON.stringify(server.conninfo({ host: "localhost", sslrootcert: "system" }));
    const outcomes: string[] = [];
    for (const trusted of [{ NODE_EXTRA_CA_CERTS: files.ca }, {}]) {
      const env = { ...process.env, ...trusted, TARGET };
      const { stdout } = await run(process.execPath, ["-e", text(shell)], { cwd: __dirname, env });
      outcomes.push(stdout);
    }
    // Nobody said sslmode: with these roots it is verify-full.
    expect(outcomes[0]).toBe("encrypted: true\n");
    expect(outcomes[1]).toMatch(/^ERR_MAHOUT_TLS .*certificate/);
  });
});

describe.each(shells)("$name: a private key", ({ Connection }) => {
  (isWindows ? test.skip : test)("that others can read is not used", async () => {
    const key = join(scratch, "client.key");
    copyFileSync(files.key, key);
    for (const mode of [0o644, 0o604, 0o660, 0o622, 0o650]) {
      chmodSync(key, mode);
      const error = await failureOf(() => Connection.connect(certified({ sslkey: key })));
      expect(error).toMatchObject({ name: "OperationalError", code: "ERR_MAHOUT_TLS" });
      expect(error.message).toContain(
        `sslkey "${key}", from the connection options, can be read by others than its owner`,
      );
      expect(error.message).toContain("0600");
    }
    // A group may read what is root's.
    for (const mode of process.getuid?.() === 0 ? [0o600, 0o400, 0o640] : [0o600, 0o400]) {
      chmodSync(key, mode);
      expect(await askOnce(Connection.connect(certified({ sslkey: key })), "select 1")).toBe(1);
    }
  });

  test("is a file", async () => {
    const name = "x".repeat(5_000);
    const unknown = await failureOf(() => Connection.connect(certified({ sslkey: name })));
    expect(unknown).toMatchObject({ name: "OperationalError", code: "ERR_MAHOUT_TLS" });
    expect(unknown.message).toContain(
      `sslkey "${name}", from the connection options, cannot be read: ENAMETOOLONG`,
    );
    const error = await failureOf(() => Connection.connect(certified({ sslkey: scratch })));
    expect(error.message).toBe(
      `sslkey "${scratch}", from the connection options, is not a plain file`,
    );
  });
});

/** Something that looks like what it should be, until it is read. */
const garbled = (title: string): string =>
  `-----BEGIN ${title}-----\nMIIBxyz!!!aaaa\n-----END ${title}-----\n`;

describe.each(shells)("$name: what a file holds", ({ Connection }) => {
  const write = (text: string, name = "file.pem"): string => {
    const path = join(scratch, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  const failing = async (more: Conninfo): Promise<string> => {
    const error = await failureOf(() => Connection.connect(certified(more)));
    expect(error).toMatchObject({ name: "OperationalError", code: "ERR_MAHOUT_TLS" });
    return error.message;
  };

  test.each<[keyword: string, text: string, says: string]>([
    ["sslrootcert", "", 'is not a PEM file with a "CERTIFICATE" in it'],
    ["sslcert", "no certificate", 'is not a PEM file with a "CERTIFICATE" in it'],
    ["sslcert", garbled("PRIVATE KEY"), 'is not a PEM file with a "CERTIFICATE" in it'],
    ["sslkey", garbled("CERTIFICATE"), 'is not a PEM file with a "PRIVATE KEY" in it'],
    ["sslcrl", garbled("CERTIFICATE"), 'is not a PEM file with a "CRL" in it'],
    ["sslrootcert", garbled("CERTIFICATE"), "can't be used: "],
    ["sslcert", garbled("CERTIFICATE"), "can't be used: "],
    ["sslkey", garbled("PRIVATE KEY"), "can't be used: "],
    ["sslcrl", garbled("X509 CRL"), "can't be used: "],
  ])("%s with %j is blamed by name", async (keyword, text, says) => {
    const path = write(text);
    expect(await failing({ [keyword]: path })).toContain(
      `${keyword} "${path}", from the connection options, ${says}`,
    );
  });

  test("one of a directory is named with it", async () => {
    const sslcrldir = directoryWith("empty.crl");
    write(garbled("X509 CRL"), "revoked/garbled");
    expect(await failing({ sslcrldir })).toContain(
      `the file "garbled" in sslcrldir "${sslcrldir}", from the connection options, can't be used: `,
    );
    write("nothing", "revoked/garbled");
    expect(await failing({ sslcrldir })).toContain(
      `the file "garbled" in sslcrldir "${sslcrldir}", from the connection options, is not a PEM file`,
    );
  });

  test("keys and certificates that don't belong together, and wrong passwords, are named", async () => {
    const other = write(readFileSync(join(certificates, "elsewhere.key"), "latin1"));
    expect(await failing({ sslkey: other })).toContain(
      `sslkey "${other}", from the connection options, is not the key of sslcert "${files.cert}", ` +
        "from the connection options: ",
    );
    const sslkey = write(readFileSync(files.encryptedKey, "latin1"));
    for (const more of [{ sslpassword: "hush" }, {}] as Conninfo[]) {
      const message = await failing({ sslkey, ...more });
      expect(message).toContain(`sslkey "${sslkey}", from the connection options, can't be used: `);
      expect(message).toMatch(/; is sslpassword the one that it needs\?$/);
      expect(message).not.toContain("hush");
    }
  });

  test("who named it is said, wherever that was", async () => {
    const path = write("nothing");
    const { sslcert: _, ...target } = certified();
    const says = async (more: Conninfo | string, words: string): Promise<void> => {
      const error = await failureOf(() =>
        typeof more === "string"
          ? Connection.connect(more, target)
          : Connection.connect({ ...target, ...more }),
      );
      expect(error.message).toBe(
        `sslcert "${path}", ${words}, is not a PEM file with a "CERTIFICATE" in it`,
      );
    };
    const environment = { ...process.env };
    try {
      await says(`sslcert=${path}`, "from the connection string");
      process.env["PGSSLCERT"] = path;
      await says({}, "from environment variable PGSSLCERT");
      delete process.env["PGSSLCERT"];
      const file = write(`[here]\nsslcert=${path}\n`, "services");
      process.env["PGSERVICEFILE"] = file;
      await says(
        { service: "here" },
        `from service "here" (line 2 of the service file ${JSON.stringify(file)})`,
      );
      process.env["HOME"] = scratch;
      mkdirSync(join(scratch, ".postgresql"));
      copyFileSync(path, join(scratch, ".postgresql/postgresql.crt"));
      const error = await failureOf(() => Connection.connect(target));
      expect(error.message).toContain(`postgresql.crt", at its usual place, is not a PEM file`);
    } finally {
      for (const name of ["PGSSLCERT", "PGSERVICEFILE", "HOME"]) delete process.env[name];
      Object.assign(process.env, environment);
    }
  });

  test("texts in place of paths are not shown, and neither is what may be part of a password", async () => {
    const key = readFileSync(files.key, "latin1");
    const message = await failing({ sslkey: key });
    expect(message).toBe(
      "sslkey, from the connection options, is a text in PEM where the path of a file should be; " +
        "texts are given in the option tls",
    );
    const { host, port } = server;
    const uri = `postgresql://ada:hush@h@/app?host=${host}&port=${port}&dbname=postgres&sslcert=/hush`;
    const doubtful = await failureOf(() => Connection.connect(uri, { sslmode: "require" }));
    expect(inspect(doubtful, { depth: 9 })).not.toContain("hush");
    expect(doubtful.message).toBe("sslcert, from the connection string, cannot be read: ENOENT");
  });

  test("the option tls is blamed as well", async () => {
    const { sslcert, sslkey, sslrootcert, ...target } = certified();
    const read = (path: unknown): string => readFileSync(String(path), "latin1");
    const good = { ca: read(sslrootcert), cert: read(sslcert), key: read(sslkey) };
    for (const [tls, says] of [
      [{ ...good, ca: garbled("CERTIFICATE") }, /the option tls\.ca can't be used: /],
      [{ ...good, cert: garbled("CERTIFICATE") }, /the option tls\.cert can't be used: /],
      [{ ...good, key: "x" }, /the option tls\.key can't be used: /],
      [{ ...good, crl: "x" }, /the option tls\.crl can't be used: /],
      [{ ca: good.ca, pfx: Buffer.from("x") }, /the option tls\.pfx can't be used: /],
      [{ ...good, key: read(files.encryptedKey) }, /tls\.key can't .*; is tls\.passphrase the one/],
    ] as const) {
      const error = await failureOf(() => Connection.connect(target as Conninfo, { tls }));
      expect(error).toMatchObject({ name: "OperationalError", code: "ERR_MAHOUT_TLS" });
      expect(error.message).toMatch(says);
    }
  });

  (isWindows ? test.skip : test)("a pipe is not waited for", async () => {
    const pipe = join(scratch, "pipe");
    await run("mkfifo", [pipe]);
    for (const keyword of ["sslrootcert", "sslcert", "sslkey", "sslcrl", "sslkeylogfile"]) {
      expect(await within(SOON, () => failing({ [keyword]: pipe }))).toBe(
        `${keyword} "${pipe}", from the connection options, is not a plain file`,
      );
    }
    mkdirSync(join(scratch, "lists"));
    await run("mkfifo", [join(scratch, "lists/pipe")]);
    expect(await within(SOON, () => failing({ sslcrldir: join(scratch, "lists") }))).toMatch(
      /^the file "pipe" in sslcrldir .* is not a plain file$/,
    );
    expect(await failing({ sslrootcert: scratch })).toMatch(/ is not a plain file$/);
  });
});

describe.each(shells)("$name: sslcertmode=require", ({ Connection }) => {
  const demanding = (more: Conninfo = {}): Conninfo =>
    certified({ sslcertmode: "require", ...more });

  test("is met by a server that asks and a client that has one", async () => {
    for (const sslmode of ["allow", "prefer", "require", "verify-full"]) {
      for (const ssl_max_protocol_version of ["TLSv1.2", "TLSv1.3"]) {
        const target = demanding({ sslmode, ssl_max_protocol_version });
        const text = "select client_dn from pg_stat_ssl where pid = pg_backend_pid()";
        expect(await askOnce(Connection.connect(target), text)).toBe("/CN=certified");
      }
    }
  });

  test("is not met without a certificate of ours", async () => {
    const { sslcert: _, ...target } = demanding();
    const error = await failureOf(() => Connection.connect(target));
    expect(error.message).toBe(
      "sslcertmode require needs a client certificate: set sslcert and sslkey",
    );
  });

  test.each(["TLSv1.2", "TLSv1.3"])("is not met by a server that doesn't ask (%s)", async (top) => {
    // It is not asked for a proof either: nothing of ours has left but the handshake.
    const script = [awaits("ssl"), sends("S"), secures(), awaits("startup")];
    const [record] = await against([script], async (scripted) => {
      const { host, port } = scripted.conninfo();
      const target = { ...demanding({ ssl_max_protocol_version: top }), host, port } as Conninfo;
      const error = await failureOf(async () => await Connection.connect(target));
      expect(error).toMatchObject({ name: "OperationalError", code: "ERR_MAHOUT_TLS" });
      expect(error.message).toContain("the server did not ask for a client certificate");
    });
    expect(record?.messages.map(({ type }) => type)).toEqual(["ssl"]);
  });

  test("is not met where nothing is encrypted", async () => {
    for (const [more, says] of [
      [{ sslmode: "disable" }, /not encrypted/],
      [{ host: server.socketDirectory }, /not encrypted/],
      [{ sslmode: "prefer", port: defaultServer().port }, /not encrypted/],
    ] as const) {
      const error = await failureOf(() => Connection.connect(demanding(more)));
      expect(error).toMatchObject({ code: "ERR_MAHOUT_TLS" });
      expect(error.message).toMatch(says);
    }
  });
});

describe.each(shells)("$name: sslkeylogfile", ({ Connection }) => {
  test("is appended to, and nobody else can read it", async () => {
    const sslkeylogfile = join(scratch, "keys");
    for (let count = 1; count <= 2; count++) {
      await (await Connection.connect(verified({ sslkeylogfile }))).close();
      const lines = readFileSync(sslkeylogfile, "utf8").trim().split("\n");
      expect(lines.filter((line) => line.startsWith("CLIENT_TRAFFIC_SECRET_0 "))).toHaveLength(
        count,
      );
    }
    if (!isWindows) expect(statSync(sslkeylogfile).mode & 0o777).toBe(0o600);
  });

  test("that can't be written is named", async () => {
    const sslkeylogfile = join(scratch, "missing", "keys");
    const error = await failureOf(() => Connection.connect(verified({ sslkeylogfile })));
    expect(error).toBeInstanceOf(OperationalError);
    expect(error.message).toContain(
      `sslkeylogfile "${sslkeylogfile}", from the connection options, cannot be written`,
    );
  });
});

describe.each(shells)("$name: sslsni", ({ Connection }) => {
  test.each([
    ["the name of the host is said", "db.example.com", "1", true],
    ["it is not, when that is switched off", "db.example.com", "0", false],
    ["an address is no name", "127.0.0.1", "1", false],
  ])("%s", async (_, host, sslsni, isSaid) => {
    const script = [awaits("ssl"), sends("S"), gate("heard"), resets()];
    const [record] = await against([script], async (scripted) => {
      const { port } = scripted.conninfo();
      const failure = failureOf(async () => {
        const target = { host, hostaddr: "127.0.0.1", port, sslmode: "require", sslsni };
        await Connection.connect(target as Conninfo, { connectTimeout: 400 });
      });
      await failure;
      scripted.open("heard");
    });
    expect(record?.plain.length).toBeGreaterThan(200);
    expect(record?.plain.includes(host)).toBe(isSaid);
  });
});

describe.each(shells)("$name: the last words of a server under TLS", ({ Connection }) => {
  test("are heard even when there is nobody to write to any more", async () => {
    const last = backend.fatalError({ C: "57P01", M: "last words" });
    const hello = [awaits("ssl"), sends("S"), secures(), ...greets()];
    for (let round = 0; round < 5; round++) {
      await against([[...hello, gate("go"), sends(last), resets()]], async (scripted) => {
        const target = scripted.conninfo({ sslmode: "require" });
        const conn = await Connection.connect(target);
        scripted.open("go");
        // The event loop sees nothing of it, as when something else keeps it busy.
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
        const big = "x".repeat(300_000);
        const error = await within(SOON, () => failureOf(async () => await conn.query(big)));
        // The blocking shell's worker may have heard them before the call began.
        const heard = error instanceof errors.AdminShutdown ? error : error.cause;
        expect(heard).toBeInstanceOf(errors.AdminShutdown);
        expect(error.message).toContain("last words");
        await conn.close();
      });
    }
  });
});
