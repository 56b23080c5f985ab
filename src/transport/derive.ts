/**
 * SCRAM's salted password, which takes too long for an event loop: on a thread of the system, or, where
 * the caller waits anyhow, at once. Nothing here knows where the password comes from or goes to.
 */
import { pbkdf2, pbkdf2Sync } from "node:crypto";
import type { DeriveEffect } from "../protocol/effects.ts";

const KEY_LENGTH = 32;

/** Derives the key without stopping the event loop. */
export function derive(effect: DeriveEffect): Promise<void> {
  return new Promise((resolve, reject) => {
    pbkdf2(effect.password, effect.salt, effect.iterations, KEY_LENGTH, "sha256", (error, key) => {
      if (error) return reject(error);
      effect.key = key;
      resolve();
    });
  });
}

/** Derives the key before it returns. */
export function deriveBlocking(effect: DeriveEffect): void {
  effect.key = pbkdf2Sync(effect.password, effect.salt, effect.iterations, KEY_LENGTH, "sha256");
}
