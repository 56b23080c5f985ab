// What one run of a contender's method gives: its value, and figures of its own where it has any.

import { readFileSync } from "node:fs";
import { resourceUsage } from "node:process";

/** A value with figures: `{ p50, p99 }`, ages of notifications in milliseconds. */
export class Measured {
  constructor(value, figures = {}) {
    this.value = value;
    this.figures = figures;
  }

  /** What a method gave, figures or not. */
  static of(result) {
    return result instanceof Measured ? result : new Measured(result);
  }
}

/** The most memory that this process has ever held, in MB. */
export function peakMemory() {
  // Elsewhere, and in Linux's own count for the process, its parent may be in it.
  if (process.platform === "linux") {
    const kilobytes = /^VmHWM:\s*(\d+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
    if (kilobytes !== undefined) return (Number(kilobytes) * 1_024) / 1e6;
  }
  return (resourceUsage().maxRSS * 1_024) / 1e6;
}
