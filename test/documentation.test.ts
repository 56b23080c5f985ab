// What the documentation promises, it shows: every block of code in the README and every program in
// examples/ runs, in a process of its own, and ends well. Each finds an empty database named "app",
// and its server in the PG* variables. A block marked `no-run` after its language is left out.

import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { root, runNode } from "./package/install.ts";
import { type CodeBlock, codeBlocks } from "./support/code-blocks.ts";
import { defaultServer } from "./support/default-server.ts";

const DATABASE = "app";
const PROGRAM_MILLISECONDS = 20_000;

const readme = readFileSync(join(root, "README.md"), "utf8");
const blocks = codeBlocks(readme).filter(({ words }) => !words.includes("no-run"));
const examples = readdirSync(join(root, "examples")).filter((name) => name.endsWith(".ts"));

let folder: string;

beforeAll(() => {
  runNode([join(root, "scripts/build.js")], root);
  folder = mkdtempSync(join(tmpdir(), "mahout-documentation-"));
}, 60_000);

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Runs a program; resolves with its status and all that it printed. */
async function runProgram(file: string): Promise<{ status: unknown; output: string }> {
  const server = defaultServer();
  await server.dropDatabase(DATABASE);
  await server.createDatabase(DATABASE);
  const environment = server.environment({ dbname: DATABASE });
  const dsn = server.dsn({ dbname: DATABASE });
  const runner = resolve(root, "scripts/run-program.js");
  return await new Promise((done) => {
    execFile(
      process.execPath,
      [runner, file],
      {
        cwd: folder,
        env: { ...process.env, ...environment, DATABASE_URL: dsn },
        timeout: PROGRAM_MILLISECONDS,
      },
      (error, stdout, stderr) => {
        const status = error === null ? 0 : (error.code ?? error.signal);
        done({ status, output: stdout + stderr });
      },
    );
  });
}

describe("README.md", () => {
  test("has code that runs", () => {
    expect(blocks.length).toBeGreaterThan(0);
  });

  test.each(blocks.map((block): [number, CodeBlock] => [block.line, block]))(
    "line %i",
    async (line, { language, text }) => {
      const file = join(folder, `readme-${line}.${language}`);
      writeFileSync(file, text);
      expect(await runProgram(file)).toMatchObject({ status: 0 });
    },
  );
});

describe("examples", () => {
  test("exist", () => {
    expect(examples).toContain("demo.ts");
  });

  test.each(examples)("%s", async (name) => {
    expect(await runProgram(join(root, "examples", name))).toMatchObject({ status: 0 });
  });
});

describe("reading code blocks", () => {
  test("finds language, words after it, text and line", () => {
    const text = "# T\n\n```ts no-run\nlet a;\n```\n\n~~~js\nb();\n~~~\n```sh\nls\n```\n";
    expect(codeBlocks(text)).toEqual([
      { language: "ts", words: ["no-run"], text: "let a;\n", line: 3 },
      { language: "js", words: [], text: "b();\n", line: 7 },
    ]);
  });

  test("does not end a block at a shorter fence, and undoes indentation", () => {
    expect(codeBlocks("- x\n  ````js\n  a(`\n  ```\n  `);\n  ````\n")).toEqual([
      { language: "js", words: [], text: "a(`\n```\n`);\n", line: 2 },
    ]);
  });

  test("a program that fails is noticed", async () => {
    const file = join(folder, "failing.ts");
    writeFileSync(file, 'const reason: string = "as it should";\nthrow new Error(reason);\n');
    const { status, output } = await runProgram(file);
    expect(status).toBe(1);
    expect(output).toContain("Error: as it should");
  });
});
