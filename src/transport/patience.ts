/**
 * How long a blocking connection sleeps: until something changes, and never past a deadline.
 */
import type { Channel } from "./bridge.ts";
import type { Deadline } from "./deadlines.ts";

/** How long a wait in the system may last at the most, in milliseconds; see claims.ts. */
const NEAR = 60;

/** The deadlines of one connection's waits. */
export class Patience {
  /** The deadline of the attempt to connect; null once that has succeeded. */
  attempt: Deadline | null = null;

  /** The deadline that passes first. */
  #first(deadline: Deadline | null): Deadline | null {
    const { attempt } = this;
    return attempt && (!deadline || attempt.at < deadline.at) ? attempt : deadline;
  }

  /** Whether a deadline has passed. */
  isLate(deadline: Deadline | null): boolean {
    const first = this.#first(deadline);
    return first !== null && first.at <= performance.now();
  }

  /** Whether a deadline passes too soon for a wait that is only ended from time to time. */
  isNear(deadline: Deadline | null): boolean {
    const first = this.#first(deadline);
    return first !== null && first.at < performance.now() + NEAR;
  }

  /** Sleeps once, or throws what a deadline ends in; one that has passed is replaced by the one that it asks for. */
  sleep(channel: Channel, deadline: Deadline | null): Deadline | null {
    const first = this.#first(deadline);
    const left = first === null ? Infinity : first.at - performance.now();
    if (left <= 0) return (first as Deadline).passed();
    channel.sleep(left);
    return deadline;
  }
}
