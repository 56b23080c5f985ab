/**
 * Reading what was given on the command line or in the environment, where it comes as text.
 */
import { InvalidArgumentError, Option } from "commander";

/** An option that can also be given as MAHOUT_..., the environment's name of it. */
export function option(flags: string, description: string, variable: string): Option {
  return new Option(flags, description).env(`MAHOUT_${variable}`);
}

/** A whole number. */
export function whole(text: string): number {
  if (!/^-?\d+$/.test(text)) throw new InvalidArgumentError("It must be a whole number.");
  return Number(text);
}

/** A time in seconds, "1.5", or with its unit, "500ms", "90s", "5m", "2h", "1d"; gives milliseconds. */
export function duration(text: string): number {
  const units: Readonly<Record<string, number>> = {
    ms: 1,
    s: 1_000,
    m: 60_000,
    h: 3_600_000,
    d: 86_400_000,
  };
  const match = /^(\d+(?:\.\d+)?)(ms|[smhd]?)$/.exec(text);
  if (!match) throw new InvalidArgumentError('It must be a time like "500ms", "90s" or "2h".');
  return Number(match[1]) * (units[match[2] || "s"] ?? 0);
}

/** Names, separated by commas. */
export function names(text: string): string[] {
  return text.split(",").filter((name) => name !== "");
}

/** JSON. */
export function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new InvalidArgumentError(`It must be JSON: ${(error as Error).message}.`);
  }
}
