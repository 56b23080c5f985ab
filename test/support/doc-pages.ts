// Turns a page of documentation into programs: one module for each block of TypeScript. A block has what
// it imports and declares itself, and what the page's prelude exports. That is an HTML comment, which
// readers don't see:
//
//   <!-- before
//   import { connect } from "mahout";
//   export const conn = await connect();
//   -->
//
// Blocks run in their order in one process, so a later one finds what an earlier one did to the database,
// but not its variables. Line numbers of the modules are those of the page. What the prelude exports is
// disposed of at the end; whatever else is left open keeps the program from ending.

import { type CodeBlock, codeBlocks } from "./code-blocks.ts";

/** One page, and the files that its program consists of. */
export interface Page {
  /** Its path, for messages: docs/connecting.md. */
  readonly path: string;
  /** Modules by their file names. */
  readonly modules: Readonly<Record<string, string>>;
  /** Runs them all; JavaScript. */
  readonly main: string;
}

const PRELUDE = /^<!-- before\n([^]*?)^-->$/gm;
const EXPORTED = /^export (?:const|let|function|class|interface|type) (\w+)/gm;
const DECLARES = "const|let|function|class|interface|type|using|await using|async function";

function linesBefore(text: string, index: number): number {
  return text.slice(0, index).split("\n").length;
}

function moduleOf({ text, line }: CodeBlock, offered: readonly string[]): string {
  const missing = offered.filter(
    (name) => !new RegExp(`^(?:import .*|(?:${DECLARES}) )\\b${name}\\b`, "m").test(text),
  );
  const first = missing.length === 0 ? "" : `import { ${missing.join(", ")} } from "./before.mjs";`;
  return first + "\n".repeat(line) + text;
}

/** Reads a page. Throws when it has more than one prelude. */
export function pageOf(path: string, markdown: string): Page {
  const preludes = [...markdown.matchAll(PRELUDE)];
  if (preludes.length > 1) throw new Error(`${path} has more than one prelude`);
  const [prelude] = preludes;
  const before =
    prelude === undefined
      ? "export {};\n"
      : "\n".repeat(linesBefore(markdown, prelude.index)) + (prelude[1] ?? "");
  const offered = [...before.matchAll(EXPORTED)].map(([, name = ""]) => name);
  const blocks = codeBlocks(markdown).filter(({ words }) => !words.includes("no-run"));
  const modules: Record<string, string> = { "before.mts": before };
  const steps: string[] = [];
  for (const block of blocks) {
    modules[`line-${block.line}.mts`] = moduleOf(block, offered);
    steps.push(`await step(${block.line});`);
  }
  const main = `import * as before from "./before.mjs";
async function step(line) {
  try {
    await import(\`./line-\${line}.mjs\`);
  } catch (error) {
    console.error(\`the block in line \${line} of ${path} failed\`);
    throw error;
  }
}
${steps.join("\n")}
for (const value of Object.values(before)) {
  await (value?.[Symbol.asyncDispose] ?? value?.[Symbol.dispose])?.call(value);
}
`;
  return { path, modules, main };
}
