/**
 * Asking whether a server would let people in, without going in: libpq's PQping().
 *
 * The first thing that a server says to somebody whom it doesn't know yet tells: whoever is asked for a proof,
 * or refused for what they are, has found a server that works. Only "cannot connect now" is a no.
 */
import type { ConnectionParameters } from "../conninfo/parameters.ts";
import { MahoutError } from "../errors.ts";
import { nextRequest } from "../protocol/auth-requests.ts";
import type { Conversation } from "../protocol/effects.ts";
import { writeTerminate } from "../protocol/encode.ts";
import { Negotiation } from "../protocol/negotiation.ts";
import { Session } from "../protocol/session.ts";
import { greet } from "../protocol/startup.ts";
import { isOverdue } from "./connect.ts";
import { encryptionsOf, passesOf } from "./hosts.ts";
import { NO_SECRETS } from "./secrets.ts";
import { startupOf } from "./trial.ts";

/** What came of it: the server accepts connections, it is there and doesn't, or nobody answered. */
export type PingResult = "accepts" | "rejects" | "noAnswer";

/** The server starts up, shuts down, or recovers. */
const CANNOT_CONNECT_NOW = "57P03";

/** Asks the servers in turn until one accepts connections. */
export function* ping(parameters: ConnectionParameters): Conversation<PingResult> {
  let result: PingResult = "noAnswer";
  for (const endpoint of passesOf(parameters)[0]?.endpoints ?? []) {
    for (const tried of encryptionsOf(parameters, endpoint)) {
      const request = startupOf({ parameters, endpoint, tried, secrets: NO_SECRETS });
      const session = new Session();
      try {
        yield* greet(session, request);
        yield* nextRequest(session, new Negotiation(session));
        writeTerminate(session.outbox);
        return "accepts";
      } catch (error) {
        if (isOverdue(error)) return result;
        const { code, sqlstate } = error as Partial<MahoutError>;
        if (!(error instanceof MahoutError) || code === "ERR_MAHOUT_ABORTED") throw error;
        if (typeof sqlstate === "string" && sqlstate !== CANNOT_CONNECT_NOW) return "accepts";
        if (sqlstate === CANNOT_CONNECT_NOW) result = "rejects";
      } finally {
        yield { kind: "close", atOnce: true };
      }
    }
  }
  return result;
}
