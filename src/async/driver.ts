/**
 * How an asynchronous connection waits: its line, its socket, and what bounds a call.
 *
 * A connection says what is to be done and leaves the waiting to its driver; cursors and blocks use the same
 * driver. Nothing here means anything to a program.
 */
import {
  isWatched,
  queryChannel,
  queryContext,
  sendObserved,
  tellResults,
} from "../core/channels.ts";
import type { ConnectionCore } from "../core/connection.ts";
import type { ResultSet } from "../core/execute.ts";
import type { Exchange } from "../core/exchange.ts";
import { executionOf, readsOnArrival } from "../core/exchange.ts";
import { execute } from "../core/execute.ts";
import type { ExecuteContext, ExecuteRequest } from "../core/extended.ts";
import { resultOf } from "../core/pending-result.ts";
import type { PendingResult } from "../core/pending-result.ts";
import { probe } from "../core/probe.ts";
import { recapture } from "../core/recapture.ts";
import { lastRows } from "../core/results.ts";
import type { AdaptersMap } from "../adapt/registry.ts";
import type { Conversation } from "../protocol/effects.ts";
import type { RowFactory } from "../rows.ts";
import { drive } from "../transport/job.ts";
import type { CancelTarget } from "../transport/limits.ts";
import { cancelRunning, runLimited, stopAfter } from "../transport/limits.ts";
import { Line } from "../transport/line.ts";
import type { Occupation } from "../transport/occupation.ts";
import type { ProbeOptions } from "../transport/probe.ts";
import { IdleProbe } from "../transport/probe.ts";
import type { SocketTransport } from "../transport/socket.ts";
import type { Stay } from "../transport/stay.ts";
import { AwaitedResult, AwaitedRows } from "./exchanges.ts";
import { checkNotFeeding, isFeeding } from "./items.ts";
import { observed } from "./observed.ts";
import { OccupationWatch } from "./occupation-watch.ts";
import { checkNotOccupied } from "./occupied.ts";
import type { AsyncLimits, AsyncRunOptions } from "./options.ts";
import { outcome } from "./promising.ts";

/** How a conversation is run. */
export interface Performing extends AsyncLimits {
  /** Whether nothing may be under way when it begins. */
  readonly alone?: boolean;
  /** Whether it ends what was begun before; see {@link Limits.ends}. */
  readonly ends?: boolean;
  /** Told when a limit has passed, and the server is asked to cancel. */
  readonly onStop?: (reason: Error) => void;
}

/** Drives the conversations of one connection. */
export class AsyncDriver {
  readonly #core: ConnectionCore<unknown>;
  readonly #transport: SocketTransport;
  readonly #line: Line;
  readonly #watch: OccupationWatch;
  readonly #cancelTarget: CancelTarget;
  #probe: IdleProbe | null = null;

  constructor(core: ConnectionCore<unknown>, transport: SocketTransport, target: CancelTarget) {
    this.#core = core;
    this.#transport = transport;
    this.#line = new Line(core.session, transport);
    this.#watch = new OccupationWatch(this.#line);
    this.#cancelTarget = target;
  }

  /** Asks an idle connection now and then whether the server is still there. */
  startProbe(options: ProbeOptions | null): void {
    if (options === null) return;
    const { session } = this.#core;
    const probed = { session, line: this.#line, transport: this.#transport };
    this.#probe = new IdleProbe({ ...probed, ask: () => probe(session) }, options);
  }

  /** Runs a statement for its rows, in a pipeline too; what is thrown was not sent. */
  query<Row>(
    request: ExecuteRequest,
    options: AsyncRunOptions | undefined,
    factory: RowFactory<Row>,
  ): Promise<Row[]> {
    const { adapters, pipeline } = this.#core;
    const context = this.#core.contextOf(adapters);
    if (this.#isVacant(options)) {
      const execution = executionOf(context, request, pipeline.open ? pipeline : null);
      if (execution !== null && readsOnArrival(execution, factory)) {
        const rows = new AwaitedRows(execution, factory, this.#line);
        if (this.#exchange(rows)) return rows.promise;
      } else if (execution !== null) {
        const result = new AwaitedResult(execution, asTheyAre, this.#line);
        if (this.#exchange(result)) return this.#rowsOf(result.promise, adapters, factory);
      }
    }
    const sets = pipeline.open
      ? this.#sendAndArrive(context, request, options)
      : this.run(context, request, options);
    return this.#rowsOf(sets, adapters, factory);
  }

  #rowsOf<Row>(
    sets: Promise<ResultSet[]>,
    adapters: AdaptersMap,
    factory: RowFactory<Row>,
  ): Promise<Row[]> {
    // A pipeline tells of it, whoever looks at this. (It is called later, when there are `rows`.)
    const told = this.#core.pipeline.open ? () => void rows.catch(() => {}) : undefined;
    const rows = outcome(sets, (all) => lastRows(all, adapters, factory), told);
    return rows;
  }

  /** Runs a statement outside of a pipeline; `show` makes of its result what is awaited. */
  execute<T>(
    context: ExecuteContext,
    request: ExecuteRequest,
    options: AsyncRunOptions | undefined,
    show: (sets: ResultSet[]) => T,
  ): Promise<T> {
    if (this.#isVacant(options)) {
      const execution = executionOf(context, request, null);
      const result = execution && new AwaitedResult(execution, show, this.#line);
      if (result !== null && this.#exchange(result)) return result.promise;
    }
    return outcome(this.run(context, request, options), show);
  }

  #exchange(exchange: Exchange): boolean {
    if (!this.#line.pass(exchange)) return false;
    this.#transport.schedule();
    return true;
  }

  /** Whether nobody is in line, and nothing has to be told, limited or refused on the way. */
  #isVacant(options: AsyncRunOptions | undefined): boolean {
    const core = this.#core;
    if (options !== undefined && (options.timeout !== undefined || options.signal !== undefined))
      return false;
    if (core.statementTimeout !== null || core.pipeline.timeout !== undefined) return false;
    return !core.closed && this.#line.isVacant && !isFeeding() && !isWatched(queryChannel);
  }

  /** Sends a statement without waiting for its answer. */
  send(
    context: ExecuteContext,
    request: ExecuteRequest,
    options: AsyncRunOptions | undefined,
  ): Promise<PendingResult> {
    return this.#bounded(this.#line.run(this.#sending(context, request, options)));
  }

  #sendAndArrive(
    context: ExecuteContext,
    request: ExecuteRequest,
    options: AsyncRunOptions | undefined,
  ): Promise<ResultSet[]> {
    const core = this.#core;
    const refused = (error: unknown): void => core.pipeline.refused(error);
    const sending = this.#sending(context, request, options);
    return this.#bounded(this.#line.run(resultOf(sending, core.session, refused)));
  }

  /** Bounds a wait in a pipeline: what runs is cancelled, whichever statement of the series that is. */
  #bounded<T>(waiting: Promise<T>): Promise<T> {
    const timeout = this.#core.pipeline.timeout ?? this.#core.timeoutOf(undefined);
    return timeout === undefined
      ? waiting
      : stopAfter(timeout, this.#cancelTarget, this.#transport, waiting);
  }

  #sending(
    context: ExecuteContext,
    request: ExecuteRequest,
    options: AsyncRunOptions | undefined,
  ): Conversation<PendingResult> {
    const core = this.#core;
    core.checkOpen();
    checkNotFeeding(core);
    core.pipeline.checkUnlimited(options);
    const sending = core.pipeline.send(context, request);
    return isWatched(queryChannel) ? sendObserved(core, "async", request.text, sending) : sending;
  }

  /** Waits for the answer to a statement that was sent. */
  async arrive(pending: PendingResult): Promise<ResultSet[]> {
    try {
      return await this.#bounded(this.#line.run(pending.arrive(this.#core.session)));
    } catch (error) {
      throw recapture(error);
    }
  }

  /** Runs one statement in its turn. */
  run(
    context: ExecuteContext,
    request: ExecuteRequest,
    options: AsyncRunOptions | undefined,
  ): Promise<ResultSet[]> {
    if (!isWatched(queryChannel)) return this.#perform(context, request, options);
    return observed(
      queryChannel,
      () => queryContext(this.#core, "async", request.text),
      () => this.#perform(context, request, options),
      tellResults,
    );
  }

  #perform(
    context: ExecuteContext,
    request: ExecuteRequest,
    options: AsyncRunOptions | undefined,
  ): Promise<ResultSet[]> {
    this.#core.checkOpen();
    return this.perform(execute(context, request), options);
  }

  /** Runs a conversation in its turn and within limits. */
  perform<T>(conversation: Conversation<T>, options: Performing | undefined): Promise<T> {
    this.#checkEnds();
    const timeout = this.#core.timeoutOf(options);
    const signal = options?.signal;
    if (signal === undefined && timeout === undefined)
      return options?.alone
        ? this.#line.runAlone(conversation).promise
        : this.#line.run(conversation);
    const limits = { signal, timeout, onStop: options?.onStop, ends: options?.ends };
    return runLimited(this.#line, this.#transport, this.#cancelTarget, conversation, limits);
  }

  /** Runs a conversation of the connection's own, with nothing else under way. */
  async ask<T>(conversation: Conversation<T>, limits: AsyncLimits | undefined): Promise<T> {
    try {
      this.#core.checkOpen();
      return await this.perform(conversation, { ...limits, alone: true });
    } catch (error) {
      throw recapture(error);
    }
  }

  /** Has the connection to itself for several conversations, in its turn. */
  occupy(occupation: Occupation): Stay {
    this.#core.checkOpen();
    this.#core.pipeline.refuse(occupation.what);
    this.#checkEnds();
    const stay = this.#line.stay(this.#cancelTarget, occupation);
    this.#watch.occupied(stay);
    return stay;
  }

  /** Refuses what would wait for itself, as far as that can be seen. */
  #checkEnds(): void {
    checkNotFeeding(this.#core);
    if (!this.#line.hasStays) return;
    checkNotOccupied(this.#core);
    this.#watch.begin();
  }

  /** Whether nothing is under way on the connection, and nothing waits for its turn. */
  get quiet(): boolean {
    return this.#line.quiet && this.#core.session.owedCount === 0;
  }

  /** Whether something has the connection to itself, or is about to: a COPY, a stream. */
  get occupied(): boolean {
    return this.#line.hasStays;
  }

  /** Asks the server to cancel what runs; what is called afterwards waits until that is settled. */
  async cancel(): Promise<void> {
    const request = cancelRunning(this.#cancelTarget, this.#transport);
    const settled = request.catch(() => {});
    void this.#line.runAlone(waitFor(settled));
    try {
      await request;
    } catch (error) {
      throw recapture(error);
    }
  }

  /** The descriptor of the socket; -1 where the system offers none. */
  get descriptor(): number {
    return this.#transport.descriptor;
  }

  /** Closes the connection; what still runs on it fails. */
  async close(): Promise<void> {
    this.#probe?.stop();
    this.#watch.stop();
    await drive(this.#core.close(), this.#transport);
  }
}

const asTheyAre = (sets: ResultSet[]): ResultSet[] => sets;

/** Keeps its place in line until `settled` is. */
function* waitFor(settled: Promise<void>): Conversation<void> {
  yield { kind: "until", ready: () => settled };
}
