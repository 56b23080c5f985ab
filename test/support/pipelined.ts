// A connection in a pipeline for as long as it lives, under the face of one that isn't: the way to run
// tests that know nothing of pipelines with the pipeline on.
//
// Its statements are sent as in any pipeline. After each, its result is waited for as whoever fetches
// does, with a Flush, and then the series is ended, so that an error is its statement's alone; a limit of
// a statement becomes the sync's, which takes them. On the way it is checked that the sync tells of
// every error of the server that the statement told of, and of no other. What no pipeline takes, a text
// of several statements, is run outside of it, so that tests can set their stage.
//
// It is entered below `conn.pipeline()`, which puts the caller's asynchronous context into the block:
// that of whoever connects is not that of the test.

import { expect } from "@jest/globals";
import { AsyncConnection, type AsyncCursor, MahoutError } from "../../src/index.ts";

/** What both shells run: each step is a value, or in the asynchronous shell a promise for one. */
type Steps<T> = Generator<unknown, T, unknown>;

/** What limits a statement. */
interface Limits {
  readonly timeout?: number;
  readonly signal?: AbortSignal;
}

type Execute = AsyncCursor["execute"];
type Query = AsyncConnection["query"];
type Options = Parameters<Execute>[2];

/** Puts a connection that was just made into a pipeline; gives it. */
export async function pipelined<Row>(conn: AsyncConnection<Row>): Promise<AsyncConnection<Row>> {
  await conn.driver.perform(conn.core.pipeline.enter(undefined), undefined);
  const series = new SyncedSeries(conn as AsyncConnection<unknown>);
  const { execute, query, cursor } = conn;
  const plain = execute.bind(conn) as Execute;
  override(conn, "execute", series.executing(plain));
  override(conn, "query", series.querying(query.bind(conn) as Query, plain));
  override(conn, "cursor", (...given: Parameters<typeof cursor>) => {
    const made = cursor.apply(conn, given);
    return typeof given[0] === "string" ? made : series.watched(made);
  });
  return conn;
}

/** The statements of one connection, each a series of its own. */
class SyncedSeries {
  readonly #connection: AsyncConnection<unknown>;
  readonly #watched = new WeakSet<object>();

  constructor(connection: AsyncConnection<unknown>) {
    this.#connection = connection;
  }

  /** Has what the cursor executes end its series, too. */
  watched<C extends object>(cursor: C): C {
    if (this.#watched.has(cursor)) return cursor;
    this.#watched.add(cursor);
    const { execute } = cursor as unknown as AsyncCursor;
    override(cursor, "execute", this.executing(execute.bind(cursor as unknown as AsyncCursor)));
    return cursor;
  }

  executing(execute: Execute): Execute {
    return ((text, parameters, options) =>
      this.#walk(this.#executed(execute, text, parameters, options))) as Execute;
  }

  /** A query without limits waits for its own rows; with limits the sync does. */
  querying(query: Query, execute: Execute): Query {
    return ((text, parameters, options) => {
      const { limits, rest } = apartOf(options as Options);
      if (hasSeveral(text))
        return this.#walk(this.#outside(() => query(text, parameters, options)));
      const run = (): unknown => query(text, parameters, rest as never);
      return this.#walk(
        isLimited(limits)
          ? this.#queried(execute, text, parameters, options as Options)
          : this.#synced(run, limits),
      );
    }) as Query;
  }

  *#queried(...given: [Execute, ...Parameters<Execute>]): Steps<unknown> {
    const cursor = yield* this.#executed(...given);
    return cursor.description === null ? [] : yield cursor.fetchAll();
  }

  *#executed(
    execute: Execute,
    ...[text, parameters, options]: Parameters<Execute>
  ): Steps<AsyncCursor> {
    if (hasSeveral(text)) {
      const cursor = yield* this.#outside(() => execute(text, parameters, options));
      return this.watched(cursor as AsyncCursor);
    }
    const { limits, rest } = apartOf(options);
    const cursor = yield* this.#synced(function* () {
      const sent = (yield execute(text, parameters, rest)) as AsyncCursor;
      if (!isLimited(limits)) yield arrivalOf(sent);
      return sent;
    }, limits);
    return this.watched(cursor as AsyncCursor);
  }

  /** Runs what no pipeline takes, as programs have to: outside. */
  *#outside(run: () => unknown): Steps<unknown> {
    const { driver, core } = this.#connection;
    yield driver.perform(core.pipeline.leave(), undefined);
    try {
      return yield run();
    } finally {
      if (!core.closed) yield driver.perform(core.pipeline.enter(undefined), undefined);
    }
  }

  *#synced(run: () => unknown, limits: Limits): Steps<unknown> {
    let value: unknown;
    let failure: { readonly error: unknown } | null = null;
    try {
      const result = run();
      value = isSteps(result) ? yield* result : yield result;
    } catch (error) {
      failure = { error };
    }
    const { driver, core } = this.#connection;
    let told: unknown = null;
    try {
      const isKnown = failure !== null || !isLimited(limits);
      if (!core.closed || !isKnown)
        yield driver.perform(core.pipeline.sync(), { ...limits, ends: true });
    } catch (error) {
      told = error;
    }
    if (failure === null) {
      if (told !== null) throw told;
      return value;
    }
    const { error } = failure;
    const isServers = error instanceof MahoutError && error.diag.severity !== null;
    if (told !== null || (isServers && !core.closed)) {
      expect(told).toMatchObject({ message: (error as Error).message });
    }
    throw error;
  }

  #walk<T>(steps: Steps<T>): unknown {
    return this.#connection instanceof AsyncConnection ? walkLater(steps) : walkNow(steps);
  }
}

function apartOf(options: Options): { limits: Limits; rest: Options } {
  if (typeof options !== "object" || options === null) return { limits: {}, rest: options };
  const { timeout, signal, ...rest } = options;
  return { limits: { timeout, signal } as Limits, rest };
}

/** Waits for a result, and leaves it as it is. */
function arrivalOf(cursor: AsyncCursor): unknown {
  return cursor.results().next();
}

/** Whether a text may be several statements. Who takes a body of a function for that only loses a test. */
function hasSeveral(text: unknown): boolean {
  return typeof text === "string" && /;\s*\S/.test(text);
}

function isLimited({ timeout, signal }: Limits): boolean {
  return timeout !== undefined || signal !== undefined;
}

function isSteps(value: unknown): value is Steps<unknown> {
  return Object.prototype.toString.call(value) === "[object Generator]";
}

function walkNow<T>(steps: Steps<T>): T {
  let step = steps.next();
  while (!step.done) step = steps.next(step.value);
  return step.value;
}

async function walkLater<T>(steps: Steps<T>): Promise<T> {
  let step = steps.next();
  while (!step.done) {
    let value: unknown;
    try {
      value = await step.value;
    } catch (error) {
      step = steps.throw(error);
      continue;
    }
    step = steps.next(value);
  }
  return step.value;
}

function override(object: object, name: string, value: unknown): void {
  Object.defineProperty(object, name, { value, configurable: true, writable: true });
}
