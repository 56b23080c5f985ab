// `npm run bench:quote`: puts the figures of the newest complete run into the README, between two comments;
// `--check` says whether what stands there is what the file that it names holds. No figure there is written by hand.

import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { format } from "prettier";

const root = fileURLToPath(new URL("../", import.meta.url));
const README = `${root}README.md`;
const RESULTS = "bench/results";
const [BEGIN, END] = ["<!-- figures of the bench -->", "<!-- end of the figures -->"];

const columns = [
  ["null", "null"],
  ["mahout", "mahout"],
  ["pg", "pg"],
  ["postgres.js", "postgres.js"],
  ["Bun", "Bun"],
  ["mahout, blocking", "mahout-blocking"],
  ["pg-native", "pg-native"],
];

const perSecond = ({ rate }) => rate.median;
const cpuMilliseconds = ({ cpu }) => cpu.median / 1_000;

/** What is quoted: what it is called, the workload, the figure. */
const quoted = [
  ["one at a time, on one core", "one", perSecond],
  ["one at a time, on any core", "one-free", perSecond],
  ["1,000 at once, one connection", "at-once", perSecond],
  ["1,000 in a pipeline", "pipeline", perSecond],
  ["small transactions", "transaction", perSecond],
  ["100,000 rows x 5 to objects", "objects", perSecond],
  ["the same, client's CPU time in ms", "objects", cpuMilliseconds],
  ["1 row x 50 columns", "wide", perSecond],
  ["JSON documents of 10 kB, read", "json-out", perSecond],
  ["rows of COPY in", "copy-in", perSecond],
  ["rows of COPY out", "copy-out", perSecond],
  ["notifications to a handler", "notify", perSecond],
  ["pool, 200 users on 10 connections", "pool-users", perSecond],
  ["connect (SCRAM), one query, close", "connect-scram", perSecond],
];

const written = (value) =>
  value.toLocaleString("en-US", { maximumFractionDigits: value < 50 ? 1 : 0 });

const row = (cells) => `| ${cells.join(" | ")} |`;

function tableOf({ results }) {
  const rows = quoted.flatMap(([title, name, figure]) => {
    const measured = results.find(({ workload }) => workload === name);
    if (measured === undefined) return [];
    const cells = columns.map(([, contender]) => {
      const figures = measured.contenders.find((candidate) => candidate.name === contender);
      return figures === undefined ? "" : written(figure(figures));
    });
    return [row([title, ...cells])];
  });
  const head = ["operations per second", ...columns.map(([title]) => title)];
  return [row(head), row(head.map(() => "---")), ...rows].join("\n");
}

/** The page and the chart that are beside a run's file. */
function companions(file) {
  const [page, chart] = [".md", ".svg"].map((end) => file.replace(/\.json$/, end));
  return existsSync(`${root}${page}`) && existsSync(`${root}${chart}`)
    ? `: [all tables](${page}), [chart](${chart})`
    : "";
}

/** The quotation of a run, as prettier leaves it. */
async function quotationOf(file) {
  const run = JSON.parse(readFileSync(`${root}${file}`, "utf8"));
  const { machine, server, date } = run;
  const day = new Date(date).toLocaleDateString("en-GB", { dateStyle: "long", timeZone: "UTC" });
  const place = `${machine.cores} cores of ${machine.cpu}, Node ${machine.node.slice(1)}, PostgreSQL ${/[\d.]+$/.exec(server)[0]}`;
  const atOnce = run.results.find(({ workload }) => workload === "at-once");
  const pipelining = atOnce?.contenders.find(({ name }) => name === "pg-pipeline");
  const more =
    pipelining === undefined
      ? []
      : [
          `pg was also run with its option for pipelining: ${written(perSecond(pipelining))} at once.`,
        ];
  const text = [
    BEGIN,
    `Medians of one run of \`npm run bench\` (\`${file}\`${companions(file)}),\n${day}: ${place} on the same machine.`,
    tableOf(run),
    ...more,
    END,
  ].join("\n\n");
  return (await format(text, { parser: "markdown", printWidth: 100 })).trimEnd();
}

/** What stands in the README, and what is around it. */
function partsOf(text) {
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END) + END.length];
  if (begin === -1 || end < begin) throw new Error(`README.md needs ${BEGIN} and ${END}`);
  return [text.slice(0, begin), text.slice(begin, end), text.slice(end)];
}

const {
  values: { check: isCheck },
} = parseArgs({ options: { check: { type: "boolean", default: false } } });
const [before, standing, after] = partsOf(readFileSync(README, "utf8"));
if (isCheck) {
  const [file] = /bench\/results\/[\w-]+\.json/.exec(standing) ?? [];
  if (file === undefined || standing !== (await quotationOf(file))) {
    console.error("the figures of README.md are not those of the file that it names");
    process.exit(1);
  }
} else {
  const names = readdirSync(`${root}${RESULTS}`).filter((name) =>
    /^\d[\w-]*T\d+\.json$/.test(name),
  );
  const file = `${RESULTS}/${names.sort().at(-1)}`;
  writeFileSync(README, `${before}${await quotationOf(file)}${after}`);
  console.log(`README.md quotes ${file}`);
}
