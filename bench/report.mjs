// From rounds to figures: medians with their spread, ratios, the printed tables.
// A ratio is the median of the ratios round by round, because neighbours in time share the noise.

const peers = ["null", "pg", "postgres.js", "Bun", "pg-native", "pg-copy-streams", "psql"];

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

const milliseconds = (value) => time(value * 1_000);

/** Figures that only some workloads have, or are not in every table: their columns, and how they are written. */
const extras = {
  latency: {
    head: "p50 .. p99",
    write: ({ p50, p99 }) => `${milliseconds(p50)} .. ${milliseconds(p99)}`,
  },
  p50: { head: "age p50", write: ({ median: middle }) => milliseconds(middle) },
  p99: { head: "age p99", write: ({ median: middle }) => milliseconds(middle) },
  allocated: { head: "allocated", write: (bytes) => size(bytes) },
  memory: { head: "peak RSS", write: ({ median: middle }) => `${number(middle)} MB` },
};

/** The parts of single operations that took no longer, over all rounds, in milliseconds. */
function percentiles(rounds) {
  const all = rounds.flatMap(({ latencies }) => latencies).sort((a, b) => a - b);
  const [p50, p99] = [0.5, 0.99].map((part) => all[Math.floor(part * (all.length - 1))]);
  return { p50, p99, count: all.length };
}

/**
 * Figures of one contender in one workload; times are microseconds per operation. `cpu` is null for a contender
 * that works in a process of its own.
 */
export function summarize(rounds) {
  const perOperation = (key) => rounds.map((round) => (round[key] * 1_000) / round.operations);
  const [first] = rounds;
  const spreads = ["p50", "p99", "memory"].filter((key) => first[key] !== undefined);
  return {
    rate: spread(rounds.map(({ operations, wall }) => (operations * 1_000) / wall)),
    wall: spread(perOperation("wall")),
    cpu: first.cpu === null ? null : spread(perOperation("cpu")),
    ...(first.latencies === undefined ? {} : { latency: percentiles(rounds) }),
    ...Object.fromEntries(spreads.map((key) => [key, spread(rounds.map((round) => round[key]))])),
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

function size(bytes) {
  return bytes < 2_000 ? `${number(bytes)} B` : `${number(bytes / 1_000)} kB`;
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

/** What is kept of a measured workload. */
export function resultOf({ rounds, allocated, ...rest }) {
  const contenders = Object.entries(rounds).map(([name, list]) => ({
    name,
    ...summarize(list),
    ...(allocated[name] === undefined ? {} : { allocated: allocated[name] }),
    ratios: Object.fromEntries(
      Object.keys(rounds).map((other) => [other, ratio({ rounds }, name, other, "rate")]),
    ),
    // Milliseconds of each round, in the order of measuring.
    wallRounds: list.map(({ wall }) => wall),
    cpuRounds: list.map(({ cpu }) => cpu),
    operationsPerRound: list[0].operations,
  }));
  return { ...rest, contenders };
}

/** The table of a workload's result: its head and a row for each contender. */
export function rowsOf({ contenders }) {
  const names = contenders.map(({ name }) => name);
  const compared = peers.filter((peer) => names.includes(peer));
  const more = Object.keys(extras).filter((key) => contenders.some((figures) => figures[key]));
  const head = ["", "per second", "min .. max", "time", "client CPU"];
  head.push(...more.map((key) => extras[key].head), ...compared.map((peer) => `x ${peer}`));
  const rows = contenders.map(({ name, rate, wall, cpu, ratios, ...rest }) => [
    name,
    number(rate.median),
    `${number(rate.min)} .. ${number(rate.max)}`,
    time(wall.median),
    cpu ? time(cpu.median) : "-",
    ...more.map((key) => (rest[key] ? extras[key].write(rest[key]) : "-")),
    ...compared.map((peer) => ratios[peer].toFixed(2)),
  ]);
  return [head, ...rows];
}

/** What a workload's result is headed with. */
export const headingOf = ({ title, roundCount, cores }) =>
  `${title} (${roundCount} rounds, ${cores === "one" ? "one core" : "all cores"})`;

/** A workload's result as text. */
export const renderWorkload = (result) =>
  [
    headingOf(result),
    ...table(rowsOf(result)).map((line) => `  ${line}`),
    ...result.notes.map((note) => `  ${note}`),
  ].join("\n");
