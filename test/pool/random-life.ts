// One random life of a pool: events drawn from a seed, the judge after each of them, and at the end
// everybody served and everything closed.

import { expect } from "@jest/globals";
import { errors, OperationalError } from "../../src/index.ts";
import { settled, World } from "./simulated.ts";

/** A generator of chance that gives the same for the same seed. */
function chanceOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t ^= t + Math.imul(t ^ (t >>> 7), 61 | t);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** The policies that are tried. */
const policies = [
  { minSize: 0, maxSize: 1 },
  { minSize: 2, maxSize: 5, maxWaiting: 20 },
  { minSize: 4, maxSize: 4, maxLifetime: 5_000 },
  { minSize: 0, maxSize: 6, maxIdle: 0 },
  { minSize: 1, maxSize: 8, maxIdle: 500, maxLifetime: 2_000, reconnectTimeout: 1_000 },
];

/** Lives one life; throws when a rule was broken. */
export async function simulate(seed: number, steps: number): Promise<void> {
  const chance = chanceOf(seed);
  const pick = <T>(from: Iterable<T>): T | undefined => {
    const all = [...from];
    return all[Math.floor(chance() * all.length)];
  };
  const policy = policies[seed % policies.length]!;
  const world = new World({ timeout: 3_000, checkTimeout: 400, ...policy }, chance);
  const { core, keeper, clock } = world;
  keeper.checksAlways = seed % 3 === 0;
  world.lifecycle.open();
  const happenings: [weight: number, happen: () => unknown][] = [
    [30, () => world.arrive(chance() < 0.3 ? chance() * 200 : undefined)],
    [3, () => void Array.from({ length: 15 }, () => world.arrive())],
    [8, () => pick(world.requests.filter(({ state }) => state === "waiting"))?.controller.abort()],
    [
      25,
      () => {
        const attempt = pick(keeper.connecting);
        if (attempt) keeper.land(attempt);
      },
    ],
    [6, () => pick(keeper.connecting)?.reject(new OperationalError("refused"))],
    [1, () => pick(keeper.connecting)?.reject(new errors.InvalidPassword("wrong"))],
    [
      30,
      () => {
        const kinds = [
          { usable: true, inTransaction: false },
          { usable: true, inTransaction: true },
          { usable: false, inTransaction: false },
          null,
          null,
        ];
        keeper.nextReturn = chance() < 0.5 ? kinds[0]! : (pick(kinds) ?? null);
        const loan = pick(world.loans);
        if (loan) world.giveBack(loan);
      },
    ],
    [
      2,
      () => {
        const loan = pick(world.loans);
        if (loan) world.discard(loan);
      },
    ],
    [15, () => pick(keeper.restoring)?.resolve({ usable: chance() < 0.8, inTransaction: false })],
    [15, () => pick(keeper.checking)?.resolve()],
    [3, () => pick(keeper.checking)?.reject(new Error("unfit"))],
    [20, () => pick(keeper.closing)?.resolve()],
    [
      4,
      () => {
        const conn = pick(keeper.open);
        if (conn?.alive) keeper.end(conn, chance() < 0.5 ? "57P01" : null);
      },
    ],
    [20, () => clock.pass(chance() * 300)],
    [1, () => clock.pass(chance() * 10_000)],
    [1, () => clock.freeze(120_000)],
    [
      1,
      () => {
        const min = Math.floor(chance() * 4);
        core.minSize = min;
        core.growth.places.limit = min + 1 + Math.floor(chance() * 5);
        core.roster.shrink(core.growth.places.limit);
        core.serve();
      },
    ],
    [
      1,
      () => {
        core.roster.renew();
        core.serve();
      },
    ],
  ];
  const total = happenings.reduce((sum, [weight]) => sum + weight, 0);
  for (let step = 0; step < steps; step++) {
    let at = chance() * total;
    for (const [weight, happen] of happenings) {
      at -= weight;
      if (at >= 0) continue;
      await happen();
      break;
    }
    // Two things often happen before anybody could react.
    if (chance() < 0.3) continue;
    await settled();
    world.judge();
  }
  // With everything going well, everybody is served.
  let last: ReturnType<World["arrive"]> | undefined;
  const isWaiting = (): boolean => world.requests.some(({ state }) => state === "waiting");
  for (let round = 0; isWaiting() || last?.state !== "served"; round++) {
    expect(round).toBeLessThan(2_000);
    if (!isWaiting()) last = world.arrive(1_000_000);
    for (const attempt of Array.from(keeper.connecting)) keeper.land(attempt);
    for (const one of [...keeper.checking, ...keeper.closing]) one.resolve();
    for (const one of Array.from(keeper.restoring))
      one.resolve({ usable: true, inTransaction: false });
    keeper.nextReturn = { usable: true, inTransaction: false };
    for (const loan of Array.from(world.loans)) world.giveBack(loan);
    await settled();
    await clock.pass(10);
    world.judge();
  }
  // And the end is an end.
  for (let i = 0; i < 3; i++) world.arrive();
  const closing = world.lifecycle.close(100);
  await settled();
  expect(world.requests.filter(({ state }) => state === "waiting")).toEqual([]);
  for (let i = 0; i < 20; i++) {
    for (const one of [...keeper.checking, ...keeper.closing]) one.resolve();
    for (const one of Array.from(keeper.restoring))
      one.resolve({ usable: true, inTransaction: false });
    await clock.pass(50);
    await settled();
  }
  await closing;
  expect(keeper.sockets).toBe(0);
  expect(core.growth.places.taken).toBe(0);
  expect(clock.timers).toBe(0);
  expect([...core.roster.members]).toEqual([]);
}
