// The package as users get it: packed, installed elsewhere, required, imported, bundled, used from
// their jest and their compiler.

import { existsSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from "node:fs";
import { dirname, join, sep } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { buildSync } from "esbuild";
import { type Installation, install, root, run, runNode } from "./package/install.ts";
import { defaultServer } from "./support/default-server.ts";

const MOST_BYTES = 1_500_000;

function tool(path: string): string {
  return join(root, "node_modules", path);
}

let installed: Installation;

beforeAll(() => {
  runNode([join(root, "scripts/build.js")], root);
  installed = install();
}, 120_000);

afterAll(() => {
  rmSync(installed.folder, { recursive: true, force: true });
});

describe("the tarball", () => {
  const listing = (): string[] =>
    readdirSync(installed.packageFolder, { recursive: true, encoding: "utf8" })
      .filter((name) => statSync(join(installed.packageFolder, name)).isFile())
      .map((name) => name.split(sep).join("/"));

  test("contains the build, its sources and the documentation, and nothing else", () => {
    const expected =
      /^((dist|src)\/.*\.(m?[jt]s|map)|(docs\/)?[\w-]+\.md|examples\/.*\.(ts|json)|bench\/(README\.md|results\/.*\.(json|md|svg))|package\.json|LICENSE)$/;
    expect(listing().filter((name) => !expected.test(name))).toEqual([]);
    expect(listing().filter((name) => /test|postgres$|\.tgz$/.test(name))).toEqual([]);
    expect(listing()).toEqual(
      expect.arrayContaining([
        "LICENSE",
        "dist/index.js",
        "dist/index.mjs",
        "dist/queue/index.mjs",
        "src/index.ts",
      ]),
    );
  });

  test("has what its README and its guides link to", () => {
    const pages = listing().filter((name) => /^(README|docs\/.*)\.md$/.test(name));
    expect(pages.length).toBeGreaterThan(10);
    const broken = pages.flatMap((page) => {
      const text = readFileSync(join(installed.packageFolder, page), "utf8");
      const targets = [...text.matchAll(/\]\(([^)\s#]+)/g)].map(([, target = ""]) => target);
      return targets
        .filter((target) => !/^[a-z]+:/.test(target))
        .filter((target) => !existsSync(join(installed.packageFolder, dirname(page), target)))
        .map((target) => `${page}: ${target}`);
    });
    expect(broken).toEqual([]);
  });

  test("is small", () => {
    expect(statSync(installed.tarball).size).toBeLessThan(MOST_BYTES);
  });

  test("has a source for every map", () => {
    const maps = listing().filter((name) => name.endsWith(".map"));
    expect(maps.length).toBeGreaterThan(0);
    for (const name of maps) {
      const path = join(installed.packageFolder, name);
      const { sources } = JSON.parse(readFileSync(path, "utf8")) as { sources: string[] };
      for (const one of sources)
        expect([name, existsSync(join(dirname(path), one))]).toContain(true);
    }
  });

  test("asks users for its five dependencies and no more", () => {
    const manifest = JSON.parse(
      readFileSync(join(installed.packageFolder, "package.json"), "utf8"),
    ) as Record<string, unknown>;
    expect(Object.keys(manifest["dependencies"] as object).sort()).toEqual([
      "commander",
      "croner",
      "generic-pool",
      "pg-connection-string",
      "pg-protocol",
    ]);
    expect(manifest).not.toHaveProperty("optionalDependencies");
    expect(manifest).not.toHaveProperty("peerDependencies");
  });
});

describe("a consumer", () => {
  const rows = [
    { one: 1, shell: "blocking" },
    { two: 2, shell: "async" },
  ];

  test.each(["required.cjs", "imported.mjs"])("makes round trips from %s", (program) => {
    const output = runNode([program, defaultServer().dsn()], installed.folder);
    expect(JSON.parse(output)).toEqual(rows);
  });

  test.each(["queued.cjs", "queued.mjs"])("defers jobs and runs them from %s", (program) => {
    expect(JSON.parse(runNode([program], installed.folder))).toEqual([3, 7]);
  });

  test("makes them where code from strings is forbidden", () => {
    const flag = "--disallow-code-generation-from-strings";
    const output = runNode([flag, "required.cjs", defaultServer().dsn()], installed.folder);
    expect(JSON.parse(output)).toEqual(rows);
  });

  test("gets the same names and objects by import and by require", () => {
    const output = runNode(["doors.mjs"], installed.folder);
    const doors = JSON.parse(output) as Record<"imported" | "required" | "different", string[]>[];
    for (const seen of doors) {
      expect(seen.different).toEqual([]);
      expect(seen.imported).toEqual(seen.required);
    }
    expect(doors.map(({ required }) => required)).toEqual([
      expect.arrayContaining(["AsyncConnection", "AsyncCursor", "Connection", "connect"]),
      expect.arrayContaining(["App", "Blueprint", "InMemoryConnector", "MahoutConnector"]),
    ]);
  });

  test("runs its own jest tests", () => {
    const { status, stderr } = run(
      [
        process.execPath,
        tool("jest/bin/jest.js"),
        "--rootDir",
        installed.folder,
        "--config",
        JSON.stringify({ transform: {} }),
      ],
      installed.folder,
      { CONSUMER_DSN: defaultServer().dsn() },
    );
    expect(stderr).toMatch(/Tests: +4 passed, 4 total/);
    expect(status).toBe(0);
  });

  test("bundles and minifies it into one file that needs no package", () => {
    // Beside the consumer's folder: no node_modules above it.
    const outfile = `${installed.folder}.cjs`;
    buildSync({
      absWorkingDir: installed.folder,
      entryPoints: ["bundled.js"],
      outfile,
      bundle: true,
      minify: true,
      platform: "node",
      format: "cjs",
      logLevel: "silent",
    });
    try {
      const output = runNode([outfile, defaultServer().dsn()], dirname(outfile));
      expect(JSON.parse(output)).toEqual({ how: "bundled", job: 1 });
    } finally {
      rmSync(outfile, { force: true });
    }
  });

  test.each([
    ["nodenext", "nodenext"],
    ["esnext", "bundler"],
  ])("compiles against the types, libraries checked (%s, %s)", (module, moduleResolution) => {
    const types = join(installed.folder, "node_modules/@types");
    if (!existsSync(types)) symlinkSync(tool("@types"), types, "junction");
    const flags = ["--strict", "--noEmit", "--skipLibCheck", "false", "--target", "es2022"];
    const lib = ["--lib", "es2023,esnext.disposable", "--types", "node"];
    const modules = ["--module", module, "--moduleResolution", moduleResolution];
    const args = [...flags, ...lib, ...modules, "typed.mts", "typed.cts"];
    const compiler = tool("typescript/bin/tsc");
    const { status, stdout } = run([process.execPath, compiler, ...args], installed.folder);
    expect(stdout).toBe("");
    expect(status).toBe(0);
  });
});

describe("the package checkers have nothing to say", () => {
  test("publint", () => {
    const cli = tool("publint/src/cli.js");
    const args = [cli, "run", installed.packageFolder, "--strict", "--pack", "false"];
    const { status, stdout, stderr } = run([process.execPath, ...args], root);
    expect(stdout + stderr).toContain("All good!");
    expect(status).toBe(0);
  });

  test("are the types wrong?", () => {
    const cli = tool("@arethetypeswrong/cli/dist/index.js");
    // Resolution as before "exports" is for versions of Node.js that we don't run on.
    const options = ["--format", "json", "--no-definitely-typed", "--profile", "node16"];
    const args = [cli, installed.tarball, ...options];
    const { status, stdout, stderr } = run([process.execPath, ...args], root);
    expect(stderr).toBe("");
    const report = JSON.parse(stdout) as {
      problems?: Record<string, { readonly resolutionKind?: string }[]>;
    };
    const problems = Object.values(report.problems ?? {}).flat();
    expect(problems.filter(({ resolutionKind }) => resolutionKind !== "node10")).toEqual([]);
    expect(status).toBe(0);
  });
});
