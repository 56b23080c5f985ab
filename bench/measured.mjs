// What one run of a contender's method gives: its value, and figures of its own where it has any.

import { readFileSync, writeFileSync } from "node:fs";
import { resourceUsage } from "node:process";

/** A value with figures: `{ p50, p99 }`, ages of notifications, or `{ latencies }` of all operations, in milliseconds. */
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

/** Has peakMemory() count from now on, where that can be done. */
export function restartPeak() {
  if (process.platform !== "linux") return;
  try {
    writeFileSync("/proc/self/clear_refs", "5");
  } catch {
    // Not everywhere may a process do that; its peak is the one of its life then.
  }
}

/** The most memory that this process has held since restartPeak(), in MB; elsewhere than on Linux, ever. */
export function peakMemory() {
  // Elsewhere, and in Linux's own count for the process, its parent may be in it.
  if (process.platform === "linux") {
    const kilobytes = /^VmHWM:\s*(\d+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
    if (kilobytes !== undefined) return (Number(kilobytes) * 1_024) / 1e6;
  }
  return (resourceUsage().maxRSS * 1_024) / 1e6;
}
