// What the tests with scripted servers share: how a server that begins well begins, and that nothing
// is left behind when it ends badly.

import { expect } from "@jest/globals";
import type { AsyncConnection } from "../../src/index.ts";
import * as backend from "./backend-messages.ts";
import {
  awaits,
  type ConnectionRecord,
  type Script,
  ScriptedServer,
  sends,
} from "./scripted-server.ts";
import type { ScriptedServerOptions } from "./scripted-server.ts";
import { eventually, failureOf } from "./shells.ts";

/** The process that scripted servers say they are. */
export const PID = 4242;

/** A cancel key of so many bytes, each telling its place; never all alike. */
export function keyOf(length: number): Buffer {
  return Buffer.from(Array.from({ length }, (_, index) => (index * 7 + 129) & 0xff));
}

/** All that a server says from its content with the client to its being ready. */
export function greeting(key: Uint8Array = keyOf(4)): Buffer {
  return Buffer.concat([
    backend.authenticationOk(),
    backend.parameterStatus("server_version", "18.4"),
    backend.parameterStatus("client_encoding", "UTF8"),
    backend.parameterStatus("standard_conforming_strings", "on"),
    backend.parameterStatus("TimeZone", "UTC"),
    backend.backendKeyData(PID, key),
    backend.readyForQuery(),
  ]);
}

/** Lets the client in. */
export function greets(key?: Uint8Array): Script {
  return [awaits("startup"), sends(greeting(key))];
}

/** A whole result with one row of one text column. */
export function answer(value: string): Buffer {
  return Buffer.concat([
    backend.rowDescription("value"),
    backend.dataRow(value),
    backend.commandComplete("SELECT 1"),
    backend.readyForQuery(),
  ]);
}

const KINDS = /TCP|TLS|Connect|GetAddrInfo|Timeout|MessagePort|PBKDF2/;

/** What keeps this process busy and would outlive a connection: sockets, timers, requests. */
export function resources(): string[] {
  return process.getActiveResourcesInfo().filter((kind) => KINDS.test(kind));
}

/** What is there now and was not before; the test runner's own timers come and go. */
export function leftovers(before: readonly string[]): string[] {
  const known = [...before];
  return resources().filter((kind) => {
    const index = known.indexOf(kind);
    if (index >= 0) known.splice(index, 1);
    return index < 0;
  });
}

/**
 * Runs a test against a server that plays the scripts, one for each connection that is expected.
 * Afterwards all of them must be closed by both sides, and nothing may keep this process busy that
 * did not before.
 */
export async function against(
  scripts: readonly Script[],
  body: (server: ScriptedServer) => Promise<void>,
  options?: ScriptedServerOptions,
): Promise<readonly ConnectionRecord[]> {
  await using server = await ScriptedServer.start(scripts, options);
  const before = resources();
  await body(server);
  const records = await server.closed(scripts.length);
  await eventually(() => leftovers(before).length === 0);
  expect(records).toHaveLength(scripts.length);
  return records;
}

/** Runs something and checks that it took at most so many milliseconds. */
export async function within<T>(milliseconds: number, run: () => T | Promise<T>): Promise<T> {
  const begin = performance.now();
  const value = await run();
  expect(performance.now() - begin).toBeLessThan(milliseconds);
  return value;
}

/** However bad the server is, an error may not take longer than this, in milliseconds. */
export const SOON = 2_000;

/** What is true of a connection after it broke, whatever broke it. */
export async function expectBroken(conn: AsyncConnection): Promise<void> {
  expect([conn.closed, conn.broken, conn.disconnected.aborted]).toEqual([true, true, true]);
  const refusal = await failureOf(async () => await conn.query("select 2"));
  expect(refusal).toMatchObject({ name: "OperationalError", code: "ERR_MAHOUT_CONNECTION_CLOSED" });
  expect(refusal.cause).toBeInstanceOf(Error);
  await within(SOON, async () => await conn.close());
  expect(conn.broken).toBe(true);
}

/** A notice handler that is slower than any server speaks: what came is never all read. */
export function dawdle(): void {
  const end = performance.now() + 0.01;
  while (performance.now() < end);
}

/** What no server in these tests may get to see. */
export const PASSWORD = "a well-kept secret";

/** Checks that no password left, in no form in which it could. */
export function expectNoPassword(record: ConnectionRecord | undefined): void {
  expect(record).toBeDefined();
  expect(record?.messages.map(({ type }) => type)).not.toContain("p");
  for (const bytes of [record?.plain, record?.encrypted]) {
    expect(bytes?.includes(PASSWORD)).toBe(false);
    expect(bytes?.includes(Buffer.from(PASSWORD).toString("base64"))).toBe(false);
  }
}
