// Links of the documentation to its own files and headings lead somewhere.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { describe, expect, test } from "@jest/globals";

const root = resolve(__dirname, "..");
const pages = [
  "README.md",
  "ARCHITECTURE.md",
  "CONTRIBUTING.md",
  "CHANGELOG.md",
  "bench/README.md",
].concat(
  readdirSync(join(root, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
);

const read = (path: string): string => readFileSync(join(root, path), "utf8");

/** The anchors of a page's headings, as they are made where Markdown is shown. */
function anchorsOf(markdown: string): Set<string> {
  const headings = markdown.matchAll(/^#+ (.+)$/gm);
  const slug = (text: string): string =>
    text
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-");
  return new Set([...headings].map(([, text = ""]) => slug(text)));
}

/** The targets of a page's links that lead nowhere. */
function brokenLinks(path: string, markdown: string): string[] {
  const targets = [...markdown.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
  return targets.filter((target) => {
    if (/^[a-z]+:/.test(target)) return false;
    const [file = "", anchor] = target.split("#");
    const there = file === "" ? path : join(dirname(path), file);
    if (file !== "" && !existsSync(join(root, there))) return true;
    return anchor !== undefined && !anchorsOf(file === "" ? markdown : read(there)).has(anchor);
  });
}

describe("links", () => {
  test.each(pages)("of %s lead somewhere", (path) => {
    expect(brokenLinks(path, read(path))).toEqual([]);
  });

  test("lead from the README to every guide", () => {
    const guides = pages.filter((path) => path.startsWith("docs/"));
    const readme = read("README.md");
    expect(guides.filter((path) => !readme.includes(`](${path})`))).toEqual([]);
  });

  test("that don't are noticed", () => {
    const text =
      "# A: b\n[1](#a-b) [2](#c) [3](no.md) [4](docs/types.md#json) [5](docs/types.md#no)";
    expect(brokenLinks("page.md", text)).toEqual(["#c", "no.md", "docs/types.md#no"]);
  });
});
