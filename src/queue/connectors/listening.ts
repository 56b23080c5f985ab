/**
 * How connectors listen: through a listener of mahout's, with a connection of its own, which connects again by itself and says
 * when something may have been missed.
 */
import type { Conninfo } from "../../conninfo/dict.ts";
import { Listener } from "../../notify/listener.ts";
import type { ListenerOptions } from "../../notify/options.ts";
import type { Ears } from "../connector.ts";
import type { Wake } from "../operations.ts";
import type { SqlStorage } from "../statement.ts";

/** Has `hear` called with what the storage tells; comes back when nothing can be missed any more. */
export async function listenTo(
  storage: SqlStorage,
  hear: (wake: Wake) => void,
  signal: AbortSignal,
  conninfo: Conninfo | undefined,
  options: ListenerOptions = {},
): Promise<Ears> {
  const listener = new Listener(conninfo, options);
  listener.watch((event) => {
    if (event.kind === "disconnected") hear({ type: "deaf", reason: event.error });
    else if (event.kind === "closed" && event.error !== null)
      hear({ type: "deaf", reason: event.error });
  });
  try {
    await listener.listen(
      storage.channel,
      (event) => {
        const wake: Wake | null =
          event.kind === "gap" ? { type: "gap" } : storage.readWake(event.payload);
        if (wake !== null) hear(wake);
      },
      { signal },
    );
  } catch (error) {
    await listener.close();
    throw error;
  }
  return { close: () => listener.close() };
}
