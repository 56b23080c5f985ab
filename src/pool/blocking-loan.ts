/**
 * A lent blocking connection: the face that one user sees of one loan, as in loan.ts.
 */
import type { Connection } from "../blocking/connection.ts";
import type { BlockingSession } from "./blocking-keeper.ts";
import type { LoanState } from "./loan-state.ts";
import { CLOSED, takeFace } from "./loan-state.ts";
import type { Member } from "./member.ts";

/** Who lends. */
export interface BlockingLender<Row> {
  readonly closeReturns: boolean;
  giveBack(member: Member<BlockingSession<Row>>): void;
  discard(member: Member<BlockingSession<Row>>): void;
}

/** A class of connections: {@link Connection} or one that extends it, with the same constructor. */
export type BlockingConnectionClass<Row, Conn> = new (
  ...parts: ConstructorParameters<typeof Connection<Row>>
) => Conn;

/** The loans of one pool. */
export class BlockingLoans<Row, Conn extends Connection<Row>> {
  /** Makes a loan. */
  readonly issue: (member: Member<BlockingSession<Row>>) => Conn;
  /** Ends a loan and gives the connection back; again, it does nothing. */
  readonly end: (loan: Conn) => void;
  /** What can be said about something that is to be returned. */
  readonly stateOf: (value: unknown) => LoanState;

  /** `Base` is the class that users are to see. */
  constructor(Base: BlockingConnectionClass<Row, Conn>, lender: BlockingLender<Row>) {
    const Plain = Base as unknown as BlockingConnectionClass<Row, Connection<Row>>;
    class PooledConnection extends Plain {
      #member!: Member<BlockingSession<Row>>;
      #ticket = 0;

      static issue(member: Member<BlockingSession<Row>>): PooledConnection {
        const { core, driver } = member.conn;
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

      static end(loan: PooledConnection): void {
        if (loan.#ticket !== loan.#member.ticket) return;
        PooledConnection.#retract(loan);
        lender.giveBack(loan.#member);
      }

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

      override close(): void {
        if (this.#ticket !== this.#member.ticket) return;
        if (lender.closeReturns) return PooledConnection.end(this);
        PooledConnection.#retract(this);
        this.#ticket = CLOSED;
        lender.discard(this.#member);
      }

      override [Symbol.dispose](): void {
        PooledConnection.end(this);
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
