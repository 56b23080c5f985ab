/**
 * How a pool makes, checks, restores and closes connections of the asynchronous shell.
 *
 * On its way back a connection is looked at first; one that was left in order needs nothing, not even a
 * promise. Else what still runs is waited for and what is open is rolled back, within a time. What can't be
 * ended by anybody but its user is no use to others: such a connection is replaced.
 */
import { AsyncResource } from "node:async_hooks";
import type { AsyncConnection } from "../async/connection.ts";
import { openConnection } from "../async/connecting.ts";
import type { AsyncDriver } from "../async/driver.ts";
import type { AsyncConnectOptions } from "../async/options.ts";
import type { Conninfo } from "../conninfo/dict.ts";
import { abandon } from "../core/abandon.ts";
import { probe } from "../core/probe.ts";
import { requestOf } from "../core/operations.ts";
import { ProgrammingError } from "../errors.ts";
import type { PoolAdapters } from "./adapters.ts";
import type { Keeper, Restored } from "./keeper.ts";
import type { PoolHooks } from "./options.ts";
import type { PooledSession } from "./session.ts";
import { Baseline, followed, isInTransaction, isPristine, occupationOf } from "./session.ts";

/** How long what a user left behind may take to end, in milliseconds. */
const RESTORE_TIMEOUT = 5_000;

const FINE: Restored = Object.freeze({ usable: true, inTransaction: false });
const BAD: Restored = Object.freeze({ usable: false, inTransaction: false });
const FINE_AFTER_ROLLBACK: Restored = Object.freeze({ usable: true, inTransaction: true });
const BAD_AFTER_ROLLBACK: Restored = Object.freeze({ usable: false, inTransaction: true });

/** What a keeper has to know. */
export interface KeeperSetup<Row, Conn> {
  /** What is registered for all connections. */
  readonly adapters: PoolAdapters;
  readonly conninfo: Conninfo | undefined | (() => Conninfo | Promise<Conninfo>);
  readonly options: AsyncConnectOptions<Row>;
  readonly hooks: PoolHooks<Conn>;
  /** The face of a connection, for the hooks. */
  readonly faceOf: (session: PooledSession<Row, AsyncDriver>) => Conn;
  /** Tells what was wrong with a connection that came back. */
  readonly complain: (problem: string) => void;
}

/** Keeps the connections of one pool. */
export class ConnectionKeeper<Row, Conn extends AsyncConnection<Row>> implements Keeper<
  PooledSession<Row, AsyncDriver>
> {
  readonly checksAlways: boolean;
  readonly #setup: KeeperSetup<Row, Conn>;
  /** The asynchronous context in which the pool was made. */
  readonly #scope = new AsyncResource("mahout.pool");

  constructor(setup: KeeperSetup<Row, Conn>) {
    this.#setup = setup;
    this.checksAlways = setup.hooks.check !== undefined;
  }

  connect(signal: AbortSignal): Promise<PooledSession<Row, AsyncDriver>> {
    // A connection outlives the request that led to it, and shall not keep that one's context.
    return this.#scope.runInAsyncScope(() => this.#connect(signal));
  }

  async #connect(signal: AbortSignal): Promise<PooledSession<Row, AsyncDriver>> {
    const { adapters, conninfo, options, hooks, faceOf } = this.#setup;
    const said = typeof conninfo === "function" ? await conninfo() : conninfo;
    const opened = await openConnection<Row>(said, { ...options, signal }, adapters);
    adapters.follow(opened.core.adapters);
    try {
      if (hooks.configure) {
        await hooks.configure(faceOf({ ...opened, baseline: new Baseline(opened.core) }));
        if (!isPristine(opened.core, opened.driver))
          throw new ProgrammingError(
            "configure() left the connection in a transaction or in use; commit, and await what it calls",
          );
      }
      signal.throwIfAborted();
      return { ...opened, baseline: followed(adapters, opened.core) };
    } catch (error) {
      adapters.leave(opened.core.adapters);
      await opened.driver.close();
      throw error;
    }
  }

  async close({ driver }: PooledSession<Row, AsyncDriver>): Promise<void> {
    // Without this the server would go on with a statement that nobody waits for.
    if (!driver.quiet) await driver.cancel().catch(() => {});
    await driver.close();
  }

  isAlive({ core }: PooledSession<Row, AsyncDriver>): boolean {
    return !core.session.ended;
  }

  watch({ core }: PooledSession<Row, AsyncDriver>, ended: (reason: Error) => void): void {
    const { disconnected } = core;
    const tell = (): void => ended(disconnected.reason as Error);
    if (disconnected.aborted) tell();
    else disconnected.addEventListener("abort", tell, { once: true });
  }

  async check(session: PooledSession<Row, AsyncDriver>): Promise<void> {
    const { hooks, faceOf } = this.#setup;
    const { core, driver } = session;
    if (hooks.check) await hooks.check(faceOf(session));
    else await driver.perform(probe(core.session), undefined);
    core.checkOpen();
    if (!isPristine(core, driver))
      throw new ProgrammingError("check() left the connection in a transaction or in use");
  }

  restore(session: PooledSession<Row, AsyncDriver>): Restored | Promise<Restored> {
    const { core, driver, baseline } = session;
    const { reset } = this.#setup.hooks;
    if (core.session.ended) return BAD;
    const isFine = isPristine(core, driver);
    if (!isFine || (reset !== "none" && reset !== "rollback")) return this.#restore(session);
    baseline.restore(core);
    return FINE;
  }

  async #restore(session: PooledSession<Row, AsyncDriver>): Promise<Restored> {
    const { core, driver, baseline } = session;
    const { complain, hooks } = this.#setup;
    const occupation = occupationOf(core, driver);
    if (occupation !== null) {
      complain(`${occupation}; it was replaced`);
      return BAD;
    }
    let inTransaction = false;
    try {
      if (!driver.quiet) complain("while a statement ran, or waited for its turn");
      const limits = { timeout: RESTORE_TIMEOUT, alone: true };
      await driver.perform(waitForTurn(), limits);
      inTransaction = isInTransaction(core);
      if (inTransaction) {
        if (hooks.reset !== "rollback") complain("with a transaction open; it was rolled back");
        await driver.perform(abandon(core), limits);
      }
      baseline.restore(core);
      await this.#reset(session);
      if (isPristine(core, driver)) return inTransaction ? FINE_AFTER_ROLLBACK : FINE;
      complain("and reset() left it in a transaction or in use; it was replaced");
    } catch (error) {
      if (!core.session.ended) complain(`and could not be reset: ${String(error)}`);
    }
    return inTransaction ? BAD_AFTER_ROLLBACK : BAD;
  }

  async #reset(session: PooledSession<Row, AsyncDriver>): Promise<void> {
    const { core, driver, baseline } = session;
    const { reset } = this.#setup.hooks;
    if (typeof reset === "function") {
      await reset(this.#setup.faceOf(session));
      baseline.restore(core);
    }
    if (reset !== "discard") return;
    core.transactions.chooseAutocommit(true);
    const context = core.contextOf(core.adapters);
    const request = requestOf(context, "DISCARD ALL", undefined, undefined);
    await driver.run(context, request, { timeout: RESTORE_TIMEOUT });
    while (core.inbox.shift() !== undefined);
    baseline.restore(core);
  }
}

/** Ends when everything that was called before has ended. */
// oxlint-disable-next-line require-yield
function* waitForTurn(): Generator<never, void> {}
