/**
 * Limits for what can't be stopped: who waits is told in time, and what was begun goes on.
 */
import type { RunOptions } from "../connector.ts";
import { ConnectorException } from "../errors.ts";
import type { OperationName } from "../operations.ts";

/**
 * Waits for work, within limits.
 *
 * @throws ConnectorException when they are reached: whether the work has an effect isn't known then.
 */
export async function bounded<Result>(
  name: OperationName,
  { signal, timeout }: RunOptions,
  work: () => Promise<Result>,
): Promise<Result> {
  if (signal?.aborted === true) throw aborted(name, signal, "not sent");
  if (signal === undefined && timeout === undefined) return await work();
  const { promise, cancel } = limit(name, signal, timeout);
  try {
    return await Promise.race([work(), promise]);
  } finally {
    cancel();
  }
}

function limit(
  name: OperationName,
  signal: AbortSignal | undefined,
  timeout: number | undefined,
): { readonly promise: Promise<never>; readonly cancel: () => void } {
  let cancel = (): void => {};
  const promise = new Promise<never>((_, reject) => {
    const abort = (): void => reject(aborted(name, signal, "unknown"));
    const timer =
      timeout === undefined
        ? undefined
        : setTimeout(() => {
            const message = `${name} took longer than ${timeout} ms`;
            reject(new ConnectorException(message, { outcome: "unknown" }));
          }, timeout);
    signal?.addEventListener("abort", abort, { once: true });
    cancel = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    };
  });
  return { promise, cancel };
}

function aborted(
  name: OperationName,
  signal: AbortSignal | undefined,
  outcome: "not sent" | "unknown",
): ConnectorException {
  return new ConnectorException(`${name} was aborted by its signal`, {
    cause: signal?.reason,
    outcome,
  });
}
