/**
 * The worker's program as text: the pump, and what it is given because it can import nothing.
 */
import { claimsOf } from "./claims.ts";
import { farewellOf } from "./farewell.ts";
import { handshakeOf } from "./handshake.ts";
import { lookupOf } from "./lookup.ts";
import { pump } from "./pump.ts";
import { ringOf } from "./ring.ts";
import { watchWrites } from "./write-watch.ts";

/** What the pump is given, in the order of its parameters. */
const SHIPPED = [ringOf, claimsOf, watchWrites, handshakeOf, lookupOf, farewellOf];

/** The text that a worker evaluates. */
export function program(): string {
  return `(${pump.toString()})(require, ${SHIPPED.join()})`;
}
