/**
 * What is left of a lent connection when its loan has ended: an object every use of which is an error.
 */
import { InterfaceError } from "../errors.ts";

/** What became of something that is to be returned. */
export type LoanState = "lent" | "returned" | "closed" | "foreign";

/** The number of a loan that was ended by closing its connection. */
export const CLOSED = -1;

/** What is left to a loan that has ended: every use of it throws. */
function refuse(): never {
  throw new InterfaceError(
    "the connection was returned to its pool; whatever uses it has to end before that",
    { code: "ERR_MAHOUT_RETURNED", outcome: "not sent" },
  );
}

const goneDriver = new Proxy({}, { get: refuse, set: refuse });
// What a call looks at before it has a promise to fail with.
const harmless = { pipeline: { open: false }, factoryOf: () => null };
const goneCore = new Proxy(harmless, {
  get: (target, name) => (name in target ? Reflect.get(target, name) : refuse()),
  set: refuse,
});

/** Takes a connection's way to its session away, for good. */
export function takeFace(loan: { readonly core: unknown; readonly driver: unknown }): void {
  const face = loan as { core: unknown; driver: unknown };
  face.core = goneCore;
  face.driver = goneDriver;
}
