// What the tests of notifications share: channels of their own, and what has come on them.

import type { AsyncConnection, AsyncNotifiesOptions } from "../../src/index.ts";

let serial = 0;

/** A channel that nobody else uses: all tests share the server's database. */
export const newChannel = (): string => `channel_${process.pid}_${++serial}`;

/** Listens to a channel of its own. */
export async function listening(conn: AsyncConnection): Promise<string> {
  const channel = newChannel();
  await conn.execute(`listen ${channel}`);
  return channel;
}

/** What `notifies()` gives. */
export async function payloads(
  conn: AsyncConnection,
  limits?: number | AsyncNotifiesOptions,
): Promise<string[]> {
  const found: string[] = [];
  for await (const { payload } of conn.notifies(limits)) found.push(payload);
  return found;
}
