// Where strings, names, comments and placeholders begin and end; and placeholders by name.

import { describe, expect, test } from "@jest/globals";
import { numberNames, valuesByName } from "../../src/sql/named.ts";
import { tokensOf } from "../../src/sql/tokens.ts";

/** The tokens as "kind text". */
function cut(text: string, standardStrings = true): string[] | null {
  const tokens = tokensOf(text, standardStrings);
  return tokens?.map(({ kind, start, end }) => `${kind} ${text.slice(start, end)}`) ?? null;
}

describe("tokens", () => {
  const table: [text: string, tokens: string[] | null][] = [
    ["$a::int", ["named $a", "sign :", "sign :", "word int"]],
    ["x->>$key", ["word x", "sign -", "sign >", "sign >", "named $key"]],
    ["$arr[1]", ["named $arr", "sign [", "number 1", "sign ]"]],
    ["a$b $1", ["word a$b", "parameter $1"]],
    ["$é_1", ["named $é_1"]],
    ["$name$ $x $name$", ["string $name$ $x $name$"]],
    ["$$ $x $$", ["string $$ $x $$"]],
    ["$a$ $b$ $x $b$ $a$", ["string $a$ $b$ $x $b$ $a$"]],
    ["$a$ $b", null],
    ["/* /* $x */ $y */ $z -- $w", ["named $z"]],
    ["'$x' \"$y\" $z", ["string '$x'", 'name "$y"', "named $z"]],
    ["e'\\'$x' $y", ["string e'\\'$x'", "named $y"]],
    ["U&'\\0041''$x' $y", ["string U&'\\0041''$x'", "named $y"]],
    ["'a''b' 'c'", ["string 'a''b'", "string 'c'"]],
    // A string goes on behind a line break, by the rules that it began with.
    ["'a'\n '$x' $y", ["string 'a'\n '$x'", "named $y"]],
    ["e'a'\n'\\'$x' $y", ["string e'a'\n'\\'$x'", "named $y"]],
    ["'a' -- '\n  -- \n '$x' $y", ["string 'a' -- '\n  -- \n '$x'", "named $y"]],
    ["'a' /* \n */ '$x'", ["string 'a'", "string '$x'"]],
    ["'a'\n e'$x'", ["string 'a'", "string e'$x'"]],
    // What is blank for JavaScript is a letter for the server.
    ["\u00a0e'\\' $x", ["word \u00a0e", "string '\\'", "named $x"]],
    ["\u3000$1", ["word \u3000$1"]],
    ["1.5e-3-$x", ["number 1.5e", "sign -", "number 3", "sign -", "named $x"]],
    ["'", null],
    ['"', null],
    ["/*", null],
    ["e'\\'", null],
  ];
  test.each(table)("%j", (text, tokens) => {
    expect(cut(text)).toEqual(tokens);
  });

  test("without standard_conforming_strings", () => {
    expect(cut("'\\'$x' $y", false)).toEqual(["string '\\'$x'", "named $y"]);
    expect(cut("n'\\'$x' $y", false)).toEqual(["string n'\\'$x'", "named $y"]);
    expect(cut("b'1\\' $y", false)).toEqual(["string b'1\\'", "named $y"]);
    expect(cut("'a'\n'\\'$x' $y", false)).toEqual(["string 'a'\n'\\'$x'", "named $y"]);
  });

  test("of texts of many megabytes, whatever is in them", () => {
    const size = 1 << 23;
    const kinds = (text: string): unknown => cut(text)?.map((token) => token.split(" ", 1)[0]);
    expect(kinds(`'${"''".repeat(size)}' $x`)).toEqual(["string", "named"]);
    expect(kinds(`e'${"\\'".repeat(size)}' $x`)).toEqual(["string", "named"]);
    expect(kinds(`"${'""'.repeat(size)}" $x`)).toEqual(["name", "named"]);
    expect(kinds(`'' ${"-".repeat(size)}`)).toEqual(["string"]);
    expect(kinds(`''${"\n--'".repeat(1 << 20)}`)).toEqual(["string"]);
  });
});

describe("placeholders by name", () => {
  const number = (text: string): string => numberNames(text, true).text;

  test("get the number of their first use", () => {
    expect(numberNames("select $b, $a, $b::int, '$c', $B", true)).toEqual({
      text: "select $1, $2, $1::int, '$c', $3",
      names: ["b", "a", "B"],
    });
    expect(number("select 1")).toBe("select 1");
    expect(number("$toString || $__proto__")).toBe("$1 || $2");
  });

  test("are read again under the other setting of strings", () => {
    const text = "select '\\' || $a || '\\', $b";
    expect(numberNames(text, true).names).toEqual(["a", "b"]);
    expect(() => numberNames(text, false)).toThrow("has no end");
    expect(numberNames(text, true)).toBe(numberNames(text, true));
  });

  test("are remembered, and not for ever", () => {
    const first = numberNames("select $a /* 0 */", true);
    for (let index = 1; index <= 600; index++) number(`select $a /* ${index} */`);
    expect(numberNames("select $a /* 0 */", true)).not.toBe(first);
    expect(numberNames("select $a /* 0 */", true)).toEqual(first);
  });

  test("and by number don't mix", () => {
    expect(() => number("select $1, $a")).toThrow("not both");
    expect(number("select '$1', $a")).toBe("select '$1', $1");
  });

  test("their values", () => {
    const names = numberNames("select $a, $b", true);
    const valuesOf = (values: object): unknown[] => valuesByName(names, values, names.text);
    class Pair {
      a = 1;
      get b(): number {
        return 2;
      }
    }
    expect(valuesOf({ b: 2, a: null, c: 3 })).toEqual([null, 2]);
    expect(valuesOf(new Pair())).toEqual([1, 2]);
    expect(valuesOf(Object.assign(Object.create(null) as object, { a: 1, b: 2 }))).toEqual([1, 2]);
    expect(() => valuesOf({ a: 1 })).toThrow("no value for $b");
    expect(() => valuesOf({ a: 1, b: undefined })).toThrow("$b is undefined");
    const inherited = numberNames("select $constructor", true);
    expect(() => valuesByName(inherited, {}, "")).toThrow("no value for $constructor");
    const none = numberNames("select 1", true);
    expect(valuesByName(none, {}, "")).toEqual([]);
    expect(() => valuesByName(none, { timeout: 1 }, "")).toThrow("options come after");
  });
});
