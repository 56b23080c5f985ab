// Finds the fenced blocks of TypeScript and JavaScript in a Markdown text.

/** One block. */
export interface CodeBlock {
  readonly language: "ts" | "js";
  /** What stands after the language on the opening fence. */
  readonly words: readonly string[];
  readonly text: string;
  /** Where the opening fence stands, counted from 1. */
  readonly line: number;
}

const FENCE = /^( *)(`{3,}|~{3,})([^`]*)$/;
const LANGUAGES: Readonly<Record<string, "ts" | "js">> = {
  ts: "ts",
  typescript: "ts",
  js: "js",
  javascript: "js",
};

/** The blocks of `markdown`, in order. Throws on a block without an end. */
export function codeBlocks(markdown: string): CodeBlock[] {
  const lines = markdown.split("\n");
  const found: CodeBlock[] = [];
  for (let index = 0; index < lines.length; index += 1) {
    const opening = FENCE.exec(lines[index] ?? "");
    if (opening === null) continue;
    const [, indent = "", fence = "", info = ""] = opening;
    const begin = index + 1;
    const closes = (line: string): boolean => {
      const trimmed = line.trim();
      return trimmed.startsWith(fence) && trimmed.replaceAll(fence.charAt(0), "") === "";
    };
    do index += 1;
    while (index < lines.length && !closes(lines[index] ?? ""));
    if (index >= lines.length) throw new Error(`the block in line ${begin} has no end`);
    const [name = "", ...words] = info.trim().split(/\s+/);
    const language = Object.hasOwn(LANGUAGES, name) ? LANGUAGES[name] : undefined;
    if (language === undefined) continue;
    const undent = (line: string): string =>
      line.startsWith(indent) ? line.slice(indent.length) : line.trimStart();
    const text = lines.slice(begin, index).map((line) => `${undent(line)}\n`);
    found.push({ language, words, text: text.join(""), line: begin });
  }
  return found;
}
