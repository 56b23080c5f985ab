/**
 * One transaction block, as programs see it in either shell.
 *
 * The outermost block is a transaction, one inside another a savepoint. What a block is worth is only known
 * from the server's answer at its end, so that is when its status changes.
 */
import { ProgrammingError } from "../errors.ts";
import { quoteIdentifier } from "../sql/identifier.ts";
import type { Characteristics } from "./characteristics.ts";
import { beginCommand, checkCharacteristic } from "./characteristics.ts";
import { checkMilliseconds } from "./operations.ts";

/** Where a transaction block stands; `failed` when its connection ended or its outcome isn't known. */
export type TransactionState =
  "notStarted" | "active" | "committed" | "rolledBackExplicitly" | "rolledBackWithError" | "failed";

/** How a block that failed for a passing reason is repeated. */
export interface RetryOptions {
  /** How many times it is repeated at most. */
  readonly limit: number;
  /** The longest pause before the first repetition, in milliseconds: 20 by default. It doubles each time. */
  readonly minDelay?: number;
  /** The longest pause of all, in milliseconds: 2,000 by default. */
  readonly maxDelay?: number;
}

/** How a block is to be. */
export interface TransactionOptions extends Characteristics {
  /** The savepoint's name; one is made up by default. An outermost block with a name has a savepoint, too. */
  readonly savepointName?: string;
  /** Whether to roll back even if nothing fails. */
  readonly forceRollback?: boolean;
  /**
   * Repeats an outermost block that failed with an error that {@link isRetryable}: a number for the limit, or more
   * to say. Every repetition calls the function again. Not at all by default.
   */
  readonly retry?: number | RetryOptions;
  /** The longest that waiting for its turn, and each of its own commands, may take, in milliseconds. */
  readonly timeout?: number;
}

const OPTIONS: ReadonlySet<string> = new Set<keyof TransactionOptions | "signal">([
  "savepointName",
  "forceRollback",
  "retry",
  "timeout",
  "signal",
  "isolationLevel",
  "readOnly",
  "deferrable",
]);

/** The longest name that PostgreSQL keeps apart from others, in bytes. */
const LONGEST_NAME = 63;

/** State of a transaction block. */
export class TransactionCore {
  /** The savepoint's name; null for a transaction without one. */
  savepointName: string | null;
  /** Where the block stands. */
  status: TransactionState = "notStarted";
  /** Whether the block ends with a rollback whatever happens. */
  readonly forceRollback: boolean;
  /** What was asked of the transaction. @internal */
  readonly characteristics: Characteristics;
  /** What begins the block, once it has begun. @internal */
  commands: readonly string[] = [];
  /** How many statements its pipeline had sent before. @internal */
  begunAt = 0;
  /** Whether the block is a transaction of its own and not a savepoint of another. @internal */
  outermost = false;

  constructor(options: TransactionOptions) {
    for (const name in options) {
      if (!OPTIONS.has(name) && Object.hasOwn(options, name)) {
        throw new ProgrammingError(
          `there is no option "${name}" for a transaction; there are ${[...OPTIONS].join(", ")}`,
        );
      }
    }
    if (options.timeout !== undefined) checkMilliseconds("timeout", options.timeout);
    this.savepointName = checkName(options.savepointName);
    this.forceRollback = options.forceRollback === true;
    this.characteristics = {
      isolationLevel: checkCharacteristic("isolationLevel", options.isolationLevel) ?? null,
      readOnly: checkCharacteristic("readOnly", options.readOnly) ?? null,
      deferrable: checkCharacteristic("deferrable", options.deferrable) ?? null,
    };
  }

  /** The savepoint's name as SQL writes it. @internal */
  get savepoint(): string {
    return quoteIdentifier(this.savepointName as string);
  }

  /** Whether one of its characteristics was chosen. @internal */
  get isParticular(): boolean {
    const { isolationLevel, readOnly, deferrable } = this.characteristics;
    return isolationLevel !== null || readOnly !== null || deferrable !== null;
  }

  /** What begins it when it differs from the connection's defaults; null when it doesn't. @internal */
  beginUnder(defaults: Characteristics): string | null {
    return this.isParticular ? beginCommand(this.characteristics, defaults) : null;
  }

  /**
   * Refuses the use of a block that isn't open.
   *
   * @throws ProgrammingError with the state it is in. @internal
   */
  checkActive(): void {
    if (this.status === "active") return;
    const state = this.status === "notStarted" ? "has not begun" : `has ended (${this.status})`;
    throw new ProgrammingError(`the transaction block ${state}; it can't be used`);
  }

  /** Shows the state. */
  toString(): string {
    const name = this.savepointName === null ? "" : ` ${this.savepointName}`;
    return `<${this.constructor.name}${name} [${this.status}]>`;
  }
}

// As for connections: the symbol is no part of the API.
Object.defineProperty(TransactionCore.prototype, Symbol.for("nodejs.util.inspect.custom"), {
  value(this: TransactionCore): string {
    return this.toString();
  },
});

function checkName(name: string | undefined): string | null {
  if (name === undefined) return null;
  if (typeof name !== "string" || name === "" || Buffer.byteLength(name) > LONGEST_NAME) {
    throw new ProgrammingError(
      `a savepoint's name must have between 1 and ${LONGEST_NAME} bytes, not ${JSON.stringify(name)}`,
    );
  }
  return name;
}
