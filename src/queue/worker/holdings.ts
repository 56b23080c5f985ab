/**
 * The jobs that a worker has in its hands: those at hand, those that run, and what became of those that ended.
 *
 * Every job that a claim has given is in exactly one of the three until the storage has confirmed its outcome, so nothing
 * that is claimed can be forgotten.
 */
import type { ClaimedJob, Outcome } from "../job.ts";
import type { AbortReason } from "../job-context.ts";
import type { Held } from "../operations.ts";

/** A job that runs. */
export interface RunningJob {
  readonly job: ClaimedJob;
  /** Asks it to end; the first reason counts. */
  abort(reason: AbortReason): void;
}

/** The jobs of one worker. */
export class Holdings {
  #shelf: ClaimedJob[] = [];
  /** Where the shelf begins; what was taken from it is cut off now and then. */
  #next = 0;
  readonly running: Map<number, RunningJob> = new Map();
  #outcomes: Outcome[] = [];
  /** Outcomes that are on their way to the storage. */
  readonly #sent = new Set<readonly Outcome[]>();

  /** How many have been claimed and not started. */
  get waiting(): number {
    return this.#shelf.length - this.#next;
  }

  /** How many outcomes the storage has to be told. */
  get untold(): number {
    return this.#outcomes.length;
  }

  /** Whether there is nothing that the storage believes this worker to have. */
  get quiet(): boolean {
    return !this.busy && this.untold === 0 && this.#sent.size === 0;
  }

  /** Whether there is work in it, which makes heartbeats matter. */
  get busy(): boolean {
    return this.running.size > 0 || this.waiting > 0;
  }

  shelve(jobs: readonly ClaimedJob[]): void {
    for (const job of jobs) this.#shelf.push(job);
  }

  /** The next job to start. */
  take(): ClaimedJob | undefined {
    if (this.waiting === 0) return undefined;
    const job = this.#shelf[this.#next++];
    if (this.waiting === 0) {
      this.#shelf = [];
      this.#next = 0;
    }
    return job;
  }

  /** Takes a job off the shelf that is not to be started; false when it isn't there. */
  unshelve(id: number): ClaimedJob | undefined {
    const index = this.#shelf.findIndex((job, place) => place >= this.#next && job.id === id);
    return index < 0 ? undefined : this.#shelf.splice(index, 1)[0];
  }

  /** Clears the shelf: its jobs go back as they were, or, when they are not ours any more, are forgotten. */
  clearShelf(give: "back" | "up"): number {
    const left = this.#shelf.slice(this.#next);
    this.#shelf = [];
    this.#next = 0;
    if (give === "back")
      for (const { id, lease } of left) this.#outcomes.push({ kind: "release", id, lease });
    return left.length;
  }

  /** Notes what became of a job. */
  ended(outcome: Outcome): void {
    this.#outcomes.push(outcome);
  }

  /** Takes what the storage has to be told; {@link confirm} or {@link takeBack} follows. */
  send(): readonly Outcome[] {
    const outcomes = this.#outcomes;
    this.#outcomes = [];
    this.#sent.add(outcomes);
    return outcomes;
  }

  /** The storage has heard what was sent. */
  confirm(outcomes: readonly Outcome[]): void {
    this.#sent.delete(outcomes);
  }

  /** The storage may not have heard what was sent: it is sent again, before what came since. */
  takeBack(outcomes: readonly Outcome[]): void {
    if (this.#sent.delete(outcomes)) this.#outcomes = [...outcomes, ...this.#outcomes];
  }

  /** Everything that is in its hands. */
  all(): Held[] {
    const shelved = this.#shelf.slice(this.#next);
    const running = [...this.running.values()].map(({ job }) => job);
    const told = [...[...this.#sent].flat(), ...this.#outcomes];
    return [...shelved, ...running, ...told].map(({ id, lease }) => ({ id, lease }));
  }
}
