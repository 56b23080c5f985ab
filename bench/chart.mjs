// A kept run as a picture: a field per workload with everybody's operations per second, each on its own scale.

import { loader, parse, View } from "vega";
import { compile } from "vega-lite";

/** Whose bars are not a peer's. */
const KINDS = new Map([
  ["mahout", 0],
  ["mahout-blocking", 1],
  ["mahout-roomy", 1],
  ["null", 3],
]);
const PEER = 2;
const COLUMNS = 3;
/** From dark to light: ours, ours in another way, the peers, the limit. */
const colors = { domain: [0, 1, 2, 3], range: ["#0b6e4f", "#6bbf9c", "#9aa5b1", "#dde2e7"] };

const x = { type: "quantitative", axis: { title: null, tickCount: 4, format: "~s" } };
const y = { field: "name", type: "nominal", sort: null, axis: { title: null } };
const color = { field: "kind", type: "ordinal", scale: colors, legend: null };

/** One workload's field; names come in the order of the result. */
const fieldOf = ({ title, contenders }) => ({
  title: { text: title, fontSize: 10, limit: 380, anchor: "start" },
  data: {
    values: contenders.map(({ name, rate }) => ({ name, kind: KINDS.get(name) ?? PEER, ...rate })),
  },
  width: 250,
  height: { step: 15 },
  layer: [
    { mark: "bar", encoding: { y, x: { ...x, field: "median" }, color } },
    {
      mark: { type: "rule", color: "#333" },
      encoding: { y, x: { ...x, field: "min" }, x2: { field: "max" } },
    },
  ],
});

const specOf = ({ date, machine, results }) => ({
  $schema: "https://vega.github.io/schema/vega-lite/v6.json",
  title: {
    text: "Operations per second: median of the rounds, slowest and fastest",
    subtitle: `${date.slice(0, 10)}, ${machine.cores} x ${machine.cpu}, Node.js ${machine.node}`,
  },
  background: "white",
  config: { font: "sans-serif" },
  columns: COLUMNS,
  resolve: { scale: { color: "shared" } },
  concat: results.filter(({ contenders }) => contenders.length > 0).map(fieldOf),
});

/** The chart as SVG. */
export async function renderChart(run) {
  const { spec } = compile(specOf(run));
  // Nothing is fetched for it.
  const view = new View(parse(spec), { renderer: "none", loader: loader() });
  const svg = await view.toSVG();
  view.finalize();
  return `${svg}\n`;
}
