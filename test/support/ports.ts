// Free TCP ports on the loopback interface.

import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";

/** The address that test servers listen on. */
export const LOOPBACK = "127.0.0.1";

// Below the ports that systems hand out to outgoing connections, so that nobody takes ours while
// the server restarts.
const RANGE = [17_000, 32_000] as const;

/** A port that nobody listens on at the moment. */
export async function findFreePort(): Promise<number> {
  for (;;) {
    const port = randomInt(...RANGE);
    const probe = createServer().listen(port, LOOPBACK);
    const free = await new Promise<boolean>((resolve) => {
      probe.once("listening", () => resolve(true)).once("error", () => resolve(false));
    });
    if (!free) continue;
    probe.close();
    await once(probe, "close");
    return port;
  }
}
