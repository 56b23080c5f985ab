/**
 * Where blocking connections are lent and taken back: the policies that are left without waiting.
 *
 * Which connections there are is the roster's business, as in every pool. A connection is made when nothing
 * rests and there is room; when there is no room, nobody could make any while this thread waited.
 */
import { Connection } from "../blocking/connection.ts";
import type { Conninfo } from "../conninfo/dict.ts";
import { globalAdapters } from "../adapt/builtins.ts";
import { PoolAdapters } from "./adapters.ts";
import { BlockingKeeper } from "./blocking-keeper.ts";
import type { BlockingSession } from "./blocking-keeper.ts";
import { BlockingLoans } from "./blocking-loan.ts";
import type { BlockingConnectionClass, BlockingLender } from "./blocking-loan.ts";
import type { BlockingPoolOptions } from "./blocking-options.ts";
import { checkBlockingOptions } from "./blocking-options.ts";
import { systemClock } from "./clock.ts";
import { exhausted, PoolClosed } from "./errors.ts";
import type { Member } from "./member.ts";
import type { Room } from "./places.ts";
import { Place } from "./places.ts";
import { Roster } from "./roster.ts";
import type { PoolSettings } from "./settings.ts";
import { settingsOf } from "./settings.ts";
import type { PoolCounters, PoolStats } from "./stats.ts";
import { noCounts } from "./stats.ts";
import { Tidings } from "./tidings.ts";

/** The inside of one blocking pool. */
export class BlockingDesk<Row, Conn extends Connection<Row>> implements BlockingLender<Row> {
  readonly settings: PoolSettings;
  readonly roster: Roster<BlockingSession<Row>>;
  readonly loans: BlockingLoans<Row, Conn>;
  readonly tidings: Tidings;
  readonly closeReturns: boolean;
  readonly adapters: PoolAdapters;
  readonly room: Room;
  minSize: number;
  counters: PoolCounters = noCounts();
  closed = false;
  readonly #keeper: BlockingKeeper<Row, Conn>;
  readonly #checks: boolean;

  constructor(
    conninfo: Conninfo | undefined | (() => Conninfo),
    options: BlockingPoolOptions<Row, Conn>,
  ) {
    checkBlockingOptions(options);
    const settings = settingsOf(options);
    this.settings = settings;
    this.minSize = settings.minSize;
    this.room = { limit: settings.maxSize, leave: () => {} };
    this.tidings = new Tidings(settings.name);
    this.closeReturns = options.closeReturns ?? false;
    const { configure, check, reset = "none", connect = {} } = options;
    this.#checks = check !== undefined;
    const Face =
      options.connectionClass ?? (Connection as unknown as BlockingConnectionClass<Row, Conn>);
    this.adapters = new PoolAdapters(connect.adapters ?? globalAdapters);
    this.#keeper = new BlockingKeeper({
      adapters: this.adapters,
      conninfo,
      options: connect,
      hooks: { configure, check, reset },
      checkTimeout: settings.checkTimeout,
      faceOf: ({ core, driver }) => new Face(core, driver),
      complain: (problem) => this.tidings.complain(problem),
    });
    this.roster = new Roster(settings, this.#keeper, systemClock, this.room, {
      counters: () => this.counters,
      lost: () => {},
      left: () => {},
    });
    this.loans = new BlockingLoans(Face, this);
  }

  /** Makes connections until there are `minSize`. */
  fill(): void {
    this.#checkOpen();
    const { roster } = this;
    while (roster.members.size < this.minSize) roster.rest(this.#connect(), systemClock.today());
  }

  #checkOpen(): void {
    if (this.closed)
      throw new PoolClosed(`${this.settings.name} was closed`, { outcome: "not sent" });
  }

  #connect(): Member<BlockingSession<Row>> {
    const { counters } = this;
    counters.connectionsNum++;
    const began = systemClock.now();
    let conn: BlockingSession<Row>;
    try {
      conn = this.#keeper.connect();
    } catch (error) {
      counters.connectionsErrors++;
      throw error;
    }
    counters.connectionsMs += systemClock.now() - began;
    this.tidings.tell({ kind: "connected" });
    return this.roster.add(conn, new Place());
  }

  /** Lends a connection, or throws. */
  lend(): Conn {
    this.counters.requestsNum++;
    try {
      this.#checkOpen();
      return this.roster.issue(this.#lend(), this.loans.issue);
    } catch (error) {
      this.counters.requestsErrors++;
      throw error;
    }
  }

  #lend(): Member<BlockingSession<Row>> {
    const { roster } = this;
    roster.sweep(this.minSize);
    const today = systemClock.today();
    for (;;) {
      const member = roster.pop(today);
      if (member === null) break;
      if ((this.#checks || member.suspect) && !this.#check(member)) continue;
      roster.lend(member, today);
      return member;
    }
    if (roster.members.size >= this.room.limit) throw this.#exhausted();
    const member = this.#connect();
    roster.lend(member, systemClock.today());
    return member;
  }

  #exhausted(): Error {
    const today = systemClock.today();
    const { members, lent } = this.roster;
    const ages = [...members]
      .filter(({ state }) => state === "lent")
      .map(({ since }) => today - since);
    const longestLoan = ages.length === 0 ? null : Math.max(...ages);
    return exhausted({ pool: this.settings.name, size: members.size, inUse: lent, longestLoan });
  }

  #check(member: Member<BlockingSession<Row>>): boolean {
    const { roster } = this;
    try {
      this.#keeper.check(member.conn);
      member.suspect = false;
      return true;
    } catch (error) {
      this.counters.checksFailed++;
      this.tidings.tell({ kind: "checkFailed", error: error as Error });
      void roster.retire(member);
      // What was wrong with it is most likely wrong with those that rested beside it.
      for (const other of Array.from(roster.idle)) roster.dismiss(other);
      return false;
    }
  }

  /** Checks all that rest. */
  checkAll(): void {
    const { roster } = this;
    const checked: Member<BlockingSession<Row>>[] = [];
    for (let member = roster.idle.pop(); member; member = roster.idle.pop()) {
      if (this.#check(member)) checked.push(member);
    }
    for (const member of checked.reverse()) roster.rest(member, systemClock.today());
  }

  giveBack(member: Member<BlockingSession<Row>>): void {
    // Closed with the pool, while it was lent.
    if (member.state !== "lent") return;
    const { roster, counters } = this;
    const today = systemClock.today();
    roster.unlend(member, today);
    const { usable, inTransaction } = this.#keeper.restore(member.conn);
    if (inTransaction) counters.returnsInTransaction++;
    if (!usable) counters.returnsBad++;
    if (usable && !this.closed && roster.keeps(member, today)) roster.rest(member, today);
    else void roster.retire(member);
  }

  discard(member: Member<BlockingSession<Row>>): void {
    void this.roster.retire(member);
  }

  /** The numbers. */
  stats(): PoolStats {
    const { members, idle } = this.roster;
    return {
      poolMin: this.minSize,
      poolMax: this.room.limit,
      poolSize: members.size,
      poolAvailable: idle.length,
      poolConnecting: 0,
      poolClosing: 0,
      requestsWaiting: 0,
      ...this.counters,
    };
  }

  /** Closes everything; again, it does nothing. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    const { roster } = this;
    for (const member of Array.from(roster.idle)) roster.dismiss(member);
    for (const member of Array.from(roster.members)) void roster.retire(member);
    this.tidings.tell({ kind: "closed" });
  }
}
