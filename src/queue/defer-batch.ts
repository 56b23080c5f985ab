/**
 * Puts defers of independent callers together, so that a thousand of them are not a thousand statements.
 *
 * What is deferred in one turn of the event loop goes out as one operation, and what comes while that is on its way as the next one.
 * Each caller gets its own id, or its own AlreadyEnqueued: with `skipTaken` a queueing lock that is taken hurts nobody else.
 *
 * Jobs with a queueing lock travel apart from the others. Storing one can have to wait until another transaction has ended
 * that stored the same, and nobody else should wait for that; so they don't wait for one another's operations either.
 */
import { MahoutError } from "../errors.ts";
import { freshOf } from "../fresh.ts";
import type { Connector } from "./connector.ts";
import { AlreadyEnqueued } from "./errors.ts";
import type { NewJob } from "./job.ts";

interface Passenger {
  readonly job: NewJob;
  readonly resolve: (id: number) => void;
  readonly reject: (error: unknown) => void;
}

/** How many jobs one operation carries at most. */
const LARGEST = 1000;
/** Two operations with queueing locks in different orders can block each other; the server then ends one, wholly. */
const DEADLOCK = "40P01";
const TRIES = 5;

/** Collects defers for one connector. */
export class DeferBatch {
  readonly #free: Lane;
  readonly #locking: Lane;

  constructor(connector: Connector) {
    this.#free = new Lane(connector, 1);
    this.#locking = new Lane(connector, Infinity);
  }

  /** Stores a job along with others. */
  async add(job: NewJob): Promise<number> {
    const lane = job.queueingLock === null ? this.#free : this.#locking;
    return await new Promise((resolve, reject) => {
      lane.board({ job, resolve, reject });
    });
  }
}

class Lane {
  readonly #connector: Connector;
  readonly #mostUnderWay: number;
  #waiting: Passenger[] = [];
  #underWay = 0;
  #isDeparting = false;

  constructor(connector: Connector, mostUnderWay: number) {
    this.#connector = connector;
    this.#mostUnderWay = mostUnderWay;
  }

  board(passenger: Passenger): void {
    this.#waiting.push(passenger);
    if (this.#isDeparting) return;
    this.#isDeparting = true;
    // Behind all that this turn of the loop still calls: those come along.
    setImmediate(() => {
      this.#isDeparting = false;
      this.#depart();
    });
  }

  #depart(): void {
    while (this.#waiting.length > 0 && this.#underWay < this.#mostUnderWay) {
      const passengers = this.#waiting.splice(0, LARGEST);
      this.#underWay++;
      void this.#carry(passengers).finally(() => {
        this.#underWay--;
        this.#depart();
      });
    }
  }

  async #carry(passengers: readonly Passenger[]): Promise<void> {
    try {
      const ids = await this.#store(passengers.map(({ job }) => job));
      passengers.forEach((passenger, index) => settle(passenger, ids[index] ?? null));
    } catch (error) {
      await this.#fail(passengers, error);
    }
  }

  async #store(jobs: readonly NewJob[]): Promise<(number | null)[]> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#connector.run("deferJobs", { jobs, skipTaken: true });
      } catch (error) {
        if (sqlstateOf(error) !== DEADLOCK || tries === TRIES) throw error;
      }
    }
  }

  /** What the server refuses because of one job must not fail the others: nothing was stored, so each goes alone. */
  async #fail(passengers: readonly Passenger[], error: unknown): Promise<void> {
    const isAboutOne = /^(?:22|23|54)/.test(sqlstateOf(error) ?? "");
    if (isAboutOne && passengers.length > 1) {
      for (const passenger of passengers) await this.#carry([passenger]);
      return;
    }
    for (const { reject } of passengers)
      reject(passengers.length > 1 && error instanceof Error ? freshOf(error) : error);
  }
}

function settle({ job, resolve, reject }: Passenger, id: number | null): void {
  if (id === null) reject(taken(job));
  else resolve(id);
}

/** The error of a job whose queueing lock is taken. */
export function taken(job: Pick<NewJob, "queueingLock">): AlreadyEnqueued {
  return new AlreadyEnqueued(
    `a job with the queueing lock ${JSON.stringify(job.queueingLock)} is waiting already`,
  );
}

function sqlstateOf(error: unknown): string | null {
  if (!(error instanceof MahoutError)) return null;
  return error.sqlstate ?? sqlstateOf(error.cause) ?? foreignSqlstate(error.cause);
}

/** Other drivers' errors have the SQLSTATE as their code. */
function foreignSqlstate(error: unknown): string | null {
  const code: unknown = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === "string" && /^[0-9A-Z]{5}$/.test(code) ? code : null;
}
