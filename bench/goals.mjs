// The goals that mahout set itself, and whether a run reaches them: a figure of ours against somebody else's,
// or against a number.

import { ratio, summarize, table } from "./report.mjs";

/** How many operations per second, times the other's. */
const faster = (workload, theirs, atLeast) => ({
  workload,
  ours: "mahout",
  theirs,
  figure: "rate",
  atLeast,
});
/** How much of the other's "wall" time or "cpu" time. */
const cheaper = (workload, theirs, figure, atMost, ours = "mahout") => ({
  workload,
  ours,
  theirs,
  figure,
  atMost,
});

// Where two goals differ only in their limit, the first was reached for first.
const goals = [
  ...["one", "one-free"].flatMap((workload) => [
    faster(workload, "pg", 1.5),
    faster(workload, "null", 0.75),
    cheaper(workload, "pg-native", "wall", 1.15, "mahout-blocking"),
  ]),
  faster("one", "null", 0.85),
  faster("one", "pg", 1.6),
  faster("one", "Bun", 1),
  cheaper("one", "pg-native", "wall", 1, "mahout-blocking"),
  faster("at-once", "null", 0.75),
  faster("at-once", "postgres.js", 2),
  faster("at-once", "postgres.js", 2.4),
  faster("at-once", "Bun", 1.2),
  faster("pipeline", "null", 0.5),
  faster("pipeline", "postgres.js", 5),
  faster("transaction", "pg", 1.8),
  cheaper("objects", "pg", "wall", 0.45),
  cheaper("objects", "postgres.js", "wall", 0.45),
  cheaper("objects", "Bun", "wall", 1),
  cheaper("objects", "pg", "cpu", 0.5),
  cheaper("objects", "pg", "cpu", 0.4),
  faster("wide", "pg", 1.8),
  cheaper("copy-in", "psql", "wall", 1.5),
  cheaper("copy-out", "psql", "wall", 1.5),
  { workload: "stream", ours: "mahout", figure: "memory", atMost: 150, unit: "MB" },
  faster("execute-many", "pg", 3),
  faster("notify", "pg", 2),
  faster("notify-loop", "pg", 2),
  faster("notify-burst", "pg", 2),
  faster("connect-scram", "pg", 1),
  faster("pool-checkout", "pg", 3),
  faster("pool-waiters", "pg", 3),
  faster("pool-query", "pg", 1.3),
  faster("pool-users", "pg", 1.3),
  faster("pool-users", "pg", 1.5),
  cheaper("pool-users", "pg", "p99", 1),
];

const figureNames = {
  rate: "operations per second",
  wall: "time",
  cpu: "client CPU",
  p99: "p99",
  memory: "peak memory",
};

function valueOf(measured, { ours, theirs, figure }) {
  if (figure === "p99") {
    const [a, b] = [ours, theirs].map((name) => measured.rounds[name]);
    return a && b && summarize(a).latency.p99 / summarize(b).latency.p99;
  }
  if (theirs !== undefined) return ratio(measured, ours, theirs, figure);
  const rounds = measured.rounds[ours];
  return rounds && summarize(rounds)[figure]?.max;
}

/** The goals of the measured workloads; `met` is undefined where a contender was missing. */
export function judge(results) {
  return goals.flatMap((goal) => {
    const measured = results.find(({ workload }) => workload === goal.workload);
    if (measured === undefined) return [];
    const value = valueOf(measured, goal);
    const met =
      value && (goal.atLeast === undefined ? value <= goal.atMost : value >= goal.atLeast);
    return [{ ...goal, value, met }];
  });
}

/** A row for each goal: what it is about, the limit, the figure, the verdict. */
export const goalRows = (judged) =>
  judged.map(({ workload, ours, theirs, figure, atLeast, atMost, unit, value, met }) => {
    const limit = atLeast === undefined ? `<= ${atMost}` : `>= ${atLeast}`;
    return [
      `${workload}: ${figureNames[figure]} of ${ours}`,
      theirs === undefined ? `${limit} ${unit}` : `${limit} x ${theirs}`,
      value === undefined ? "-" : unit === undefined ? value.toFixed(2) : value.toFixed(0),
      met === undefined ? "not measured" : met ? "met" : "missed",
    ];
  });

/** The goals as text. */
export function renderGoals(judged) {
  if (judged.length === 0) return "goals: none for these workloads";
  return ["goals", ...table(goalRows(judged)).map((line) => `  ${line}`)].join("\n");
}
