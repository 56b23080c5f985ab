/**
 * Streams of the blocking shell: rows as they come, with the connection to themselves until they end.
 */
import { recapture } from "../core/recapture.ts";
import type { StreamCore } from "../core/stream.ts";
import { REST_GRACE } from "../transport/occupation.ts";
import type { Connection } from "./connection.ts";

/** Gives the rows of a stream; `show` is told when there is something new to be shown of it. */
export function* streamRows<Row>(
  connection: Connection<unknown>,
  core: StreamCore<Row>,
  timeout: number | undefined,
  show: () => void,
): Generator<Row, void, undefined> {
  const stay = connection.driver.occupy(core, timeout);
  const asked = <T>(ask: () => T): T => {
    try {
      return ask();
    } catch (error) {
      throw recapture(error);
    }
  };
  try {
    asked(() => stay.run(core.start()));
    show();
    do {
      for (let rows = core.nextRows(); rows.length > 0; rows = core.nextRows()) yield* rows;
    } while (asked(() => stay.run(core.more())));
  } finally {
    if (core.ended) stay.leave();
    else stay.abandon("the stream was left", REST_GRACE);
    show();
  }
}
