/**
 * Changing a password without telling it: the server is sent what it would have made of it, a SCRAM verifier
 * (manual, 53.8 "pg_authid", "ALTER ROLE"). It is one whatever the server's `password_encryption` says: MD5 is
 * as good as the password itself to whoever sees it.
 */
import { ProgrammingError } from "../errors.ts";
import type { Conversation, DeriveEffect } from "../protocol/effects.ts";
import { preparePassword } from "../protocol/saslprep.ts";
import { FEWEST_ITERATIONS, MOST_ITERATIONS, newSalt, verifierOf } from "../protocol/scram.ts";
import type { Session } from "../protocol/session.ts";
import { quoteIdentifier } from "../sql/identifier.ts";
import { quoteLiteral } from "../sql/literal.ts";
import { command } from "./command.ts";
import type { ConnectionCore } from "./connection.ts";
import { fieldOf } from "./field.ts";

/** How much work a verifier is to be; servers before 16 have no such setting. */
const ITERATIONS = "SELECT pg_catalog.current_setting('scram_iterations', true)";

/** Changes the password of `user`, null for the session's own. */
export function* changePassword(
  core: Pick<ConnectionCore<never>, "session" | "prologue" | "pipeline">,
  user: string | null,
  password: string,
): Conversation<void> {
  if (typeof password !== "string" || password === "") {
    throw new ProgrammingError("a password must be a string that is not empty");
  }
  if (password.includes("\0")) throw new ProgrammingError("a password can't hold a NUL character");
  const role = user === null ? "SESSION_USER" : quoteIdentifier(user);
  const { session, prologue, pipeline } = core;
  yield* pipeline.settle();
  // The transaction that is due, if any, is to hold this as it holds other statements.
  yield* prologue.send(session);
  const salt = newSalt();
  const iterations = yield* iterationsOf(session);
  const derive: DeriveEffect = {
    kind: "derive",
    password: preparePassword(password),
    salt,
    iterations,
    key: null,
  };
  yield derive;
  const verifier = verifierOf(derive.key as Uint8Array, salt, iterations);
  const text = `ALTER ROLE ${role} PASSWORD ${quoteLiteral(verifier)}`;
  // A verifier is no password, but nobody's business either.
  yield* command(session, prologue, pipeline, [text], `ALTER ROLE ${role} PASSWORD '...'`);
}

function* iterationsOf(session: Session): Conversation<number> {
  const text = yield* fieldOf(session, ITERATIONS);
  const count = Number(text) || FEWEST_ITERATIONS;
  return Math.min(Math.max(count, FEWEST_ITERATIONS), MOST_ITERATIONS);
}
