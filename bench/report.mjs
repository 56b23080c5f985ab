// From rounds to figures: medians with their spread, ratios, the printed tables, the goals.
// A ratio is the median of the ratios round by round, because neighbours in time share the noise.

const peers = ["null", "pg", "postgres.js", "pg-native"];

/** The middle of a list of numbers. */
export function median(numbers) {
  const sorted = numbers.toSorted?.((a, b) => a - b) ?? [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

const spread = (numbers) => ({
  median: median(numbers),
  min: Math.min(...numbers),
  max: Math.max(...numbers),
});

/** Figures of one contender in one workload; times are microseconds per operation. */
export function summarize(rounds) {
  const perOperation = (key) => rounds.map((round) => (round[key] * 1_000) / round.operations);
  return {
    rate: spread(rounds.map(({ operations, wall }) => (operations * 1_000) / wall)),
    wall: spread(perOperation("wall")),
    cpu: spread(perOperation("cpu")),
  };
}

/** How many times the other's figure ours is: the median over rounds of "rate", "wall" or "cpu". */
export function ratio(measured, ours, theirs, figure) {
  const [a, b] = [measured.rounds[ours], measured.rounds[theirs]];
  if (a === undefined || b === undefined) return undefined;
  const [x, y] = figure === "rate" ? [b, a] : [a, b];
  const key = figure === "rate" ? "wall" : figure;
  return median(x.map((round, i) => round[key] / y[i][key]));
}

const number = (value) =>
  value >= 100
    ? Math.round(value).toLocaleString("en-US")
    : value.toLocaleString("en-US", { maximumSignificantDigits: 3 });

function time(microseconds) {
  return microseconds < 2_000 ? `${number(microseconds)} us` : `${number(microseconds / 1_000)} ms`;
}

/** The lines of a table: the first column to the left, the others to the right. */
export function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) =>
    row
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])))
      .join("  ")
      .trimEnd(),
  );
}

/** One workload as text. */
export function renderWorkload(measured) {
  const names = Object.keys(measured.rounds);
  const compared = peers.filter((peer) => names.includes(peer));
  const head = ["", "per second", "min .. max", "time", "client CPU"];
  const rows = names.map((name) => {
    const { rate, wall, cpu } = summarize(measured.rounds[name]);
    const ratios = compared.map((peer) => ratio(measured, name, peer, "rate").toFixed(2));
    const range = `${number(rate.min)} .. ${number(rate.max)}`;
    return [name, number(rate.median), range, time(wall.median), time(cpu.median), ...ratios];
  });
  const placing = measured.cores === "one" ? "one core" : "all cores";
  return [
    `${measured.title} (${measured.roundCount} rounds, ${placing})`,
    ...table([[...head, ...compared.map((peer) => `x ${peer}`)], ...rows]).map(
      (line) => `  ${line}`,
    ),
    ...measured.notes.map((note) => `  ${note}`),
  ].join("\n");
}

const oneGoals = (workload) => [
  { workload, ours: "mahout", theirs: "pg", figure: "rate", atLeast: 1.5 },
  { workload, ours: "mahout", theirs: "null", figure: "rate", atLeast: 0.75 },
  { workload, ours: "mahout-blocking", theirs: "pg-native", figure: "wall", atMost: 1.15 },
];

const goals = [
  ...oneGoals("one"),
  ...oneGoals("one-free"),
  { workload: "at-once", ours: "mahout", theirs: "postgres.js", figure: "rate", atLeast: 2 },
  { workload: "objects", ours: "mahout", theirs: "pg", figure: "cpu", atMost: 0.5 },
];

const figureNames = { rate: "operations per second", wall: "time", cpu: "client CPU" };

/** The goals of the measured workloads; `met` is undefined where a contender was missing. */
export function judge(results) {
  return goals.flatMap((goal) => {
    const measured = results.find(({ workload }) => workload === goal.workload);
    if (measured === undefined) return [];
    const value = ratio(measured, goal.ours, goal.theirs, goal.figure);
    const met =
      value && (goal.atLeast === undefined ? value <= goal.atMost : value >= goal.atLeast);
    return [{ ...goal, value, met }];
  });
}

/** The goals as text. */
export function renderGoals(judged) {
  const rows = judged.map(({ workload, ours, theirs, figure, atLeast, atMost, value, met }) => [
    `${workload}: ${figureNames[figure]} of ${ours}`,
    atLeast === undefined ? `<= ${atMost} x ${theirs}` : `>= ${atLeast} x ${theirs}`,
    value === undefined ? "-" : value.toFixed(2),
    met === undefined ? "not measured" : met ? "met" : "missed",
  ]);
  return ["goals", ...table(rows).map((line) => `  ${line}`)].join("\n");
}
