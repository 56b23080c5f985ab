// Workers and the signals of their process.

import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { App } from "../../src/queue/app.ts";
import { InMemoryConnector } from "../../src/queue/connectors/in-memory.ts";
import { Working } from "./working.ts";

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

let app: App;
let before: number[];

const counts = (): number[] => SIGNALS.map((name) => process.listenerCount(name));

beforeEach(async () => {
  app = await new App({ connector: new InMemoryConnector() }).open();
  before = counts();
});

afterEach(async () => {
  await app.close();
});

test("many workers of a process have one listener, which goes with the last of them", async () => {
  const workers = Array.from(
    { length: 12 },
    () => new Working(app, { installSignalHandlers: true }),
  );
  for (const worker of workers) await worker.until("worker:started");
  expect(counts()).toEqual(before.map((count) => count + 1));
  const [first, ...others] = workers;
  await first?.stop();
  expect(counts()).toEqual(before.map((count) => count + 1));
  for (const worker of others) await worker.stop();
  expect(counts()).toEqual(before);
});

test("the first signal stops all of them, and the next one is the process's own", async () => {
  const workers = Array.from(
    { length: 3 },
    () => new Working(app, { installSignalHandlers: true }),
  );
  for (const worker of workers) await worker.until("worker:started");
  // Not sent, but given to who listens: a real one would reach the test's own process.
  const listener = process.listeners("SIGTERM").at(-1) as () => void;
  listener();
  expect(counts()).toEqual(before);
  for (const worker of workers) await worker.ended;
});
