// What falls out of a memory of limited size, held against the simplest one: a list in the order of use.

import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { Recency } from "../../src/core/recency.ts";
import type { Remembered } from "../../src/core/recency.ts";

class Entry implements Remembered {
  newer: Remembered | null = null;
  older: Remembered | null = null;
  readonly key: string;
  constructor(key: string) {
    this.key = key;
  }
}

const keys = fc.constantFrom("a", "b", "c", "d", "e", "f");
const steps = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant("use" as const), key: keys }),
    fc.record({ kind: fc.constant("forget" as const) }),
    fc.record({ kind: fc.constant("clear" as const) }),
  ),
  { maxLength: 60 },
);

describe("what was used least recently is forgotten first", () => {
  test("after any steps", () => {
    fc.assert(
      fc.property(steps, (course) => {
        const memory = new Recency<Entry>();
        let model: Entry[] = [];
        for (const step of course) {
          if (step.kind === "clear") {
            memory.clear();
            model = [];
          } else if (step.kind === "forget") {
            expect(memory.forgetOldest()).toBe(model.shift() ?? null);
          } else {
            const known = model.find(({ key }) => key === step.key);
            expect(memory.use(step.key)).toBe(known);
            const entry = known ?? new Entry(step.key);
            if (known === undefined) memory.add(entry);
            model = [...model.filter((other) => other !== entry), entry];
          }
          expect(memory.size).toBe(model.length);
          expect(new Set(memory.values())).toEqual(new Set(model));
          for (const entry of model) expect(memory.has(entry)).toBe(true);
        }
        const left = model.map(() => memory.forgetOldest());
        expect(left).toEqual(model);
        expect(memory.forgetOldest()).toBeNull();
      }),
    );
  });

  test("another entry of the same key is not the one that is remembered", () => {
    const memory = new Recency<Entry>();
    memory.add(new Entry("a"));
    expect(memory.has(new Entry("a"))).toBe(false);
  });

  test("what was forgotten holds on to nobody", () => {
    const memory = new Recency<Entry>();
    const [first, second] = [new Entry("a"), new Entry("b")];
    memory.add(first);
    memory.add(second);
    memory.forgetOldest();
    expect([first.newer, first.older, second.older]).toEqual([null, null, null]);
  });
});
