/**
 * Where connections are lent and taken back: between the policies and what programs do.
 *
 * It knows what policies don't: faces and hooks of connections, asynchronous contexts, stacks, warnings. A
 * request that can be served at once costs no timer, no listener and no context.
 */
import type { AsyncConnection } from "../async/connection.ts";
import { AsyncConnection as DefaultConnection } from "../async/connection.ts";
import type { AsyncDriver } from "../async/driver.ts";
import { failing } from "../async/promising.ts";
import type { Conninfo } from "../conninfo/dict.ts";
import { callHandler } from "../core/handlers.ts";
import { ProgrammingError } from "../errors.ts";
import { onAbort } from "../transport/abort.ts";
import { globalAdapters } from "../adapt/builtins.ts";
import { PoolAdapters } from "./adapters.ts";
import { systemClock } from "./clock.ts";
import { ConnectionKeeper } from "./connection-keeper.ts";
import { heldOf } from "./holders.ts";
import type { PoolEvent, PoolHost } from "./keeper.ts";
import { Lifecycle } from "./lifecycle.ts";
import type { Lender } from "./loan.ts";
import { Loans } from "./loan.ts";
import type { Member } from "./member.ts";
import type { ConnectionClass, PoolLimits, PoolOptions } from "./options.ts";
import { checkLimits, checkOptions } from "./options.ts";
import { PoolCore } from "./pool-core.ts";
import type { PooledSession } from "./session.ts";
import type { PoolPolicy } from "./settings.ts";
import { settingsOf } from "./settings.ts";
import { Tidings } from "./tidings.ts";

/** No limits but the pool's own. */
const NO_LIMITS: PoolLimits = Object.freeze({});

/** The inside of one pool. */
export class Desk<Row, Conn extends AsyncConnection<Row>>
  implements Lender<Row>, PoolHost<PooledSession<Row, AsyncDriver>, Conn>
{
  readonly core: PoolCore<PooledSession<Row, AsyncDriver>, Conn>;
  readonly lifecycle: Lifecycle<PooledSession<Row, AsyncDriver>, Conn>;
  readonly loans: Loans<Row, Conn>;
  readonly tidings: Tidings;
  readonly closeReturns: boolean;
  readonly adapters: PoolAdapters;
  /** Whether all loans are followed, since some were asked for by those who hold others. */
  isVigilant = false;
  /** Whether its connections' methods are those of this package. */
  readonly isPlain: boolean;
  readonly #opensItself: boolean;
  readonly #leakDetection: number;
  readonly #reconnectFailed: (() => void) | null;

  constructor(
    conninfo: Conninfo | undefined | (() => Conninfo | Promise<Conninfo>),
    options: PoolOptions<Row, Conn>,
    defaults: PoolPolicy,
    reconnectFailed: (() => void) | null,
  ) {
    checkOptions(options);
    const settings = settingsOf(options, defaults);
    const Face =
      options.connectionClass ?? (DefaultConnection as unknown as ConnectionClass<Row, Conn>);
    this.isPlain = options.connectionClass === undefined;
    this.tidings = new Tidings(settings.name);
    this.loans = new Loans(Face, this);
    this.closeReturns = options.closeReturns ?? false;
    this.#opensItself = options.open ?? true;
    this.#leakDetection = settings.leakDetection;
    this.#reconnectFailed = reconnectFailed;
    const { configure, check, reset = "none", connect = {} } = options;
    this.adapters = new PoolAdapters(connect.adapters ?? globalAdapters);
    const keeper = new ConnectionKeeper<Row, Conn>({
      adapters: this.adapters,
      conninfo,
      options: connect,
      hooks: { configure, check, reset },
      faceOf: ({ core, driver }) => new Face(core, driver),
      complain: (problem) => this.tidings.complain(problem),
    });
    this.core = new PoolCore(settings, keeper, systemClock, this);
    this.lifecycle = new Lifecycle(
      this.core,
      systemClock,
      () => this.#sweep(),
      () => this.tell({ kind: "closed" }),
    );
  }

  /** Lends a connection where that takes no waiting; null where it does, or nobody wants it any more. */
  lend(limits: PoolLimits | undefined): Conn | null {
    const { core } = this;
    if (limits?.signal?.aborted) return null;
    if (!core.isOpen) this.#openFirst();
    const member = core.take();
    if (member === null) return null;
    if (this.#leakDetection > 0) member.stack = stackOf();
    return core.roster.issue(member, this.loans.issue);
  }

  /** Lends a connection now or as soon as there is one. */
  borrow(limits: PoolLimits | undefined): Promise<Conn> {
    try {
      const loan = this.lend(limits);
      return loan === null ? this.wait(limits) : Promise.resolve(loan);
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  /** Lends a connection as soon as there is one. */
  wait(given: PoolLimits | undefined): Promise<Conn> {
    const limits = given ?? NO_LIMITS;
    const { timeout, signal } = limits;
    try {
      if (limits !== NO_LIMITS) checkLimits(limits);
      if (!this.core.isOpen) this.#openFirst();
    } catch (error) {
      return Promise.reject(error as Error);
    }
    const stack = this.#leakDetection > 0 ? stackOf() : null;
    const held = heldOf(this);
    return this.core.request({ timeout, signal, held: held && held.filter(this.#isLent), stack });
  }

  issue(member: Member<PooledSession<Row, AsyncDriver>>): Conn | Promise<Conn> {
    try {
      return this.core.roster.issue(member, this.loans.issue);
    } catch (error) {
      return failing(error);
    }
  }

  /** Whether a loan that was just made is to be followed. */
  get follows(): boolean {
    const { roster, growth } = this.core;
    return this.isVigilant || (roster.idle.length === 0 && growth.places.free === 0);
  }

  readonly #isLent = (loan: object): boolean => this.loans.stateOf(loan) === "lent";

  #openFirst(): void {
    if (this.#opensItself && !this.lifecycle.closed) this.lifecycle.open();
  }

  giveBack(member: Member<PooledSession<Row, AsyncDriver>>): Promise<void> | undefined {
    // Closed with the pool, while it was lent.
    if (member.state !== "lent") return undefined;
    return this.core.giveBack(member);
  }

  async discard(member: Member<PooledSession<Row, AsyncDriver>>): Promise<void> {
    await this.core.roster.retire(member);
  }

  tell(event: PoolEvent): void {
    this.tidings.tell(event);
  }

  gaveUp(): void {
    this.#reconnectFailed?.();
  }

  onAbort(signal: AbortSignal, abort: () => void): () => void {
    return onAbort(signal, abort);
  }

  nested(held: readonly object[]): Error | null {
    const { core } = this;
    const { roster, growth, settings, waiters } = core;
    this.isVigilant = true;
    const blocked = new Set<object>();
    for (const waiter of waiters)
      for (const loan of waiter.held) if (this.#isLent(loan)) blocked.add(loan);
    const isStuck =
      blocked.size === roster.lent &&
      roster.members.size === roster.lent &&
      growth.connecting === 0 &&
      growth.places.free === 0;
    const own = `${held.length} of the ${roster.lent} lent connections of ${settings.name}`;
    if (isStuck) {
      return new ProgrammingError(
        `whoever holds a connection of ${settings.name} waits for another one, so none would ever come back; ` +
          `this caller holds ${own}: let it use what it holds, or raise maxSize`,
        { code: "ERR_MAHOUT_POOL_DEADLOCK", outcome: "not sent" },
      );
    }
    const message = `a caller that holds ${own} waits for one more; when all do that, the pool locks up`;
    this.tidings.warnOnce("MAHOUT_POOL_NESTED", message, stackOf());
    return null;
  }

  #sweep(): void {
    const { core } = this;
    core.roster.sweep(core.minSize);
    core.serve();
    if (this.#leakDetection > 0) this.#findLeaks();
  }

  #findLeaks(): void {
    const { core } = this;
    const today = systemClock.today();
    for (const member of core.roster.members) {
      const heldFor = today - member.since;
      const { state, stack } = member;
      if (state !== "lent" || stack === null || heldFor < this.#leakDetection) continue;
      member.stack = null;
      core.counters.leaksNum++;
      this.tell({ kind: "leak", heldFor, stack });
      const message = `a connection of ${core.settings.name} has been lent for ${heldFor} ms and was not returned`;
      this.tidings.warn("MAHOUT_POOL_LEAK", message, stack);
    }
  }
}

/** Where the program is now. */
function stackOf(): string {
  const error = new Error("the connection was asked for here");
  return error.stack ?? error.message;
}

/** Calls a function of the program whose failure is its own. */
export function callQuietly(what: string, run: () => unknown): void {
  callHandler(what, run, undefined);
}
