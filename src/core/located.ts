/**
 * Where a server is: every address that its name has, each to be tried by itself.
 *
 * An address that nobody answers at must not use up the time of those behind it, so as long as there are others
 * the socket has to be open soon, unless `connect_timeout` says how long each of them has.
 */
import type { ConnectionParameters, Endpoint } from "../conninfo/parameters.ts";
import { conceal } from "../conninfo/parameters.ts";
import type { Conversation, ResolveEffect } from "../protocol/effects.ts";
import { shuffled } from "./hosts.ts";

/** How long a socket may take to open where there are other addresses, in milliseconds: two lost packets. */
export const OTHERS_WAIT = 3_500;

/** What looks like a name, and is the address itself. */
const ADDRESS = /^[\d.]+$|:/;

/**
 * The places of a server, in the order in which they are tried: sockets and addresses as they are, else what the
 * name's addresses are.
 *
 * @throws OperationalError when the name has none.
 */
export function* locate(
  { loadBalanceHosts }: ConnectionParameters,
  endpoint: Endpoint,
): Conversation<readonly Endpoint[]> {
  const { host, hostaddr, socketPath } = endpoint;
  if (socketPath !== null || hostaddr !== null || ADDRESS.test(host)) return [endpoint];
  const effect: ResolveEffect = { kind: "resolve", host, addresses: [] };
  yield effect;
  const addresses = loadBalanceHosts === "random" ? shuffled(effect.addresses) : effect.addresses;
  return addresses.map((address) => conceal({ ...endpoint, hostaddr: address }, ["password"]));
}
