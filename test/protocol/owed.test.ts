// The queue of what the server owes, held against a list.

import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { Owed } from "../../src/protocol/owed.ts";
import { SyncReply } from "../../src/protocol/replies.ts";

describe("what is owed comes in the order in which it was asked", () => {
  test("however many there are", () => {
    // Longer runs of one kind, so that it grows, and goes round.
    const runs = fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 50 })), {
      maxLength: 30,
    });
    fc.assert(
      fc.property(runs, (course) => {
        const owed = new Owed();
        const model: SyncReply[] = [];
        for (const [adds, times] of course) {
          for (let i = 0; i < times; i++) {
            if (adds) {
              const reply = new SyncReply();
              owed.add(reply);
              model.push(reply);
            } else if (model.length > 0) {
              owed.drop();
              model.shift();
            }
          }
          expect(owed.count).toBe(model.length);
          expect(owed.first).toBe(model[0] ?? null);
          expect([...owed].every((reply, at) => reply === model[at])).toBe(true);
        }
        const all = owed.takeAll();
        expect(all.length).toBe(model.length);
        expect(all.every((reply, at) => reply === model[at])).toBe(true);
        expect([owed.count, owed.first]).toEqual([0, null]);
      }),
    );
  });

  test("also when thousands are owed, and again after that", () => {
    const owed = new Owed();
    for (let round = 0; round < 2; round++) {
      const replies = Array.from({ length: 10_000 }, () => new SyncReply());
      for (const reply of replies) owed.add(reply);
      for (const reply of replies) {
        if (owed.first !== reply) throw new Error("out of order");
        owed.drop();
      }
      expect([owed.count, owed.first]).toEqual([0, null]);
    }
  });
});
