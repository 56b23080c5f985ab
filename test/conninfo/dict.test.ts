// conninfoToDict and makeConninfo: objects, overrides, and strings that read back as they were.

import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";

import type { Conninfo, ConninfoObject } from "../../src/conninfo/dict.ts";
import { conninfoToDict, makeConninfo } from "../../src/conninfo/dict.ts";
import { keywords } from "../../src/conninfo/keywords.ts";

describe("conninfoToDict", () => {
  test.each<[Conninfo | null | undefined, ConninfoObject | null | undefined, object]>([
    [undefined, undefined, {}],
    [null, null, {}],
    ["", {}, {}],
    [{}, undefined, {}],
    [{ host: "h", port: 5432 }, undefined, { host: "h", port: "5432" }],
    ["host=h port=1", { port: 2 }, { host: "h", port: "2" }],
    ["postgresql://ada@h/app", { dbname: "other" }, { user: "ada", host: "h", dbname: "other" }],
    [{ host: "h", user: "ada" }, { user: "bob" }, { host: "h", user: "bob" }],
    ["host=h user=ada", { user: null, host: undefined }, { host: "h", user: "ada" }],
    ["host=h user=ada", { user: "" }, { host: "h", user: "" }],
    [{ keepalives: false, sslsni: true }, undefined, { keepalives: "0", sslsni: "1" }],
    [{ replication: true }, undefined, { replication: "1" }],
    ["postgresql:///%EF%BB%BFdb", undefined, { dbname: "\ufeffdb" }],
    [{ password: 1234 }, undefined, { password: "1234" }],
    [Object.assign(Object.create(null), { host: "h" }), undefined, { host: "h" }],
  ])("%j with %j", (conninfo, overrides, expected) => {
    expect(conninfoToDict(conninfo, overrides)).toEqual(expected);
  });

  test("gives the keywords in libpq's order, without a prototype's help", () => {
    expect(Object.keys(conninfoToDict("port=1 host=h dbname=d user=u"))).toEqual([
      "user",
      "dbname",
      "host",
      "port",
    ]);
    expect(() => conninfoToDict(JSON.parse('{"__proto__": 1}') as ConninfoObject)).toThrow(
      'unknown keyword "__proto__"',
    );
  });
});

describe("makeConninfo", () => {
  test.each<[Conninfo | undefined, ConninfoObject | undefined, string]>([
    [undefined, undefined, ""],
    ["", { host: "" }, "host=''"],
    ["port=1 host=h", undefined, "host=h port=1"],
    [
      "postgresql://ada:p%20w@h:1/app",
      undefined,
      "user=ada password='p w' dbname=app host=h port=1",
    ],
    ["dbname=a", { dbname: "b" }, "dbname=b"],
    ["dbname=a user=u", { dbname: undefined, user: null }, "user=u dbname=a"],
    [{ dbname: "it's" }, undefined, "dbname=it\\'s"],
    [{ dbname: "a b\\" }, undefined, "dbname='a b\\\\'"],
    [{ dbname: "a=b" }, undefined, "dbname=a=b"],
    [{ dbname: "a\nb" }, undefined, "dbname='a\nb'"],
    [{ dbname: "ä,;\u00a0" }, undefined, "dbname=ä,;\u00a0"],
    ["requiressl=1", undefined, "sslmode=require"],
  ])("%j with %j", (conninfo, overrides, expected) => {
    expect(makeConninfo(conninfo, overrides)).toBe(expected);
  });
});

const anyObject: fc.Arbitrary<ConninfoObject> = fc.dictionary(
  fc.constantFrom(...keywords.map(({ keyword }) => keyword)),
  fc.oneof(
    fc.string({ unit: "grapheme" }).filter((text) => !text.includes("\0")),
    fc.string({ unit: fc.constantFrom("a", "'", "\\", " ", "=", "\n", "\t", "é") }),
  ),
  { noNullPrototype: false },
);

test("what makeConninfo writes reads back as it was", () => {
  fc.assert(
    fc.property(anyObject, (object) => {
      expect(conninfoToDict(makeConninfo(object))).toEqual(conninfoToDict(object));
    }),
    { numRuns: 2000 },
  );
});

test("a value that is percent-encoded in a URI reads back as it was", () => {
  const encode = (text: string): string =>
    [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
  const text = fc.string({ unit: "grapheme", minLength: 1 }).filter((one) => !one.includes("\0"));
  fc.assert(
    fc.property(text, text, text, text, text, (user, password, host, dbname, value) => {
      const uri =
        `postgresql://${encode(user)}:${encode(password)}@${encode(host)}:1/${encode(dbname)}` +
        `?application_name=${encode(value)}`;
      expect(conninfoToDict(uri)).toEqual({
        user,
        password,
        host,
        dbname,
        port: "1",
        application_name: value,
      });
    }),
  );
});
