// Where a run's figures are kept: as JSON, and beside it as a page of tables and a chart that are made of
// nothing else. A partial run must not pass for a complete one. `node bench/kept.mjs <file.json>` makes page and chart again.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { renderChart } from "./chart.mjs";
import { renderPage } from "./page.mjs";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const rounded = (_, value) => (typeof value === "number" ? Number(value.toPrecision(6)) : value);

/** Writes page and chart of a kept run; returns their names. */
async function draw(jsonFile) {
  const run = JSON.parse(readFileSync(jsonFile, "utf8"));
  const [page, chart] = [".md", ".svg"].map((end) => jsonFile.replace(/\.json$/, end));
  writeFileSync(page, renderPage(run, { data: basename(jsonFile), chart: basename(chart) }));
  writeFileSync(chart, await renderChart(run));
  return [page, chart];
}

/** Keeps a run; returns the names of its files. */
export async function keep(run, isComplete) {
  const folder = here(isComplete ? "results/" : ".cache/");
  const stamp = run.date.slice(0, 16).replace(":", "");
  const file = `${folder}${isComplete ? stamp : "partial"}.json`;
  mkdirSync(folder, { recursive: true });
  // Lists of numbers stay on one line.
  const text = JSON.stringify(run, rounded, 1).replace(/\[[\d.,\s]+\]/g, (list) =>
    list.replace(/\s+/g, " "),
  );
  writeFileSync(file, `${text}\n`);
  return [file, ...(await draw(file))];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const file of await draw(process.argv[2])) console.log(file);
}
