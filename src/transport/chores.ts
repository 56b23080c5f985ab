/**
 * What conversations want done that takes no socket: a key derived, the program asked for a secret.
 */
import { lookup } from "node:dns";
import { OperationalError, ProgrammingError } from "../errors.ts";
import type { AskEffect, DeriveEffect, ResolveEffect } from "../protocol/effects.ts";
import { derive, deriveBlocking } from "./derive.ts";
import { unresolved } from "./failures.ts";
import { lookupOf } from "./lookup.ts";

/** Something to do that takes no socket. */
export type Chore = AskEffect | DeriveEffect;

const names = lookupOf({ lookup });

/** Looks up the addresses of a host. */
export function resolve(effect: ResolveEffect): Promise<void> {
  return new Promise((done, fail) => {
    names.ask(effect.host, (looked) => {
      if ("error" in looked) return fail(unresolved(effect.host, looked.error));
      effect.addresses = looked.addresses;
      done();
    });
  });
}

/** Does it without stopping the event loop. */
export function chore(effect: Chore): Promise<void> {
  return effect.kind === "ask" ? ask(effect) : derive(effect);
}

/** Does it before it returns. */
export function choreBlocking(effect: Chore): void {
  if (effect.kind === "ask") askBlocking(effect);
  else deriveBlocking(effect);
}

/** Asks, and waits for the answer. */
async function ask(effect: AskEffect): Promise<void> {
  try {
    effect.answer = await effect.ask();
  } catch (error) {
    throw failed(effect, error);
  }
}

/**
 * Asks, and takes what is given at once.
 *
 * @throws ProgrammingError for what would have to be waited for.
 */
function askBlocking(effect: AskEffect): void {
  let answer: unknown;
  try {
    answer = effect.ask();
  } catch (error) {
    throw failed(effect, error);
  }
  if (typeof (answer as { then?: unknown } | null | undefined)?.then === "function") {
    // It is not waited for, and what becomes of it is nobody's surprise.
    void Promise.resolve(answer).catch(() => {});
    throw new ProgrammingError(
      `the function for ${effect.what} gave a promise, which a blocking connection can't wait for`,
    );
  }
  effect.answer = answer;
}

/** The program's own words may hold what it knows of the secret: they are its cause, and not repeated. */
function failed({ what }: AskEffect, cause: unknown): OperationalError {
  return new OperationalError(`the function for ${what} failed; see the cause`, {
    cause,
    code: "ERR_MAHOUT_ASKING",
  });
}
