// A kept run as a page to read: machine and versions, the goals, one table per workload. How to read it: README.md.

import { markdownTable } from "markdown-table";
import { goalRows } from "./goals.mjs";
import { headingOf, rowsOf } from "./report.mjs";

const aligned = ([head, ...rows]) =>
  markdownTable([head, ...rows], { align: head.map((_, column) => (column === 0 ? "l" : "r")) });

/** The page as Markdown; `files` are the names of its `data` and its `chart`, which are beside it. */
export function renderPage({ date, machine, server, versions, goals, results }, { data, chart }) {
  const others = Object.entries(versions).filter(([, version]) => version !== "-");
  const sections = results.map((result) =>
    [
      `## ${result.workload}`,
      `${headingOf(result)}.`,
      aligned(rowsOf(result)),
      ...result.notes.map((note) => `${note}.`),
    ].join("\n\n"),
  );
  const goalTable = aligned([["goal", "limit", "measured", ""], ...goalRows(goals)]);
  return `${[
    `# Bench of ${date.slice(0, 16).replace("T", " ")} UTC`,
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.system}, load ` +
      `${machine.loadAverage.join(" ")} at its start; Node.js ${machine.node}, ${server}. ` +
      `${others.map(([name, version]) => `${name} ${version}`).join(", ")}.`,
    `Made of [${data}](${data}); what the columns mean is said in [the bench's README](../README.md#how-to-read-the-tables).`,
    `![operations per second of all contenders](${chart})`,
    "## Goals",
    goalTable,
    ...sections,
  ].join("\n\n")}\n`;
}
