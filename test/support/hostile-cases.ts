// What hostile servers do and what callers are told of it: the tables of the tests with scripted servers are
// made of these.

import * as backend from "./backend-messages.ts";
import type { Script } from "./scripted-server.ts";

/** What the server does after it was asked, and what the caller is told. */
export type Case = readonly [name: string, script: Script, error: object];

/** The connection went away without a word. */
export const LOST = { name: "OperationalError", code: "ERR_MAHOUT_CONNECTION_LOST" };
/** The server said something that it may not say there. */
export const MALFORMED = { name: "ProtocolError", code: "ERR_MAHOUT_PROTOCOL" };
/** The error of {@link fatal}. */
export const SHUTDOWN = { name: "AdminShutdown", sqlstate: "57P01", message: "going down" };
/** The last words of a server. */
export const fatal: Buffer = backend.fatalError({ C: "57P01", M: "going down" });

/** The server doesn't speak TLS. */
export const NO_TLS = { name: "OperationalError", code: "ERR_MAHOUT_NO_TLS" };
/** The handshake failed. */
export const BAD_TLS = { name: "OperationalError", code: "ERR_MAHOUT_TLS" };
/** Somebody said more than may be said before encryption. */
export const TAMPERED = { name: "OperationalError", code: "ERR_MAHOUT_PROTOCOL" };
