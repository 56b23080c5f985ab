// However carelessly a password is written, no error shows a word of it.

import { inspect } from "node:util";
import { expect, test } from "@jest/globals";
import fc from "fast-check";

import type { Conninfo } from "../../src/conninfo/dict.ts";
import { resolveConninfo } from "../../src/conninfo/resolve.ts";

const words = ["xyzzy", "plugh", "frotz"];
const password = fc
  .array(fc.tuple(fc.constantFrom(...words), fc.constantFrom(..." /@:?#&=%'\\[],;+\n".split(""))), {
    minLength: 1,
    maxLength: 4,
  })
  .map((parts) => parts.flat().join(""));
const careless: readonly ((password: string) => Conninfo)[] = [
  (text) => `postgresql://ada:${text}@h:5432/app?sslmode=prefer`,
  (text) => `postgresql://ada:${text}xyzzy@h:5432/app`,
  (text) => `postgresql://ada:${text}xyzzy@[::1]:5432/app?connect_timeout=x`,
  (text) => `postgresql://ada:${text}@h,i:1,2,3/app`,
  (text) => `postgresql://h/app?password=${text}&port=x`,
  (text) => `postgres://h:x/app?sslpassword=${text}&password=${text}`,
  (text) => `Postgresql://ada:${text}@h/app`,
  (text) => `postgresql+ssl://ada:${text}@h/app?sslmode=prefer`,
  (text) => `host=h password=${text} port=x`,
  (text) => `password=${text}xyzzy`,
  (text) => `host=h password='${text}' port=x`,
  (text) => `host=h user=ada password = '${text}xyzzy' port`,
  (text) => ({ host: "h", port: "x", password: text, sslpassword: text }),
  (text) => ({ host: "h", password: `${text}\0` }),
  (text) => ({ host: "h", scram_client_key: text }),
];

test.each(careless.map((make, index) => [make("PASSWORD"), index] as const))("%j", (_, index) => {
  let errors = 0;
  fc.assert(
    fc.property(password, (text) => {
      const conninfo = careless[index]?.(text) ?? "";
      try {
        resolveConninfo(conninfo, undefined, { HOME: "/nonexistent" });
      } catch (error) {
        errors++;
        const shown = inspect(error, { depth: 9, showHidden: true });
        for (const word of words) expect(shown).not.toContain(word);
      }
    }),
    { numRuns: 150 },
  );
  expect(errors).toBeGreaterThan(20);
});
