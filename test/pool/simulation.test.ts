// The policies under thousands of random events, and the hand-picked races among them.

import { describe, expect, test } from "@jest/globals";
import { errors, OperationalError, PoolClosed, PoolTimeout } from "../../src/index.ts";
import { seed, seeded } from "../support/seed.ts";
import { simulate } from "./random-life.ts";
import { settled, World } from "./simulated.ts";

describe("thousands of random events", () => {
  const seeds = Array.from({ length: 15 }, (_, n) => n + 1);
  test.each(seeds)("seed %i", (one) => simulate(one, 400));

  test("a seed of this run", () => seeded(() => simulate(seed, 400)));
});

describe("races", () => {
  test("a connection that comes after its waiter left is kept, and given to the next", async () => {
    const world = new World({ minSize: 0, maxSize: 1, timeout: 100 });
    world.lifecycle.open();
    const first = world.arrive();
    await settled();
    await world.clock.pass(150);
    expect(first.error).toBeInstanceOf(PoolTimeout);
    const [attempt] = world.keeper.connecting;
    world.keeper.land(attempt!);
    await settled();
    expect(world.core.roster.idle).toHaveLength(1);
    expect(world.arrive().state).toBe("waiting");
    await settled();
    expect(world.requests[1]?.state).toBe("served");
  });

  test("aborting in the moment of the hand-over either fails or takes, never both", async () => {
    const world = new World({ minSize: 0, maxSize: 1 });
    world.lifecycle.open();
    const request = world.arrive();
    await settled();
    const [attempt] = world.keeper.connecting;
    world.keeper.land(attempt!);
    await Promise.resolve();
    request.controller.abort();
    await settled();
    expect(world.loans.size).toBe(request.state === "served" ? 1 : 0);
    expect(world.core.roster.idle.length).toBe(request.state === "served" ? 0 : 1);
    world.judge();
  });

  test("a place stays taken until its socket is gone", async () => {
    const world = new World({ minSize: 0, maxSize: 1 });
    world.lifecycle.open();
    world.arrive();
    await settled();
    world.keeper.land([...world.keeper.connecting][0]!);
    await settled();
    world.keeper.nextReturn = { usable: false, inTransaction: false };
    world.giveBack([...world.loans][0]!);
    const next = world.arrive();
    await settled();
    expect(world.keeper.connecting.size).toBe(0);
    [...world.keeper.closing][0]!.resolve();
    await settled();
    expect(world.keeper.connecting.size).toBe(1);
    world.keeper.land([...world.keeper.connecting][0]!);
    await settled();
    expect(next.state).toBe("served");
  });
});

describe("an outage", () => {
  test("pauses longer and longer, one attempt at a time, and ends for all at once", async () => {
    const world = new World({ minSize: 0, maxSize: 5, timeout: 60_000 }, () => 0);
    const { keeper, clock } = world;
    world.lifecycle.open();
    for (let i = 0; i < 5; i++) world.arrive();
    await settled();
    expect(keeper.connecting.size).toBe(5);
    for (const attempt of Array.from(keeper.connecting))
      attempt.reject(new OperationalError("refused"));
    await settled();
    const pauses: number[] = [];
    for (let i = 0; i < 8; i++) {
      let pause = 0;
      for (; keeper.connecting.size === 0; pause++) await clock.pass(1);
      pauses.push(pause);
      expect(keeper.connecting.size).toBe(1);
      [...keeper.connecting][0]!.reject(new OperationalError("refused"));
      await settled();
    }
    expect(pauses).toEqual([50, 100, 200, 400, 500, 500, 500, 500]);
    while (keeper.connecting.size === 0) await clock.pass(1);
    keeper.land([...keeper.connecting][0]!);
    await settled();
    expect(keeper.connecting.size).toBe(4);
  });

  test("a long pause while nobody waits is cut by the first who does", async () => {
    const world = new World({ minSize: 1, maxSize: 5, reconnectTimeout: 1e9 }, () => 0);
    const { keeper, clock } = world;
    world.lifecycle.open();
    for (let i = 0; i < 12; i++) {
      while (keeper.connecting.size === 0) await clock.pass(100);
      [...keeper.connecting][0]!.reject(new OperationalError("refused"));
      await settled();
    }
    await clock.pass(5_000);
    expect(keeper.connecting.size).toBe(0);
    world.arrive();
    await clock.pass(1);
    expect(keeper.connecting.size).toBe(1);
  });

  test("what is of no use to try again fails at once, until the pause is over", async () => {
    const world = new World({ minSize: 0, maxSize: 5 }, () => 0);
    const { keeper, clock } = world;
    world.lifecycle.open();
    const first = [world.arrive(), world.arrive()];
    await settled();
    for (const attempt of Array.from(keeper.connecting))
      attempt.reject(new errors.InvalidPassword("no"));
    await settled();
    for (const { error } of first) expect(error).toBeInstanceOf(errors.InvalidPassword);
    const second = world.arrive();
    await settled();
    expect(second.error).toBeInstanceOf(errors.InvalidPassword);
    expect(keeper.connecting.size).toBe(0);
    await clock.pass(60);
    const third = world.arrive();
    await settled();
    keeper.land([...keeper.connecting][0]!);
    await settled();
    expect(third.state).toBe("served");
  });
});

describe("time", () => {
  test("a frozen process checks what rested before it lends it", async () => {
    const world = new World({ minSize: 2, maxSize: 2 });
    world.lifecycle.open();
    await settled();
    for (const attempt of Array.from(world.keeper.connecting)) world.keeper.land(attempt);
    await settled();
    world.clock.freeze(300_000);
    const request = world.arrive();
    await settled();
    expect([request.state, world.keeper.checking.size]).toEqual(["waiting", 1]);
    [...world.keeper.checking][0]!.reject(new Error("dead"));
    await settled();
    // The other one rested as long: it goes as well, without a check of its own.
    expect(world.core.roster.idle).toEqual([]);
    expect(world.core.counters.connectionsRetired).toBe(1);
  });

  test("ages count by the time of day", async () => {
    const world = new World({ minSize: 0, maxSize: 2, maxLifetime: 10_000 });
    world.lifecycle.open();
    world.arrive();
    await settled();
    world.keeper.land([...world.keeper.connecting][0]!);
    await settled();
    world.keeper.nextReturn = { usable: true, inTransaction: false };
    world.giveBack([...world.loans][0]!);
    world.clock.freeze(20_000);
    world.arrive();
    await settled();
    expect(world.keeper.connecting.size).toBe(1);
    expect(world.core.counters.connectionsRetired).toBe(1);
  });

  test("closing gives loans their time, and no more", async () => {
    const world = new World({ minSize: 0, maxSize: 2 });
    world.lifecycle.open();
    world.arrive();
    await settled();
    world.keeper.land([...world.keeper.connecting][0]!);
    await settled();
    let closed = false;
    void world.lifecycle.close(1_000).then(() => (closed = true));
    const late = world.arrive();
    await world.clock.pass(900);
    expect(late.error).toBeInstanceOf(PoolClosed);
    expect([closed, world.keeper.open.size]).toEqual([false, 1]);
    await world.clock.pass(200);
    for (const one of Array.from(world.keeper.closing)) one.resolve();
    await settled();
    expect([closed, world.keeper.open.size, world.clock.timers]).toEqual([true, 0, 0]);
  });
});
