/**
 * Streams of the asynchronous shell: rows as they come, with the connection to themselves until they end.
 */
import { recapture } from "../core/recapture.ts";
import type { StreamCore } from "../core/stream.ts";
import type { Limits } from "../transport/limits.ts";
import { REST_GRACE } from "../transport/occupation.ts";
import type { AsyncConnection } from "./connection.ts";
import { OccupiedScope } from "./occupied.ts";

/** Gives the rows of a stream; `show` is told when there is something new to be shown of it. */
export async function* streamRows<Row>(
  connection: AsyncConnection<unknown>,
  core: StreamCore<Row>,
  limits: Limits,
  show: () => void,
): AsyncGenerator<Row, void, undefined> {
  // Before anything is awaited: the context is that of the loop.
  const stay = connection.driver.occupy(core);
  const scope = new OccupiedScope(connection.core, core.what);
  scope.enter();
  const asked = async <T>(answer: Promise<T>): Promise<T> => {
    try {
      return await answer;
    } catch (error) {
      throw recapture(stay.explain(error));
    }
  };
  try {
    await asked(stay.enter(limits));
    await asked(stay.run(core.start()));
    show();
    do {
      for (let rows = core.nextRows(); rows.length > 0; rows = core.nextRows()) yield* rows;
    } while (await asked(stay.run(core.more())));
  } finally {
    if (core.ended) {
      stay.leave();
      await stay.halted;
    } else await stay.abandon("the stream was left", REST_GRACE);
    scope.close();
    show();
  }
}

/** The limits of one call: its own, or the connection's. */
export function limitsOf(
  core: { timeoutOf(options: { timeout?: number } | undefined): number | undefined },
  options: { readonly timeout?: number; readonly signal?: AbortSignal } | undefined,
): Limits {
  return { signal: options?.signal, timeout: core.timeoutOf(options) };
}
