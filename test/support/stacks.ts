/**
 * Stacks of errors, as a program sees them.
 */
import { failureOf } from "./shells.ts";

/** The stack of what `run` fails with, as the engine prints it: jest's own way loses functions' names. */
export async function stackOf(run: () => unknown): Promise<string> {
  const prepare = Error.prepareStackTrace;
  Error.prepareStackTrace = (error, sites) =>
    [`${error.name}: ${error.message}`, ...sites.map(String)].join("\n");
  try {
    return String((await failureOf(run)).stack);
  } finally {
    Error.prepareStackTrace = prepare;
  }
}
