// Every code point in a password, compared with what the server makes of it: its verifier tells.

import { createHash, createHmac, pbkdf2Sync } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { AsyncConnection } from "../../src/index.ts";
import { preparePassword } from "../../src/protocol/saslprep.ts";
import { defaultMajor, startServer, type TestServer } from "../support/server.ts";

const LAST = 0x2ffff;
const PIECE = 0x2000;

let server: TestServer;
let conn: AsyncConnection;

beforeAll(async () => {
  server = await startServer();
  conn = await AsyncConnection.connect(server.conninfo());
  await conn.query("create role prepared login");
  await conn.query("create unlogged table made (password text, verifier text)");
});

afterAll(async () => {
  await conn.close();
  await server.stop("immediate");
});

/** Whether the verifier is that of a password prepared to `text`. */
function isMadeFrom(text: string, verifier: string): boolean {
  const [, salt = "", stored] = /^SCRAM-SHA-256\$1:([^$]+)\$([^:]+):/.exec(verifier) ?? [];
  const salted = pbkdf2Sync(text, Buffer.from(salt, "base64"), 1, 32, "sha256");
  const clientKey = createHmac("sha256", salted).update("Client Key").digest();
  return createHash("sha256").update(clientKey).digest("base64") === stored;
}

const forms = [
  ["before a soft hyphen", "chr(c) || chr(173)"],
  ["alone", "chr(c)"],
  ["between Hebrew letters", "chr(1488) || chr(c) || chr(1488) || chr(173)"],
  ["before a Latin letter", "chr(c) || 'b' || chr(173)"],
] as const;

// One iteration makes it affordable, and has been possible since 16.
(defaultMajor >= 16 ? test : test.skip).each(forms)(
  "a code point %s",
  async (_, expression) => {
    const wrong: string[] = [];
    await conn.query("set scram_iterations = 1");
    for (let first = 1; first <= LAST; first += PIECE) {
      await conn.query("truncate made");
      await conn.query(`do $$ begin for c in ${first}..${first + PIECE - 1} loop
          continue when c between 55296 and 57343;
          execute format('alter role prepared password %L', ${expression});
          insert into made select ${expression}, rolpassword
            from pg_authid where rolname = 'prepared';
        end loop; end $$`);
      const rows = await conn.query("select password, verifier from made");
      for (const { password, verifier } of rows as { password: string; verifier: string }[]) {
        if (!isMadeFrom(preparePassword(password), verifier)) wrong.push(password);
      }
    }
    expect(wrong.map((text) => text.codePointAt(0)?.toString(16))).toEqual([]);
  },
  300_000,
);
