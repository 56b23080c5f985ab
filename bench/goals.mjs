// The goals that mahout set itself, and whether a run reaches them: a figure of ours against somebody else's,
// or against a number.

import { ratio, summarize, table } from "./report.mjs";

const oneGoals = (workload) => [
  { workload, ours: "mahout", theirs: "pg", figure: "rate", atLeast: 1.5 },
  { workload, ours: "mahout", theirs: "null", figure: "rate", atLeast: 0.75 },
  { workload, ours: "mahout-blocking", theirs: "pg-native", figure: "wall", atMost: 1.15 },
];

const goals = [
  ...oneGoals("one"),
  ...oneGoals("one-free"),
  { workload: "at-once", ours: "mahout", theirs: "postgres.js", figure: "rate", atLeast: 2 },
  { workload: "pipeline", ours: "mahout", theirs: "postgres.js", figure: "rate", atLeast: 5 },
  { workload: "pipeline", ours: "mahout", theirs: "null", figure: "rate", atLeast: 0.5 },
  { workload: "transaction", ours: "mahout", theirs: "pg", figure: "rate", atLeast: 1.8 },
  { workload: "objects", ours: "mahout", theirs: "pg", figure: "cpu", atMost: 0.5 },
  { workload: "copy-in", ours: "mahout", theirs: "psql", figure: "wall", atMost: 1.5 },
  { workload: "copy-out", ours: "mahout", theirs: "psql", figure: "wall", atMost: 1.5 },
  { workload: "stream", ours: "mahout", figure: "memory", atMost: 150, unit: "MB" },
  { workload: "execute-many", ours: "mahout", theirs: "pg", figure: "rate", atLeast: 3 },
  { workload: "notify", ours: "mahout", theirs: "pg", figure: "rate", atLeast: 2 },
  { workload: "notify-burst", ours: "mahout", theirs: "pg", figure: "rate", atLeast: 2 },
];

const figureNames = {
  rate: "operations per second",
  wall: "time",
  cpu: "client CPU",
  memory: "peak memory",
};

function valueOf(measured, { ours, theirs, figure }) {
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

/** The goals as text. */
export function renderGoals(judged) {
  const rows = judged.map(
    ({ workload, ours, theirs, figure, atLeast, atMost, unit, value, met }) => {
      const limit = atLeast === undefined ? `<= ${atMost}` : `>= ${atLeast}`;
      return [
        `${workload}: ${figureNames[figure]} of ${ours}`,
        theirs === undefined ? `${limit} ${unit}` : `${limit} x ${theirs}`,
        value === undefined ? "-" : unit === undefined ? value.toFixed(2) : value.toFixed(0),
        met === undefined ? "not measured" : met ? "met" : "missed",
      ];
    },
  );
  if (rows.length === 0) return "goals: none for these workloads";
  return ["goals", ...table(rows).map((line) => `  ${line}`)].join("\n");
}
