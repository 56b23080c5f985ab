/**
 * Agreeing on a version of the protocol: what a server may answer that speaks less than was asked for.
 *
 * NegotiateProtocolVersion (manual, 54.7) lowers the version, and names the options of the startup message
 * that the server does not know. We send no such options and begin with the lowest version, so a server has
 * a reason for it only when a higher one was asked for; everything else is refused, as libpq does.
 */
import { OperationalError, ProtocolError } from "../errors.ts";
import { Body } from "./bytes.ts";
import type { Session } from "./session.ts";

/** Protocol 3.0, as {@link Session.protocolVersion} counts. */
export const PROTOCOL_3_0 = 30_000;
/** Protocol 3.2: longer cancel keys. Servers before PostgreSQL 18 negotiate down to 3.0. */
export const PROTOCOL_3_2 = 30_002;

/** The negotiation of one session, which has one at most. */
export class Negotiation {
  readonly #session: Session;
  readonly #lowest: number;
  #held = false;

  /** `lowest` is the version below which there is no session. */
  constructor(session: Session, lowest: number = PROTOCOL_3_0) {
    this.#session = session;
    this.#lowest = lowest;
  }

  /**
   * Takes the server's message.
   *
   * @throws ProtocolError for one that makes no sense, OperationalError for a version that is too low.
   */
  accept(bytes: Buffer, start: number, end: number): void {
    const body = new Body(bytes, start, end, "NegotiateProtocolVersion");
    const version = body.int32();
    const count = body.int32();
    const asked = this.#session.protocolVersion;
    if (this.#held) throw nonsense("a second time");
    this.#held = true;
    if (version >>> 16 !== 3)
      throw new ProtocolError(`the server wants protocol version ${version >>> 16}, we speak 3`);
    const offered = 30_000 + (version & 0xffff);
    if (offered > asked) throw nonsense(`for version ${nameOf(offered)}, which is newer`);
    if (offered === 30_001) throw nonsense("for version 3.1, which does not exist");
    if (count !== 0) throw nonsense("about options that were not asked for");
    if (offered === asked) throw nonsense("and has nothing to change");
    if (offered < this.#lowest) {
      throw new OperationalError(
        `the server speaks protocol ${nameOf(offered)}, but min_protocol_version is ${nameOf(this.#lowest)}`,
      );
    }
    this.#session.protocolVersion = offered;
  }
}

function nonsense(how: string): ProtocolError {
  return new ProtocolError(`the server negotiates the protocol version ${how}`);
}

function nameOf(version: number): string {
  return `${Math.trunc(version / 10_000)}.${version % 10_000}`;
}
