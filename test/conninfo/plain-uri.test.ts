// The two readers of URIs: wherever a URI may be given to pg-connection-string, it must read the
// same as our own; and its habits (opening files, printing warnings) must never show.

import fs from "node:fs";
import { describe, expect, jest, test } from "@jest/globals";
import fc from "fast-check";

import { isPlainUri, parsePlainUri } from "../../src/conninfo/plain-uri.ts";
import { settingsFromPairs } from "../../src/conninfo/settings.ts";
import { parseUri } from "../../src/conninfo/uri.ts";
import { recording } from "./recording.ts";

function valuesOf(pairs: Parameters<typeof settingsFromPairs>[0]): Record<string, string> {
  const settings = settingsFromPairs(pairs, "the test");
  return Object.fromEntries([...settings].map(([keyword, { value }]) => [keyword, value]));
}

function expectAgreement(uri: string): void {
  expect(valuesOf(parsePlainUri(uri))).toEqual(valuesOf(parseUri(uri)));
}

const letters = "abcXYZ019_.~-".split("");
const word = (options: fc.StringConstraints): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...letters), ...options });
const escape = fc
  .integer({ min: 0x20, max: 0x7e })
  .chain((code) => fc.constantFrom(code.toString(16), code.toString(16).toUpperCase()))
  .map((digits) => `%${digits}`);
const encoded = (minLength: number): fc.Arbitrary<string> =>
  fc
    .array(fc.oneof(fc.constantFrom(...letters), escape), { minLength, maxLength: 8 })
    .map((parts) => parts.join(""));

const plainUri = fc
  .tuple(
    fc.constantFrom("postgres", "postgresql"),
    fc.option(fc.tuple(encoded(1), fc.option(encoded(1)))),
    word({ minLength: 1, maxLength: 10 }).map((host) => `h${host.replaceAll("~", "-")}`),
    fc.option(fc.integer({ min: 1, max: 65_535 })),
    fc.option(word({ maxLength: 8 }).map((name) => (name.startsWith(".") ? `d${name}` : name))),
    fc.array(
      fc.tuple(
        fc.constantFrom("application_name", "options", "connect_timeout", "target_session_attrs"),
        encoded(0),
      ),
      { maxLength: 3 },
    ),
  )
  .map(([scheme, credentials, host, port, dbname, query]) => {
    const [user, password] = credentials ?? [null, null];
    return [
      `${scheme}://`,
      user === null ? "" : `${user}${password === null ? "" : `:${password}`}@`,
      host,
      port === null ? "" : `:${port}`,
      dbname === null ? "" : `/${dbname}`,
      query.length === 0 ? "" : `?${query.map((pair) => pair.join("=")).join("&")}`,
    ].join("");
  });

describe("which URIs are plain", () => {
  test.each([
    "postgresql://localhost",
    "postgresql://localhost/",
    "postgres://ada:secret@db.example.org:5432/app",
    "postgresql://ada@h/app?application_name=x&connect_timeout=10",
    "postgresql://ada:p%40ss%2Fword@h/app?options=-c%20geqo%3Doff",
    "postgresql://base/base",
  ])("%s is", (uri) => {
    expect(isPlainUri(uri)).toBe(true);
    expectAgreement(uri);
  });

  test.each([
    "postgresql:///app",
    "postgresql://a,b/app",
    "postgresql://[::1]/app",
    "postgresql://%2Ftmp/app",
    "postgresql://h:0/app",
    "postgresql://h:05432/app",
    "postgresql://h:65536/app",
    "postgresql://h/.",
    "postgresql://h/..",
    "postgresql://h/a%2Fb",
    "postgresql://h/a/b",
    "postgresql://h/a#b",
    "postgresql://ada:@h/app",
    "postgresql://h/app?application_name=a+b",
    "postgresql://h/app?sslmode=require",
    "postgresql://h/app?sslcert=x",
    "postgresql://h/app?sslkey=x",
    "postgresql://h/app?sslrootcert=x",
    "postgresql://h/app?sslnegotiation=direct",
    "postgresql://h/app?ssl=true",
    "postgresql://h/app?host=x",
    "postgresql://h/app?port=1",
    "postgresql://h/app?user=x",
    "postgresql://h/app?password=x",
    "postgresql://h/app?dbname=x",
    "postgresql://h/app?database=x",
    "postgresql://h/app?uselibpqcompat=true",
    "postgresql://ada:%C3%A9@h/app",
    "postgresql://ada:é@h/app",
    "postgresql://h/app?",
    "postgresql://h/app\n",
    "POSTGRESQL://h/app",
    "socket://h/app",
    "/tmp app",
  ])("%j is not", (uri) => expect(isPlainUri(uri)).toBe(false));
});

test("both readers agree on generated plain URIs", () => {
  fc.assert(
    fc.property(plainUri, (uri) => {
      expect(isPlainUri(uri)).toBe(true);
      expectAgreement(uri);
    }),
    { numRuns: 2000 },
  );
});

test("both readers agree on whatever is taken for plain, however it was damaged", () => {
  const damage = fc.tuple(plainUri, fc.nat(), fc.nat({ max: 3 }), fc.string({ maxLength: 3 }));
  let plain = 0;
  fc.assert(
    fc.property(damage, ([uri, place, removed, inserted]) => {
      const at = place % (uri.length + 1);
      const damaged = uri.slice(0, at) + inserted + uri.slice(at + removed);
      if (!isPlainUri(damaged)) return;
      plain++;
      expectAgreement(damaged);
    }),
    { numRuns: 3000 },
  );
  expect(plain).toBeGreaterThan(100);
});

test("both readers agree on the recorded URIs that are plain", () => {
  const uris = recording.parse.map(({ input }) => input).filter(isPlainUri);
  expect(uris.length).toBeGreaterThan(10);
  for (const uri of uris) expectAgreement(uri);
});

test("reading a plain URI opens no file and prints no warning", () => {
  const open = jest.spyOn(fs, "readFileSync");
  const warn = jest.spyOn(process, "emitWarning");
  fc.assert(fc.property(plainUri, (uri) => void parsePlainUri(uri)));
  expect(open).not.toHaveBeenCalled();
  expect(warn).not.toHaveBeenCalled();
  open.mockRestore();
  warn.mockRestore();
});
