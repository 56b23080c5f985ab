// What goes wrong, and in which words.

import { describe, expect, test } from "@jest/globals";

import type { Conninfo, ConninfoObject } from "../../src/conninfo/dict.ts";
import { conninfoToDict } from "../../src/conninfo/dict.ts";
import { closestKeyword } from "../../src/conninfo/refusals.ts";
import { resolveConninfo } from "../../src/conninfo/resolve.ts";
import type { Environment } from "../../src/conninfo/settings.ts";
import { NotSupportedError, ProgrammingError } from "../../src/errors.ts";

function errorOf(attempt: () => unknown): Error {
  try {
    attempt();
  } catch (error) {
    return error as Error;
  }
  throw new Error("nothing was thrown");
}

function failure(conninfo: unknown, environment: Environment = {}): Error {
  return errorOf(() =>
    resolveConninfo(conninfo as Conninfo, undefined, { HOME: "/nonexistent", ...environment }),
  );
}

describe("strings", () => {
  const rule = 'a connection string is a URI or keyword=value pairs such as "host=localhost"';
  test.each([
    ["mydb", `missing "=" after "mydb" at character 1 of the connection string; ${rule}`],
    ["host=h port 1", 'missing "=" after "port" at character 8'],
    ["host=h \u0007x", 'missing "=" after the word at character 8'],
    [
      "Postgresql://h",
      `${rule}; a URI begins with "postgresql://" or "postgres://", in lower case`,
    ],
    [" postgresql://h", "in lower case at the very beginning of the string"],
    ["mysql://ada:pw@h/app", 'a URI begins with "postgresql://"'],
    ["jdbc:postgresql://h/app", 'a URI begins with "postgresql://"'],
    ["dbname='x", "the quote at character 8 of the connection string is never closed"],
    ["=x", 'a keyword is missing before "=" at character 1 of the connection string'],
    ["hots=h", 'unknown keyword "hots" in the connection string (character 1); did you mean host?'],
    [
      "database=d",
      'unknown keyword "database" in the connection string (character 1); did you mean dbname?',
    ],
    ["host=h xyz=1", 'unknown keyword "xyz" in the connection string (character 8)'],
    ["mysql://h?a=b", "an unknown keyword in the connection string (character 1); it is not shown"],
    [
      "password=two words",
      'missing "=" after the word at character 14 of the connection string, which is not shown',
    ],
    [
      "password=two words=x",
      "an unknown keyword in the connection string (character 14); it is not shown",
    ],
    ["dbname=a\0b", "the value of dbname, from the connection string, contains a NUL character"],
    [
      "dbname=a\ud800",
      "the value of dbname, from the connection string, contains half of a surrogate pair",
    ],
    ["postgresql://[::1/db", 'the "[" at character 14 of the connection URI is never closed'],
    ["postgresql://[]/db", "the brackets at character 14 of the connection URI hold no address"],
    ["postgresql://[::1]x/db", 'character 19 of the connection URI, after "]", must be'],
    [
      "postgresql://a:%zz@h",
      'password of the connection URI contains a "%" without two hexadecimal digits',
    ],
    ["postgresql://a:%ff@h", "password of the connection URI is not UTF-8 once it is decoded"],
    ["postgresql://h/%00", "dbname of the connection URI contains %00"],
    ["postgresql://h/a b", "dbname of the connection URI contains a space; write it as %20"],
    [
      "postgresql://h/?a",
      "the query parameter at character 17 of the connection URI must be one keyword",
    ],
    [
      "postgresql://h/?a=b=c",
      "the query parameter at character 17 of the connection URI must be one keyword",
    ],
    [
      "postgresql://h/?ssl=1",
      'unknown keyword "ssl" in the connection string (character 17); did you mean sslmode?',
    ],
    [
      "postgresql://ada:s@e@h/db",
      'the host, from the connection string, contains "@"; it is not shown',
    ],
    [
      "postgresql://ada:s/e@h/db",
      "port, from the connection string, is not valid: it must be a number from 1 to 65535",
    ],
    ["postgresql://ada:s/e@h/db", 'write "/" in a password as %2F'],
  ])("%j", (conninfo, message) => {
    const error = failure(conninfo);
    expect(error.message).toContain(message);
    expect(error).toBeInstanceOf(ProgrammingError);
    expect(error).toMatchObject({ code: "ERR_MAHOUT_CONNINFO" });
  });
});

describe("objects", () => {
  test.each<[unknown, string]>([
    [
      { database: "d" },
      'unknown keyword "database" in the connection options; did you mean dbname?',
    ],
    [{ username: "u" }, 'unknown keyword "username" in the connection options; did you mean user?'],
    [{ applicationName: "a" }, "did you mean application_name?"],
    [{ servicefile: "f" }, "did you mean service (with the environment variable PGSERVICEFILE)?"],
    [{ database: undefined }, 'unknown keyword "database"'],
    [
      { password: { x: "secret" } },
      "password in the connection options must be a string or a number, not Object",
    ],
    [
      { password: undefined, host: ["a"] },
      "host in the connection options must be a string or a number, not Array",
    ],
    [
      { port: Number.NaN },
      "port in the connection options must be a string or a number, not a number that is not finite",
    ],
    [
      { sslmode: true },
      "sslmode in the connection options must be a string or a number, not a boolean",
    ],
    [
      { keepalives: 1n },
      "keepalives in the connection options must be a string, a number or a boolean, not a bigint",
    ],
    [{ user: "a\0" }, "the value of user, from the connection options, contains a NUL character"],
    [
      new URL("postgresql://h"),
      "connection parameters must be a string or a plain object, not URL; pass its href",
    ],
    [["host"], "not Array"],
    [new Map(), "not Map"],
    [5432, "not a number"],
    [() => "host=h", "not a function"],
  ])("%p", (conninfo, message) => {
    expect(failure(conninfo).message).toContain(message);
  });

  test("overrides are checked alike", () => {
    const overrides = { database: "d" } as ConninfoObject;
    expect(() => conninfoToDict("host=h", overrides)).toThrow("did you mean dbname?");
  });
});

describe("values say keyword, value, origin and what is allowed", () => {
  test.each<[Conninfo, Environment, string]>([
    [
      "host=h sslmode=bogus",
      {},
      'sslmode "bogus", from the connection string, is not valid: it must be disable, allow, prefer, require, verify-ca or verify-full',
    ],
    [{ host: "h", sslmode: "" }, {}, 'sslmode "", from the connection options, is not valid'],
    [
      "host=h",
      { PGSSLMODE: "x" },
      'sslmode "x", from environment variable PGSSLMODE, is not valid',
    ],
    [
      "host=h",
      { PGPORT: "0" },
      'port "0", from environment variable PGPORT, is not valid: it must be a number from 1 to 65535',
    ],
    [
      "host=h connect_timeout=1.5",
      {},
      'connect_timeout "1.5", from the connection string, is not valid: it must be a whole number',
    ],
    ["host=h connect_timeout=2147483648", {}, "must be a whole number"],
    ["host=h connect_timeout=''", {}, "must be a whole number"],
    ["host=h keepalives_idle=x", {}, 'keepalives_idle "x"'],
    ["host=h keepalives_interval=x", {}, 'keepalives_interval "x"'],
    ["host=h keepalives_count=x", {}, 'keepalives_count "x"'],
    ["host=h tcp_user_timeout=x", {}, 'tcp_user_timeout "x"'],
    [
      "host=h sslsni=x",
      {},
      'sslsni "x", from the connection string, is not valid: it must be 0 or 1',
    ],
    ["host=h sslcompression=x", {}, 'sslcompression "x"'],
    ["host=h gssdelegation=x", {}, 'gssdelegation "x"'],
    [
      "host=h require_auth=md5,x",
      {},
      'require_auth "md5,x", from the connection string, is not valid: it may list password, md5,',
    ],
    ["host=h require_auth=md5,x", {}, 'and "x" is none of them'],
    ["host=h require_auth=md5,!none", {}, 'it must have "!" before all methods or before none'],
    ["host=h require_auth=md5,md5", {}, "it names md5 more than once"],
    ["host=h ssl_min_protocol_version=1.2", {}, "it must be TLSv1, TLSv1.1, TLSv1.2 or TLSv1.3"],
    [
      "host=h ssl_max_protocol_version=TLSv1.1",
      {},
      'ssl_min_protocol_version "TLSv1.2" (from the defaults) is above ssl_max_protocol_version "TLSv1.1" (from the connection string)',
    ],
    ["host=h min_protocol_version=3.1", {}, "it must be 3.0, 3.2 or latest"],
    [
      "host=h min_protocol_version=3.2 max_protocol_version=3.0",
      {},
      'min_protocol_version "3.2" (from the connection string) is above max_protocol_version "3.0" (from the connection string)',
    ],
    [
      "host=a,b hostaddr=::1",
      {},
      "host lists 2 names (from the connection string), but hostaddr 1 addresses (from the connection string)",
    ],
    [
      "host=a,b port=1,2,3",
      {},
      "port lists 3 numbers (from the connection string) for 2 hosts; give one for all hosts, or one for each",
    ],
    [
      "hostaddr=localhost",
      {},
      'hostaddr "localhost", from the connection string, is not valid: it must be a numeric IPv4 or IPv6 address',
    ],
    ["hostaddr=::1,1.2.3.256", {}, "must be a numeric IPv4 or IPv6 address"],
    [{ host: `/${"x".repeat(120)}` }, {}, "(from the connection options) is too long: at most 10"],
    [
      "host=h sslnegotiation=direct",
      {},
      'sslmode "prefer", from the defaults, is too weak for sslnegotiation "direct", from the connection string, which needs sslmode require, verify-ca or verify-full',
    ],
    [
      "host=h sslmode=require",
      { PGSSLROOTCERT: "system" },
      'sslmode "require", from the connection string, is too weak for sslrootcert "system", from environment variable PGSSLROOTCERT, which needs sslmode verify-full',
    ],
    ["host=h sslmode=verify-full", {}, 'sslmode "verify-full" needs a root certificate, and'],
    [
      "host=h sslmode=verify-ca sslrootcert=/missing",
      {},
      'sslrootcert "/missing", from the connection string, does not exist; name the file with sslrootcert',
    ],
    [
      "host=h sslmode=require sslrootcert=/missing",
      {},
      'sslrootcert "/missing", from the connection string, does not exist',
    ],
    [
      "host=h",
      { PGAPPNAME: "a\0" },
      "the value of application_name, from environment variable PGAPPNAME, contains a NUL",
    ],
  ])("%j %j", (conninfo, environment, message) => {
    const error = failure(conninfo, environment);
    expect(error.message).toContain(message);
    expect(error).toBeInstanceOf(ProgrammingError);
  });
});

describe("what is not supported", () => {
  test.each([
    [
      "host=h client_encoding=LATIN1",
      'client_encoding "LATIN1", from the connection string, is not supported: text is always UTF8',
    ],
    [
      "host=h gssencmode=require",
      'gssencmode "require", from the connection string, is not supported',
    ],
    [
      "host=/d requirepeer=postgres",
      'requirepeer "postgres", from the connection string, is not supported',
    ],
  ])("%s", (conninfo, message) => {
    const error = failure(conninfo);
    expect(error.message).toContain(message);
    expect(error).toBeInstanceOf(NotSupportedError);
    expect(error.message).not.toContain("secret");
  });
});

test.each([
  ["hosst", "host"],
  ["HOST", "host"],
  ["pasword", "password"],
  ["pwd", "password"],
  ["ssl_mode", "sslmode"],
  ["connectTimeout", "connect_timeout"],
  ["targetSessionAttr", "target_session_attrs"],
  ["sslrootca", "sslrootcert"],
  ["max", null],
  ["idleTimeoutMillis", null],
  ["", null],
])("the keyword closest to %j is %j", (name, expected) => {
  expect(closestKeyword(name)).toBe(expected);
});
