/**
 * Loads the modules in which tasks are defined, before a worker asks for those.
 */
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { QueueConfigurationError } from "./errors.ts";

/**
 * Imports modules, by paths relative to the working directory or by the names of packages, in order.
 *
 * @throws QueueConfigurationError naming the one that can't be loaded, with why as its cause.
 */
export async function importPaths(paths: readonly string[]): Promise<void> {
  const { resolve } = createRequire(join(process.cwd(), "."));
  for (const path of paths) {
    try {
      await import(pathToFileURL(resolve(path)).href);
    } catch (error) {
      throw new QueueConfigurationError(
        `the module ${JSON.stringify(path)} of importPaths can't be loaded`,
        { cause: error },
      );
    }
  }
}
