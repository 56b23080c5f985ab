/**
 * `mahout listen <channel>`: prints what is notified, for as long as it runs.
 */
import type { ChannelEvent } from "../notify/events.ts";
import { Listener } from "../notify/listener.ts";
import type { Output } from "./output.ts";

/** Prints the notifications of channels until the signal. */
export async function listen(
  channels: readonly string[],
  conninfo: string | undefined,
  output: Output,
  signal: AbortSignal,
): Promise<void> {
  const listener = new Listener(conninfo);
  try {
    for (const channel of channels) {
      const print = (event: ChannelEvent): void => {
        const at = new Date();
        if (event.kind === "gap") {
          const { reason, since } = event;
          return output.say(
            `${channel}: notifications since ${since.toISOString()} may be missing: ${reason.message}`,
            { at, kind: "gap", channel, since, reason: reason.message },
          );
        }
        const { payload, pid } = event;
        output.say(`${at.toISOString()}  ${channel}  ${payload}`, { at, channel, payload, pid });
      };
      await listener.listen(channel, print, { signal });
    }
    if (!signal.aborted)
      await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  } catch (error) {
    // To be told to stop while it connects is no failure.
    if (!signal.aborted) throw error;
  } finally {
    await listener.close();
  }
}
