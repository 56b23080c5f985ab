// When reading rests so that answers gather, and when it must not.

import { Socket } from "node:net";
import { afterAll, beforeEach, describe, expect, jest, test } from "@jest/globals";
import type { AsyncConnection } from "../../src/index.ts";
import { errors, OperationalError } from "../../src/index.ts";
import { SyncReply } from "../../src/protocol/replies.ts";
import { Session } from "../../src/protocol/session.ts";
import { Gathering } from "../../src/transport/gathering.ts";
import type { Shell } from "../support/shells.ts";
import { eventually, expectUsable, shells } from "../support/shells.ts";

const [{ connect }] = shells as readonly [Shell];
const READY = Buffer.from([0x5a, 0, 0, 0, 5, 0x49]);
const [FEW, MANY] = [30, 1_000];
const [SMALL, LARGE] = [40, 8_192];

interface Owing {
  send(count: number): void;
  /** So many answers come, in a piece of that size; whether reading goes on. */
  come(count: number, size: number): boolean;
  /** How many rests have ended. */
  wentOn(): number;
}

/** A session to which so many answers are owed, and its rests. */
function owing(count: number): Owing {
  let wentOn = 0;
  const session = new Session();
  const gathering = new Gathering(() => void wentOn++);
  const send = (more: number): void => {
    for (let i = 0; i < more; i++) session.owe(new SyncReply());
  };
  const come = (answers: number, size: number): boolean => {
    for (let i = 0; i < answers; i++) session.receive(READY, 0, READY.length);
    return gathering.readsOn(size, session);
  };
  send(count);
  // The first piece after a statement was sent never gives rise to a rest.
  come(0, SMALL);
  return { send, come, wentOn: () => wentOn };
}

describe("reading", () => {
  test("rests where many answers are owed and few have come, and goes on by itself", async () => {
    const { come, wentOn } = owing(MANY);
    expect(come(1, SMALL)).toBe(false);
    await eventually(() => wentOn() === 1);
    expect(come(100, LARGE)).toBe(true);
    expect(come(1, SMALL)).toBe(false);
    await eventually(() => wentOn() === 2);
  });

  test("does not rest where few answers are owed", () => {
    expect(owing(FEW).come(1, SMALL)).toBe(true);
  });

  test("does not rest after a large piece", () => {
    expect(owing(MANY).come(1, LARGE)).toBe(true);
  });

  test("does not rest when something was sent since the last piece", () => {
    const { send, come } = owing(MANY);
    send(1);
    expect(come(1, SMALL)).toBe(true);
    expect(come(1, SMALL)).toBe(false);
  });

  test("does not rest when the answers of a rest like the last one might be all", async () => {
    const { send, come, wentOn } = owing(MANY);
    expect(come(1, SMALL)).toBe(false);
    await eventually(() => wentOn() === 1);
    expect(come(500, LARGE)).toBe(true);
    expect(come(1, SMALL)).toBe(true);
    // Once all has been answered, nothing is known of what comes next.
    expect(come(498, SMALL)).toBe(true);
    send(MANY);
    expect(come(1, SMALL)).toBe(true);
    expect(come(1, SMALL)).toBe(false);
  });
});

describe("a connection to which many answers are owed", () => {
  const BURST = 400;
  /** Takes longer than to read an answer, so that each comes by itself. */
  const SLOW = "select $1::int4 as n from pg_sleep(0.0003)";
  /** Reading goes on after a rest by this, which plain reading has no use for. */
  const resume = jest.spyOn(Socket.prototype, "resume");
  beforeEach(() => void resume.mockClear());
  afterAll(() => resume.mockRestore());

  async function prepared(text: string = SLOW): Promise<AsyncConnection> {
    const conn = await connect();
    for (let i = 0; i < 10; i++) await conn.query(text, [i]);
    resume.mockClear();
    return conn;
  }
  const burst = (conn: AsyncConnection): Promise<unknown>[] =>
    Array.from({ length: BURST }, (_, n) => conn.query(SLOW, [n]));
  const resting = (): Promise<void> => eventually(() => resume.mock.calls.length > 0);

  test("rests, and gives all answers", async () => {
    await using conn = await prepared();
    const answers = await Promise.all(burst(conn));
    expect(answers).toEqual(Array.from({ length: BURST }, (_, n) => [{ n }]));
    expect(resume.mock.calls.length).toBeGreaterThan(0);
    await expectUsable(conn);
  });

  test("rests where a program has stopped the clock", async () => {
    const clock = globalThis.setTimeout;
    await using conn = await prepared();
    globalThis.setTimeout = (() => 0) as unknown as typeof setTimeout;
    try {
      await Promise.all(burst(conn));
    } finally {
      globalThis.setTimeout = clock;
    }
    expect(resume.mock.calls.length).toBeGreaterThan(0);
    await expectUsable(conn);
  });

  test("hears of notifications meanwhile", async () => {
    await using conn = await prepared();
    await using other = await connect();
    let heard = 0;
    conn.addNotifyHandler(() => void heard++);
    await conn.execute("listen gathering");
    const answers = burst(conn);
    await resting();
    await other.execute("notify gathering");
    await Promise.all(answers);
    await eventually(() => heard === 1);
  });

  test("can be cancelled", async () => {
    await using conn = await prepared();
    const answers = burst(conn);
    await resting();
    await conn.cancel();
    const outcomes = await Promise.allSettled(answers);
    // It may come between two of them; older servers signal the session and then its process group, and may hit two.
    const failed = outcomes.filter(({ status }) => status === "rejected");
    for (const one of failed)
      expect(one).toMatchObject({ reason: expect.any(errors.QueryCanceled) });
    expect(failed.length).toBeLessThanOrEqual(2);
    await expectUsable(conn);
  });

  test("can be closed", async () => {
    const conn = await prepared();
    const answers = burst(conn);
    await resting();
    await conn.close();
    const outcomes = await Promise.allSettled(answers);
    expect(outcomes.at(-1)).toMatchObject({ reason: expect.any(OperationalError) });
  });

  test("who waits behind a rest hears of the end of the connection", async () => {
    const quick = "select $1::int4 as n";
    await using conn = await prepared(quick);
    const end = 500;
    const outcomes = await Promise.allSettled(
      Array.from({ length: MANY }, (_, i) =>
        i === end
          ? conn.query("select pg_terminate_backend(pg_backend_pid())")
          : conn.query(quick, [i]),
      ),
    );
    // A system that closes a socket with unread requests takes back what was on its way: there may be
    // fewer answers.
    const answered = outcomes.findIndex(({ status }) => status === "rejected");
    expect(answered).toBeLessThanOrEqual(end);
    outcomes.forEach((outcome, i) => {
      if (i < answered) expect(outcome).toEqual({ status: "fulfilled", value: [{ n: i }] });
      else expect(outcome).toMatchObject({ reason: expect.any(OperationalError) });
    });
    expect(conn.broken).toBe(true);
  });
});
