/** The worker of this thread, and the sockets that it owns: started when the first is wanted. */
import { Worker } from "node:worker_threads";
import type { Change } from "./commands.ts";
import { layout } from "./mailbox.ts";
import { program } from "./program.ts";

/** One socket of the worker, as far as the worker's own end concerns it. */
interface Owned {
  readonly onChange: (() => void) | null;
  orphan(gone: Worker): void;
}

/** The sockets by number. */
export const channels: Map<number, Owned> = new Map();

let worker: Worker | null = null;

/** Starts the worker of this thread, or gives the one that runs. It does not keep the process alive. */
export function startWorker(): Worker {
  if (worker) return worker;
  const started = new Worker(program(), {
    eval: true,
    workerData: layout,
    execArgv: [],
    stdin: false,
  });
  started.on("message", ({ id }: Change) => channels.get(id)?.onChange?.());
  const gone = (): void => {
    if (worker === started) worker = null;
    for (const channel of channels.values()) channel.orphan(started);
  };
  started.on("error", gone);
  started.on("exit", gone);
  // After the listeners: one for messages would keep the process alive.
  started.unref();
  worker = started;
  return started;
}
