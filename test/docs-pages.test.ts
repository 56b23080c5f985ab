// What the pages of docs/ show is true: their blocks of code are checked by the compiler and run, page by
// page, against the built package. Each page finds an empty database named "app", and its server in the PG*
// variables. test/support/doc-pages.ts says what a block can use. A block marked `no-run` is left out.
// The README's blocks, which documentation.test.ts runs, are checked here, too.

import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { transformSync } from "@swc/core";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { root, run, runNode } from "./package/install.ts";
import { codeBlocks } from "./support/code-blocks.ts";
import { type Page, pageOf } from "./support/doc-pages.ts";
import { startServer, type TestServer } from "./support/server.ts";

const DATABASE = "app";
const PROGRAM_MILLISECONDS = 20_000;

// Its types don't know all of its options.
const PARSER = { syntax: "typescript", explicitResourceManagement: true } as {
  syntax: "typescript";
};

const CONFIGURATION = {
  compilerOptions: {
    target: "esnext",
    lib: ["esnext"],
    module: "nodenext",
    types: ["node"],
    typeRoots: [join(root, "node_modules/@types")],
    strict: true,
    noEmit: true,
    skipLibCheck: true,
  },
  include: ["*/*.mts"],
};

const WRONG = `# Wrong

<!-- before
export const known = 1;
-->

\`\`\`ts
const known = "its own"; // is allowed
const other: number = known;
\`\`\`

\`\`\`ts
console.log(known, other); // the other block's
\`\`\`

\`\`\`ts
throw new Error("line " + String(known));
\`\`\`
`;

const paths = readdirSync(join(root, "docs"))
  .filter((name) => name.endsWith(".md"))
  .map((name) => `docs/${name}`);
/** What the examples must have shown, whatever else the page prints. */
const SHOWN: Readonly<Record<string, readonly RegExp[]>> = {
  "docs/adapting.md": [
    /^0\.20 true$/m,
    /^\[ \{ here: Point \{ x: 1\.5, y: -2 \} \} \]$/m,
    /^Geometry \{ x: 1\.5, y: -2 \} true$/m,
  ],
  "docs/types.md": [/^\d{13} true$/m],
};
const read = (path: string): Page => pageOf(path, readFileSync(join(root, path), "utf8"));
const pages = paths.map(read);
const wrong = pageOf("wrong.md", WRONG);
const all = [...pages, read("README.md"), wrong];

let folder: string;
let server: TestServer;
let complaints: string[];

const folderOf = ({ path }: Page): string => join(folder, basename(path, ".md"));

/** What the compiler has to say about a page, with the page's own lines. */
function complaintsAbout({ path }: Page): string[] {
  const name = basename(path, ".md");
  const isAbout = new RegExp(`^${name}/(?:line-\\d+|before)\\.mts`);
  const about = complaints.filter((line) => isAbout.test(line));
  return about.map((line) => line.replace(isAbout, path)).toSorted();
}

function compile(page: Page): void {
  for (const [name, text] of Object.entries(page.modules)) {
    const filename = join(folderOf(page), name);
    const { code } = transformSync(text, {
      filename,
      swcrc: false,
      sourceMaps: "inline",
      module: { type: "es6" },
      jsc: { target: "es2022", parser: PARSER },
    });
    writeFileSync(filename.replace(/\.mts$/, ".mjs"), code);
  }
  writeFileSync(join(folderOf(page), "main.mjs"), page.main);
}

/** Runs a page; resolves with its status and all that it printed. */
async function runPage(page: Page): Promise<{ status: unknown; output: string }> {
  compile(page);
  await server.dropDatabase(DATABASE);
  await server.createDatabase(DATABASE);
  const environment = server.environment({ dbname: DATABASE });
  return await new Promise((done) => {
    execFile(
      process.execPath,
      ["--enable-source-maps", join(folderOf(page), "main.mjs")],
      { cwd: folder, env: { ...process.env, ...environment }, timeout: PROGRAM_MILLISECONDS },
      (error, stdout, stderr) => {
        const status = error === null ? 0 : (error.code ?? error.signal);
        done({ status, output: stdout + stderr });
      },
    );
  });
}

beforeAll(async () => {
  const starting = startServer();
  runNode([join(root, "scripts/build.js")], root);
  folder = mkdtempSync(join(tmpdir(), "mahout-pages-"));
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(root, join(folder, "node_modules/mahout"), "junction");
  // What programs have beside mahout.
  const others = ["drizzle-orm", "knex", "kysely", "pg", "temporal-polyfill", "temporal-spec"];
  for (const name of ["@types", ...others])
    symlinkSync(join(root, "node_modules", name), join(folder, "node_modules", name), "junction");
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(CONFIGURATION));
  for (const page of all) {
    mkdirSync(folderOf(page));
    for (const [name, text] of Object.entries(page.modules))
      writeFileSync(join(folderOf(page), name), text);
  }
  const compiler = join(root, "node_modules/typescript/bin/tsc");
  const { stdout } = run([process.execPath, compiler, "--pretty", "false"], folder);
  complaints = stdout.split("\n");
  server = await starting;
}, 60_000);

afterAll(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe.each(pages.map((page): [string, Page] => [page.path, page]))("%s", (_path, page) => {
  test("has the right types", () => {
    expect(complaintsAbout(page)).toEqual([]);
  });

  test("runs", async () => {
    const { status, output } = await runPage(page);
    expect(status === 0 ? "" : `${String(status)}\n${output}`).toBe("");
    for (const shown of SHOWN[page.path] ?? []) expect(output).toMatch(shown);
  });
});

// What isn't run is easily wrong: examples are, all of them. (Shell commands are the business of other tests.)
test("no page has a block that isn't run", () => {
  const left = paths.flatMap((path) =>
    codeBlocks(readFileSync(join(root, path), "utf8"))
      .filter(({ words }) => words.includes("no-run"))
      .map(({ line }) => `${path}:${line}`),
  );
  expect(left).toEqual([]);
});

describe("checking", () => {
  test("finds nothing wrong with the README", () => {
    expect(complaintsAbout(read("README.md"))).toEqual([]);
  });

  test("says nothing that belongs to no page", () => {
    const about = all.flatMap(complaintsAbout);
    expect(complaints.filter((line) => line !== "")).toHaveLength(about.length);
  });

  test("notices wrong types and names of other blocks", () => {
    expect(complaintsAbout(wrong)).toEqual([
      expect.stringMatching(/^wrong\.md\(13,20\): error TS2304: Cannot find name 'other'/),
      expect.stringMatching(/^wrong\.md\(9,7\): error TS2322/),
    ]);
  });

  test("notices what fails, and says where", async () => {
    const { status, output } = await runPage(wrong);
    expect(status).toBe(1);
    expect(output).toContain("the block in line 12 of wrong.md failed");
    expect(output).toContain("line-12.mts:13:");
  });
});
