// One workload: every contender is checked, warmed up and then timed, one at a time, round by round, in an
// order that changes every round.

import { isDeepStrictEqual } from "node:util";
import { placeOn } from "./cores.mjs";
import { stopAll } from "./stage.mjs";
import { quickened } from "./workloads.mjs";

/** Engines optimise what runs often: each contender runs this long, in milliseconds, before it is timed. */
const WARM_UP = 1500;
const WARM_UP_ROUNDS = 3;

/** Lets a contender reach its steady state. */
async function warmUp(contender, request) {
  const end = performance.now() + (request.isQuick ? 0 : WARM_UP);
  for (let i = 0; i < WARM_UP_ROUNDS || performance.now() < end; i++) {
    await contender.ask("round", request);
  }
}

/** Undefined when a contender's answer is right, or what is wrong with it; null for one that doesn't take part. */
async function checked(contender, workload, request, sql) {
  await sql.run(workload.before);
  const verdict = await contender.ask("check", request).catch((error) => error.message);
  if (verdict === "not offered") return null;
  if (verdict !== "same") return verdict;
  if (workload.after === undefined) return undefined;
  const { size } = request.isQuick ? quickened(workload) : workload;
  const [got, wanted] = [await sql.row(workload.after.sql), workload.after.expected(size)];
  return isDeepStrictEqual({ ...got }, wanted) ? undefined : `left ${JSON.stringify(got)} behind`;
}

/** Checks all contenders, then times them; nobody is timed whose answer is wrong. */
async function race(workload, { contenders, serverPids, sql }, options) {
  const isHeavy = workload.rounds !== undefined;
  const request = { workload: workload.name, isQuick: options.isQuick };
  const pids = contenders.map(({ pid }) => pid);
  const cores = placeOn(options.cores ?? workload.cores, pids, serverPids);
  const [racing, notes] = [[], []];
  await sql.run(workload.tables);
  for (const contender of contenders) {
    // Of a heavy workload a part is enough; each round looks again.
    const isQuick = options.isQuick || isHeavy;
    const verdict = await checked(contender, workload, { ...request, isQuick }, sql);
    if (verdict === undefined) racing.push(contender);
    else if (verdict !== null) notes.push(`${contender.name} left out: ${verdict}`);
  }
  const rounds = Object.fromEntries(racing.map(({ name }) => [name, []]));
  for (const contender of isHeavy ? [] : racing) await warmUp(contender, request);
  const count = Math.min(options.roundCount, workload.rounds ?? Infinity);
  for (let i = 0; i < count; i++) {
    const shift = i % racing.length;
    const order = [...racing.slice(shift), ...racing.slice(0, shift)];
    if (i % 2 !== 0) order.reverse();
    for (const contender of order) {
      await sql.run(workload.before);
      try {
        rounds[contender.name].push(await contender.ask("round", request));
      } catch (error) {
        notes.push(`${contender.name} left out in round ${i + 1}: ${error.message}`);
        racing.splice(racing.indexOf(contender), 1);
        delete rounds[contender.name];
      }
    }
  }
  const allocated = {};
  for (const contender of racing) {
    await sql.run(workload.before);
    const isQuick = options.isQuick || isHeavy;
    // What can't be counted is no reason to do without what was measured.
    const bytes = await contender.ask("allocated", { ...request, isQuick }).catch((error) => {
      notes.push(`${contender.name}: allocations not counted: ${error.message}`);
      return null;
    });
    if (bytes !== null) allocated[contender.name] = bytes;
  }
  for (const contender of contenders) {
    await contender
      .ask("leave")
      .catch((error) => notes.push(`${contender.name}: ${error.message}`));
  }
  return {
    workload: workload.name,
    title: workload.title,
    cores,
    roundCount: count,
    notes,
    rounds,
    allocated,
  };
}

/**
 * Measures a workload on a stage; `roundCount` rounds at most, of a smaller size if `isQuick`, and on these
 * `cores` if they are given.
 */
export async function measure(workload, stage, options) {
  if (!workload.fresh) return race(workload, stage, options);
  const contenders = await stage.start(stage.contenders.map(({ file }) => file));
  const measured = await race(workload, { ...stage, contenders }, options);
  await stopAll(contenders);
  return measured;
}
