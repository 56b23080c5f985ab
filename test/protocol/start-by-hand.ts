// A session that starts, driven by hand: as whom, and what a friendly server would say.

import type { Credentials } from "../../src/protocol/auth-credentials.ts";
import { PROTOCOL_3_0 } from "../../src/protocol/negotiation.ts";
import { startup, type StartupRequest } from "../../src/protocol/startup.ts";
import * as backend from "../support/backend-messages.ts";
import { ByHand } from "./by-hand.ts";

export const PASSWORD = "hunter2";

const parameters = new Map([
  ["user", "ada"],
  ["database", "app"],
]);

/** Where the sessions of these tests are. */
export const route = {
  address: { host: "db.example", port: 5432, path: null },
  serverName: "db.example",
  encryption: "none",
  timeout: null,
} as const;

/** What differs from an unencrypted start with a password and without conditions. */
export interface Given
  extends
    Partial<Omit<StartupRequest, "credentials">>,
    Partial<Pick<Credentials, "password" | "accepts" | "channelBinding">> {
  /** The server's certificate, where there is encryption. */
  readonly certificate?: Uint8Array;
}

/** Begins to start a session. */
export function start(given: Given = {}): ByHand<boolean> {
  const { password = PASSWORD, accepts = null, channelBinding, certificate, ...request } = given;
  const who = { user: "ada", password, passwordSources: "nowhere", accepts };
  const credentials = channelBinding === undefined ? who : { ...who, channelBinding };
  const all = { ...route, version: PROTOCOL_3_0, credentials, parameters, ...request };
  return new ByHand((session) => startup(session, all), certificate);
}

/** The cancel key of the greeting. */
export const key: Buffer = Buffer.of(9, 8, 7, 6);

/** What a server says once it is content with the client. */
export const greeting: readonly Buffer[] = [
  backend.authenticationOk(),
  backend.parameterStatus("server_version", "18.4"),
  backend.backendKeyData(77, key),
  backend.readyForQuery(),
];
