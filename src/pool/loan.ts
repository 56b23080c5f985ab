/**
 * A lent connection: the face that one user sees of one loan.
 *
 * Each loan is an object of its own on the same session. When the loan ends, its way to the session is
 * taken away, so whoever still holds it, or a cursor or block of it, gets an error and never meets the next
 * user's transaction. `await using` gives the connection back; so does `close()` where the pool says so.
 */
import { AsyncConnection } from "../async/connection.ts";
import type { AsyncDriver } from "../async/driver.ts";
import type { LoanState } from "./loan-state.ts";
import { CLOSED, takeFace } from "./loan-state.ts";
import type { Member } from "./member.ts";
import type { ConnectionClass } from "./options.ts";
import type { PooledSession } from "./session.ts";

/** Who lends. */
export interface Lender<Row> {
  /** Whether `close()` gives a connection back. */
  readonly closeReturns: boolean;
  /** Takes a connection back. */
  giveBack(member: Member<PooledSession<Row, AsyncDriver>>): Promise<void> | undefined;
  /** Closes a connection that is lent, and replaces it. */
  discard(member: Member<PooledSession<Row, AsyncDriver>>): Promise<void>;
}

/** The loans of one pool. */
export class Loans<Row, Conn extends AsyncConnection<Row>> {
  /** Makes a loan. */
  readonly issue: (member: Member<PooledSession<Row, AsyncDriver>>) => Conn;
  /** Ends a loan and gives the connection back; again, it does nothing. */
  readonly end: (loan: Conn) => Promise<void> | undefined;
  /** What can be said about something that is to be returned. */
  readonly stateOf: (value: unknown) => LoanState;

  /** `Base` is the class that users are to see. */
  constructor(Base: ConnectionClass<Row, Conn>, lender: Lender<Row>) {
    // Typed as what it extends in the end: a mixin can't say more to the compiler.
    const Plain = Base as unknown as ConnectionClass<Row, AsyncConnection<Row>>;
    // Nobody's loan, kept for its hidden class, see shapes.ts. A program's own class is not made for that.
    const kept: PooledConnection[] | null = (Base as unknown) === AsyncConnection ? [] : null;
    class PooledConnection extends Plain {
      #member!: Member<PooledSession<Row, AsyncDriver>>;
      // By its own number the member says whether it is lent by this very loan.
      #ticket!: number;

      // A promise of it is resolved by looking for `then`, through all the prototypes that follow.
      static {
        const none = { value: undefined, writable: true, configurable: true };
        // oxlint-disable-next-line unicorn/no-thenable -- It says that there is none.
        Object.defineProperty(this.prototype, "then", none);
      }

      static issue(member: Member<PooledSession<Row, AsyncDriver>>): PooledConnection {
        const { core, driver } = member.conn;
        if (kept?.length === 0) takeFace((kept[0] = new PooledConnection(core, driver)));
        const loan = new PooledConnection(core, driver);
        loan.#member = member;
        loan.#ticket = member.ticket;
        return loan;
      }

      static stateOf(value: unknown): LoanState {
        if (typeof value !== "object" || value === null || !(#member in value)) return "foreign";
        if (value.#ticket === value.#member.ticket) return "lent";
        return value.#ticket === CLOSED ? "closed" : "returned";
      }

      static end(loan: PooledConnection): Promise<void> | undefined {
        const member = loan.#member;
        if (loan.#ticket !== member.ticket) return undefined;
        PooledConnection.#retract(loan);
        return lender.giveBack(member);
      }

      /** Takes its way to the session away. */
      static #retract(loan: PooledConnection): void {
        loan.#member.ticket++;
        takeFace(loan);
      }

      override get closed(): boolean {
        return this.#ticket !== this.#member.ticket || super.closed;
      }

      override get broken(): boolean {
        return this.#ticket === this.#member.ticket && super.broken;
      }

      override async close(): Promise<void> {
        if (this.#ticket !== this.#member.ticket) return;
        if (lender.closeReturns) return await PooledConnection.end(this);
        PooledConnection.#retract(this);
        this.#ticket = CLOSED;
        await lender.discard(this.#member);
      }

      override async [Symbol.asyncDispose](): Promise<void> {
        await PooledConnection.end(this);
      }

      override toString(): string {
        const state = PooledConnection.stateOf(this);
        return state === "lent" ? super.toString() : `<PooledConnection [${state}]>`;
      }
    }
    this.issue = (member) => PooledConnection.issue(member) as unknown as Conn;
    this.end = (loan) => PooledConnection.end(loan as unknown as PooledConnection);
    this.stateOf = (value) => PooledConnection.stateOf(value);
  }
}
