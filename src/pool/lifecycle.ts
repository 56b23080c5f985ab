/**
 * Opening, waiting for and closing a pool, each within a time.
 *
 * A pool opens once and closes once. What is closed gives nothing out any more; loans have until the
 * deadline to come back, and are closed then, whatever they do.
 */
import type { Clock } from "./clock.ts";
import { freshOf } from "../fresh.ts";
import { isPermanent, PoolClosed, timedOut } from "./errors.ts";
import { Housekeeping } from "./housekeeping.ts";
import type { PoolCore } from "./pool-core.ts";

/** The life of one pool. */
export class Lifecycle<C, L> {
  readonly #core: PoolCore<C, L>;
  readonly #clock: Clock;
  readonly #housekeeping: Housekeeping;
  readonly #closedNow: () => void;
  readonly #facts = new Set<() => void>();
  #closing: Promise<void> | null = null;

  /** `sweep` is called now and then while the pool is open, `closed` when it closes. */
  constructor(core: PoolCore<C, L>, clock: Clock, sweep: () => void, closed: () => void) {
    this.#core = core;
    this.#clock = clock;
    this.#housekeeping = new Housekeeping(core.settings, clock, sweep);
    this.#closedNow = closed;
  }

  /** Whether it was closed. */
  get closed(): boolean {
    return this.#closing !== null;
  }

  /**
   * Opens it; again, it does nothing.
   *
   * @throws PoolClosed when it was closed.
   */
  open(): void {
    const core = this.#core;
    if (this.closed)
      throw new PoolClosed(
        `${core.settings.name} was closed and can't be opened again; make another`,
      );
    if (core.isOpen) return;
    core.isOpen = true;
    this.#housekeeping.start();
    core.serve();
  }

  /**
   * Waits until `minSize` connections have been made.
   *
   * @throws PoolTimeout when that takes too long, and the server's error when it is of no use to go on: the
   * pool is closed then.
   */
  async wait(timeout: number): Promise<void> {
    const core = this.#core;
    const { outage } = core.growth;
    const isFull = (): boolean => core.roster.members.size >= core.minSize;
    const isHopeless = (): boolean =>
      outage.error !== null && isPermanent(outage.error) && core.roster.members.size === 0;
    const began = this.#clock.now();
    await this.#until(() => isFull() || isHopeless() || this.closed, timeout);
    if (isFull()) return;
    const waited = Math.round(this.#clock.now() - began);
    const error = this.closed
      ? new PoolClosed(`${core.settings.name} was closed`)
      : isHopeless()
        ? freshOf(outage.error as Error)
        : timedOut(core.situation(), waited, 0, outage.error);
    await this.close(0);
    throw error;
  }

  /** Closes it; within `timeout` milliseconds and a moment. Never rejected. */
  close(timeout: number): Promise<void> {
    this.#closing ??= this.#close(timeout);
    return this.#closing;
  }

  async #close(timeout: number): Promise<void> {
    const core = this.#core;
    const { roster, growth } = core;
    core.isOpen = false;
    this.#housekeeping.stop();
    growth.stop();
    const { name } = core.settings;
    core.waiters.failAll(
      () => new PoolClosed(`${name} was closed while a connection was waited for`),
    );
    for (const member of Array.from(roster.idle)) roster.dismiss(member);
    this.#closedNow();
    for (const look of Array.from(this.#facts)) look();
    const isEmpty = (): boolean => roster.members.size === 0 && growth.connecting === 0;
    await this.#until(isEmpty, timeout);
    for (const member of roster.members) void roster.retire(member);
    await Promise.all(roster.closing);
  }

  /** Waits until a fact is true, but no longer than so many milliseconds. */
  async #until(fact: () => boolean, timeout: number): Promise<void> {
    if (fact() || timeout === 0) return;
    await new Promise<void>((resolve) => {
      const look = (late: boolean): void => {
        if (!late && !fact()) return;
        timer.cancel();
        this.#facts.delete(watch);
        if (this.#facts.size === 0) this.#core.onChange = null;
        resolve();
      };
      const watch = (): void => look(false);
      const timer = this.#clock.after(timeout, () => look(true), false);
      this.#facts.add(watch);
      this.#core.onChange = () => {
        for (const one of Array.from(this.#facts)) one();
      };
    });
  }
}
