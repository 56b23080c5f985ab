// V8's own profilers around a piece of work, reduced to what each function did itself. It profiles
// the calling thread only.

import { Session } from "node:inspector/promises";
import { sep } from "node:path";
import { fileURLToPath } from "node:url";

const SAMPLING_MICROSECONDS = 100;
/** So many bytes from one sample to the next, on average. */
const SAMPLING_BYTES = 8_192;

function placeOf({ functionName, url, lineNumber }) {
  const name = functionName === "" ? "(anonymous)" : functionName;
  if (url === "") return name;
  const path = url.startsWith("file:") ? fileURLToPath(url) : url;
  return `${name}  ${path.split(sep).slice(-3).join("/")}:${lineNumber + 1}`;
}

function summed(entries) {
  const sums = new Map();
  for (const [frame, amount] of entries) {
    const place = placeOf(frame);
    sums.set(place, (sums.get(place) ?? 0) + amount);
  }
  return [...sums].sort(([, a], [, b]) => b - a);
}

const profilers = {
  /** Microseconds by function. */
  async cpu(session, work) {
    await session.post("Profiler.enable");
    await session.post("Profiler.setSamplingInterval", { interval: SAMPLING_MICROSECONDS });
    await session.post("Profiler.start");
    const operations = await work();
    const { profile } = await session.post("Profiler.stop");
    const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]));
    const entries = profile.samples.map((id, i) => [frames.get(id), profile.timeDeltas[i]]);
    return { operations, entries, profile };
  },

  /** Allocated bytes by function, garbage included. */
  async allocations(session, work, samplingInterval = SAMPLING_BYTES) {
    await session.post("HeapProfiler.startSampling", {
      samplingInterval,
      includeObjectsCollectedByMajorGC: true,
      includeObjectsCollectedByMinorGC: true,
    });
    const operations = await work();
    const { profile } = await session.post("HeapProfiler.stopSampling");
    const entries = [];
    const nodes = [profile.head];
    for (const { callFrame, selfSize, children } of nodes) {
      entries.push([callFrame, selfSize]);
      nodes.push(...children);
    }
    return { operations, entries, profile };
  },
};

/** Runs the work, which returns its number of operations, under one of the profilers. */
export async function profiled(kind, work, samplingInterval) {
  const session = new Session();
  session.connect();
  const { operations, entries, profile } = await profilers[kind](session, work, samplingInterval);
  session.disconnect();
  return { operations, functions: summed(entries), profile };
}
