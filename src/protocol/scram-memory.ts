/**
 * What SCRAM made of passwords that servers have accepted, so that it isn't made anew for every connection.
 *
 * Making it takes thousands of hashes on purpose, and a pool logs in again and again with the same password, salt and
 * number of iterations. What is kept are the keys that `scram_client_key` and `scram_server_key` name, and a digest of
 * what they were made of, under a secret of this process: no password. They are kept only after the server has proved
 * that it knows the password, only a few, and are shown to nobody; a new password has a new salt, and so new keys.
 */
import { createHmac, randomBytes } from "node:crypto";
import type { ScramChallenge, ScramKeys } from "./scram.ts";

/** Of how many passwords something is remembered: more than a program logs in with. */
const MOST = 16;

const secret = randomBytes(32);
const memory = new Map<string, ScramKeys>();

/** What a password is remembered under together with what the server asked for. */
export function reminderOf(password: string, { salt, iterations }: ScramChallenge): string {
  return createHmac("sha256", secret)
    .update(`${iterations}:${salt.length}:`)
    .update(salt)
    .update(password)
    .digest("base64");
}

/** The keys that were made before; null when they weren't, or it was too long ago. */
export function recall(reminder: string): ScramKeys | null {
  const keys = memory.get(reminder);
  if (keys === undefined) return null;
  remember(reminder, keys);
  return keys;
}

/** Keeps the keys that a server has accepted; who was recalled longest ago makes room. */
export function remember(reminder: string, keys: ScramKeys): void {
  memory.delete(reminder);
  memory.set(reminder, keys);
  for (const oldest of memory.keys()) {
    if (memory.size <= MOST) return;
    memory.delete(oldest);
  }
}
