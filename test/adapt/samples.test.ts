// Every sample in every direction and format. Text and binary give the same value, and what is written
// is what the server would write.

import { describe, expect, test } from "@jest/globals";
import { codecOf, dumpHex, loadHex, loadText, throughText } from "./forms.ts";
import { allSamples } from "./samples.ts";

/** Forms that the server has for a value besides the one that we write. */
const OTHER_FORMS = new Set(["[2:3]={7,8}", '{"a": [1, 2.5, null], "b": "x"}']);
/** What loads as null by being JSON's null, and would be sent as SQL's. */
const isJsonNull = (text: string): boolean => text === "null" || text.includes('"null"');

describe.each(allSamples)("%s %s", (type, text, hex, value) => {
  const codec = codecOf(type);

  test("is read from text", () => {
    expect(loadText(codec, text)).toStrictEqual(value);
  });

  test("is read from binary", () => {
    expect(loadHex(codec, hex)).toStrictEqual(value);
  });

  // A string given to json is the document itself, see json.test.ts.
  const isDocument = type.startsWith("json") && typeof value === "string";
  const sent = isDocument ? text : value;
  if (isJsonNull(text)) return;

  test("comes back through text", () => {
    expect(throughText(codec, sent)).toStrictEqual(value);
  });

  test("is written in binary", () => {
    const written = dumpHex(codec, sent);
    // Only what the server reads by rules of its own goes in text, or what it doesn't take in binary.
    if (written === false) {
      if (text !== "") expect(["name", "xml"]).toContain(type);
      else expect(["int2vector", "oidvector", "tsquery"]).toContain(type);
    } else if (OTHER_FORMS.has(text) || type === "jsonb[]") {
      expect(loadHex(codec, written)).toStrictEqual(value);
    } else expect(written).toBe(hex);
  });
});
