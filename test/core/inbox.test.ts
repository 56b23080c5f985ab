// The inbox by itself: what a reader that is left standing costs, and that long queues stay in order.

import { describe, expect, test } from "@jest/globals";
import { Inbox, NotifyReader } from "../../src/core/inbox.ts";
import { Notify } from "../../src/core/notify.ts";
import { warningsOf } from "../support/shells.ts";

const notify = (n: number): Notify => new Notify("c", String(n), 1);
const readerOf = (inbox: Inbox): NotifyReader => new NotifyReader(inbox, () => null, undefined);

describe("an inbox", () => {
  test("is bounded even for a generator that was begun and forgotten", async () => {
    const inbox = new Inbox(10, []);
    const reader = readerOf(inbox);
    reader.begin();
    const warnings = await warningsOf(() => {
      for (let n = 0; n < 1_000_003; n++) inbox.take(notify(n));
    });
    expect([inbox.size, inbox.dropped, warnings.length]).toEqual([1_000_000, 3, 1]);
    expect(reader.step()).toMatchObject({ payload: "3" });
  });

  test("keeps the order, however taking and giving alternate", () => {
    const inbox = new Inbox(Infinity, []);
    const reader = readerOf(inbox);
    reader.begin();
    const taken: string[] = [];
    let given = 0;
    for (let round = 1; round <= 300; round++) {
      for (let n = 0; n < round; n++) inbox.take(notify(given++));
      for (let n = 0; n < (round * 7) % 331; n++) {
        const next = reader.step();
        if (next) taken.push(next.payload);
      }
    }
    for (let next = reader.step(); next; next = reader.step()) taken.push(next.payload);
    expect(taken).toEqual(Array.from({ length: given }, (_, n) => String(n)));
    expect([inbox.size, inbox.dropped]).toEqual([0, 0]);
  });

  test("drops one for each that comes, and never more at once", async () => {
    const inbox = new Inbox(2, []);
    const reader = readerOf(inbox);
    reader.begin();
    for (let n = 0; n < 10; n++) inbox.take(notify(n));
    reader.end();
    await warningsOf(() => inbox.take(notify(10)));
    expect([inbox.size, inbox.dropped]).toEqual([10, 1]);
  });
});
