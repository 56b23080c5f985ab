// Sessions as the server counts them: what tests of connecting look at from outside.

import { randomBytes } from "node:crypto";
import type { AsyncConnection } from "../../src/index.ts";
import type { ServerAddress } from "./address.ts";
import { eventually } from "./shells.ts";

/** A name for the sessions of one test. */
export function newApplicationName(): string {
  return `test_${randomBytes(6).toString("hex")}`;
}

/** Waits until the server has no session of that application any more. */
export async function untilGone(server: ServerAddress, applicationName: string): Promise<void> {
  const text = `select count(*) from pg_stat_activity where application_name = '${applicationName}'`;
  await eventually(async () => (await server.administer(text))[0]?.[0] === "0");
}

/** The first column of the first row of a statement. */
export async function valueOf(
  conn: AsyncConnection,
  text: string,
  parameters: readonly unknown[] = [],
): Promise<unknown> {
  const [row] = await conn.query(text, parameters);
  return Object.values(row ?? {})[0];
}

/** Waits for a connection, asks it for one value and closes it. */
export async function askOnce(
  connecting: AsyncConnection | Promise<AsyncConnection>,
  text: string,
): Promise<unknown> {
  const conn = await connecting;
  try {
    return await valueOf(conn, text);
  } finally {
    await conn.close();
  }
}
