/**
 * Asking whether a server would let people in, without going in: libpq's PQping().
 *
 * The first thing that a server says to somebody whom it doesn't know yet tells: whoever is asked for a proof,
 * or refused for what they are, has found a server that works. Only "cannot connect now" is a no.
 */
import type { ConnectionParameters, Endpoint } from "../conninfo/parameters.ts";
import { MahoutError } from "../errors.ts";
import { nextRequest } from "../protocol/auth-requests.ts";
import type { Conversation } from "../protocol/effects.ts";
import { writeTerminate } from "../protocol/encode.ts";
import { Negotiation } from "../protocol/negotiation.ts";
import { Session } from "../protocol/session.ts";
import { greet } from "../protocol/startup.ts";
import { isOverdue } from "./connect.ts";
import { encryptionsOf, passesOf } from "./hosts.ts";
import { locate } from "./located.ts";
import { NO_SECRETS } from "./secrets.ts";
import { startupOf } from "./trial.ts";

/** What came of it: the server accepts connections, it is there and doesn't, or nobody answered. */
export type PingResult = "accepts" | "rejects" | "noAnswer";

/** The server starts up, shuts down, or recovers. */
const CANNOT_CONNECT_NOW = "57P03";

/** Asks the servers in turn until one accepts connections. */
export function* ping(parameters: ConnectionParameters): Conversation<PingResult> {
  let result: PingResult = "noAnswer";
  const endpoints = passesOf(parameters)[0]?.endpoints ?? [];
  try {
    for (const endpoint of endpoints) {
      const found = yield* pingServer(parameters, endpoint, endpoint !== endpoints.at(-1));
      if (found === "accepts") return found;
      if (found === "rejects") result = found;
    }
  } catch (error) {
    if (!isOverdue(error)) throw error;
  }
  return result;
}

function* pingServer(
  parameters: ConnectionParameters,
  endpoint: Endpoint,
  areOthers: boolean,
): Conversation<PingResult> {
  let result: PingResult = "noAnswer";
  let places: readonly Endpoint[] = [];
  try {
    places = yield* locate(parameters, endpoint);
  } catch (error) {
    if (isEnd(error)) throw error;
  }
  for (const place of places) {
    for (const tried of encryptionsOf(parameters, place)) {
      const hasOthers = areOthers || place !== places.at(-1);
      const trial = { parameters, endpoint: place, tried, secrets: NO_SECRETS, hasOthers };
      const session = new Session();
      try {
        yield* greet(session, startupOf(trial));
        yield* nextRequest(session, new Negotiation(session));
        writeTerminate(session.outbox);
        return "accepts";
      } catch (error) {
        if (isEnd(error)) throw error;
        const { sqlstate } = error as MahoutError;
        if (sqlstate !== null && sqlstate !== CANNOT_CONNECT_NOW) return "accepts";
        if (sqlstate === CANNOT_CONNECT_NOW) result = "rejects";
      } finally {
        yield { kind: "close", atOnce: true };
      }
    }
  }
  return result;
}

/** Whether no other server is to be asked: the time is up, or the caller has changed its mind. */
function isEnd(error: unknown): boolean {
  const { code } = error as Partial<MahoutError>;
  return isOverdue(error) || code === "ERR_MAHOUT_ABORTED" || !(error instanceof MahoutError);
}
