// What a result must say about where it came from.

import { readFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg, release, totalmem, type } from "node:os";

function cpuModel() {
  const { model } = cpus()[0] ?? { model: "unknown" };
  if (process.platform !== "linux") return model;
  // Virtual machines may hide the model's name; the clock tells a little.
  const clock = /^cpu MHz\s*:\s*(\d+)/m.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1];
  return clock === undefined ? model : `${model.trim()}, ${clock} MHz`;
}

/** The machine and its load at this moment. */
export function describeMachine() {
  return {
    cpu: cpuModel(),
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release().split(".", 2).join(".")}`,
    node: process.version,
    loadAverage: loadavg().map((load) => Number(load.toFixed(2))),
  };
}
