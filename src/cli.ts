#!/usr/bin/env node
/**
 * The command `mahout`; src/cli has its parts.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { program } from "./cli/program.ts";

const manifest = readFileSync(join(__dirname, "../package.json"), "utf8");
const { version } = JSON.parse(manifest) as { version: string };

program(version)
  .parseAsync()
  .catch((error: unknown) => {
    const { name, message } = error as Error;
    process.stderr.write(`mahout: ${name === "Error" ? "" : `${name}: `}${message}\n`);
    process.exitCode = 1;
  });
