/**
 * How a blocking pool makes, checks, restores and closes its connections: as connection-keeper.ts does,
 * without promises. Nothing runs on a blocking connection while nobody uses it, so there is nothing to wait for.
 */
import { openConnection } from "../blocking/connecting.ts";
import type { Driver } from "../blocking/driver.ts";
import type { ConnectOptions } from "../blocking/options.ts";
import type { Conninfo } from "../conninfo/dict.ts";
import { abandon } from "../core/abandon.ts";
import { probe } from "../core/probe.ts";
import { requestOf } from "../core/operations.ts";
import { ProgrammingError } from "../errors.ts";
import type { PoolAdapters } from "./adapters.ts";
import type { Restored, Warden } from "./keeper.ts";
import type { PoolHooks } from "./options.ts";
import type { Doings, PooledSession } from "./session.ts";
import { Baseline, followed, isInTransaction, isPristine, occupationOf } from "./session.ts";

/** How long taking back what a user left may last, in milliseconds. */
const RESTORE_TIMEOUT = 5_000;

/** A connection of a blocking pool. */
export type BlockingSession<Row> = PooledSession<Row, Driver>;

/** What a keeper has to know. */
export interface BlockingSetup<Row, Conn> {
  /** What is registered for all connections. */
  readonly adapters: PoolAdapters;
  readonly conninfo: Conninfo | undefined | (() => Conninfo);
  readonly options: ConnectOptions<Row>;
  readonly hooks: PoolHooks<Conn>;
  /** How long a check may take, in milliseconds. */
  readonly checkTimeout: number;
  /** The face of a connection, for the hooks. */
  readonly faceOf: (session: BlockingSession<Row>) => Conn;
  /** Tells what was wrong with a connection that came back. */
  readonly complain: (problem: string) => void;
}

/** Keeps the connections of one pool. */
export class BlockingKeeper<Row, Conn> implements Warden<BlockingSession<Row>> {
  readonly #setup: BlockingSetup<Row, Conn>;

  constructor(setup: BlockingSetup<Row, Conn>) {
    this.#setup = setup;
  }

  /** Makes a connection that is ready to be lent. */
  connect(): BlockingSession<Row> {
    const { adapters, conninfo, options, hooks, faceOf } = this.#setup;
    const said = typeof conninfo === "function" ? conninfo() : conninfo;
    const { core, driver } = openConnection<Row>(said, options, adapters);
    adapters.follow(core.adapters);
    try {
      if (hooks.configure) {
        hooks.configure(faceOf({ core, driver, baseline: new Baseline(core) }));
        if (!isPristine(core, doingsOf({ core, driver })))
          throw new ProgrammingError(
            "configure() left the connection in a transaction or in use; commit what it does",
          );
      }
      return { core, driver, baseline: followed(adapters, core) };
    } catch (error) {
      adapters.leave(core.adapters);
      driver.close();
      throw error;
    }
  }

  close({ driver }: BlockingSession<Row>): undefined {
    driver.close();
  }

  isAlive({ core }: BlockingSession<Row>): boolean {
    return !core.closed;
  }

  // Nobody could be told while the thread waits; whoever lends looks.
  watch(): void {}

  /** Asks whether one can be lent; throws when not. */
  check(session: BlockingSession<Row>): void {
    const { hooks, faceOf, checkTimeout } = this.#setup;
    const { core, driver } = session;
    if (hooks.check) hooks.check(faceOf(session));
    else driver.perform(probe(core.session), { timeout: checkTimeout });
    core.checkOpen();
    if (!isPristine(core, doingsOf(session)))
      throw new ProgrammingError("check() left the connection in a transaction or in use");
  }

  /** Makes one fit to be lent to somebody else. Never throws. */
  restore(session: BlockingSession<Row>): Restored {
    const { core, driver, baseline } = session;
    const { complain, hooks } = this.#setup;
    if (core.closed) return { usable: false, inTransaction: false };
    const occupation = occupationOf(core, doingsOf(session));
    if (occupation !== null) {
      complain(`${occupation}; it was replaced`);
      return { usable: false, inTransaction: false };
    }
    const inTransaction = isInTransaction(core);
    try {
      if (inTransaction) {
        if (hooks.reset !== "rollback") complain("with a transaction open; it was rolled back");
        driver.perform(abandon(core), { timeout: RESTORE_TIMEOUT });
      }
      baseline.restore(core);
      this.#reset(session);
      const usable = isPristine(core, doingsOf(session));
      if (!usable) complain("and reset() left it in a transaction or in use; it was replaced");
      return { usable, inTransaction };
    } catch (error) {
      if (!core.session.ended) complain(`and could not be reset: ${String(error)}`);
    }
    return { usable: false, inTransaction };
  }

  #reset(session: BlockingSession<Row>): void {
    const { core, driver, baseline } = session;
    const { reset } = this.#setup.hooks;
    if (typeof reset === "function") reset(this.#setup.faceOf(session));
    if (reset === "discard") {
      core.transactions.chooseAutocommit(true);
      const context = core.contextOf(core.adapters);
      const request = requestOf(context, "DISCARD ALL", undefined, undefined);
      driver.run(context, request, { timeout: RESTORE_TIMEOUT });
      while (core.inbox.shift() !== undefined);
    }
    baseline.restore(core);
  }
}

function doingsOf({
  core,
  driver,
}: Pick<BlockingSession<never>, "driver"> & {
  core: { session: { owedCount: number } };
}): Doings {
  const occupied = driver.transport.occupant !== null;
  return { occupied, quiet: !occupied && core.session.owedCount === 0 };
}
