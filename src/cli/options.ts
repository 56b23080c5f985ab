/**
 * Reading what was given on the command line or in the environment, where it comes as text.
 */
import { InvalidArgumentError, Option } from "commander";

/**
 * An option that can also be given as MAHOUT_..., the environment's name of it. An empty variable is one that isn't there, as containers'
 * settings have them; so is one of an option without a value that says no.
 */
export function option(flags: string, description: string, variable: string): Option {
  const made = new Option(flags, description).env(`MAHOUT_${variable}`);
  const text = process.env[`MAHOUT_${variable}`];
  const isFlag = !made.required && !made.optional;
  if (text === "" || (isFlag && /^(?:0|false|no|off)$/i.test(text ?? "")))
    delete process.env[`MAHOUT_${variable}`];
  return made;
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

/** Whole numbers that may be too long to be held exactly. */
const INEXACT = /-?\b\d{16,}\b(?![.eE])/;

/** Names, separated by commas. */
export function names(text: string): string[] {
  return text.split(",").filter((name) => name !== "");
}

/** JSON, of which nothing changes when it is read. */
export function json(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new InvalidArgumentError(`It must be JSON: ${(error as Error).message}.`);
  }
  const [number] = text.replaceAll(/"(?:[^"\\]|\\.)*"/g, "").match(INEXACT) ?? [];
  if (number !== undefined && BigInt(number) !== BigInt(Number(number)))
    throw new InvalidArgumentError(
      `JavaScript has no number ${number}, only ${BigInt(Number(number))}: give it as a string.`,
    );
  return value;
}
