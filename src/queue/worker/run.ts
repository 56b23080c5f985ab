/**
 * The one place at which an app meets the worker.
 */
import type { App } from "../app.ts";
import { QueueConfigurationError } from "../errors.ts";
import type { WorkerOptions } from "../worker-options.ts";

/** Runs a worker until it is stopped, or with `wait: false` until there is nothing left to do. */
export function runWorker(_app: App, _options: WorkerOptions): Promise<void> {
  return Promise.reject(new QueueConfigurationError("the worker is not there yet"));
}
