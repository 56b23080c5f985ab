/**
 * How a blocking connection waits: its socket, and what bounds a call.
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
import { queryRows } from "../core/exchange.ts";
import { execute } from "../core/execute.ts";
import type { ExecuteContext, ExecuteRequest } from "../core/extended.ts";
import type { Limits, RunOptions } from "../core/options.ts";
import type { PendingResult } from "../core/pending-result.ts";
import { recapture } from "../core/recapture.ts";
import { lastRows } from "../core/results.ts";
import { ProgrammingError } from "../errors.ts";
import type { Conversation } from "../protocol/effects.ts";
import type { RowFactory } from "../rows.ts";
import type { BlockingTransport } from "../transport/blocking.ts";
import type { CancelHandle } from "../transport/cancel-handle.ts";
import { cancelHandleOf } from "../transport/cancel-handle.ts";
import { cancelBlocking } from "../transport/cancel-blocking.ts";
import { StatementDeadline } from "../transport/deadlines.ts";
import type { CancelTarget } from "../transport/limits.ts";
import type { Occupation } from "../transport/occupation.ts";
import { BlockingStay } from "../transport/stay-blocking.ts";
import { observed } from "./observed.ts";

/** Drives the conversations of one connection. */
export class Driver {
  readonly #core: ConnectionCore<unknown>;
  /** Where the bytes go. */
  readonly transport: BlockingTransport;
  readonly #cancelTarget: CancelTarget;

  constructor(core: ConnectionCore<unknown>, transport: BlockingTransport, target: CancelTarget) {
    this.#core = core;
    this.transport = transport;
    this.#cancelTarget = target;
    core.refresh = (thoroughly) => transport.poll(thoroughly);
    transport.watch(() => transport.poll(true));
  }

  /** Runs a statement for its rows, in a pipeline too. */
  query<Row>(
    request: ExecuteRequest,
    options: RunOptions | undefined,
    factory: RowFactory<Row>,
  ): Row[] {
    const core = this.#core;
    const context = core.contextOf(core.adapters);
    if (core.pipeline.open) {
      const sets = this.arrive(this.send(context, request, options));
      return lastRows(sets, context.adapters, factory);
    }
    // Who watches is told of results, which such rows don't leave behind.
    if (isWatched(queryChannel))
      return lastRows(this.run(context, request, options), context.adapters, factory);
    core.checkOpen();
    return this.perform(queryRows(context, request, factory), options).get();
  }

  /** Sends a statement without waiting for its answer. */
  send(
    context: ExecuteContext,
    request: ExecuteRequest,
    options: RunOptions | undefined,
  ): PendingResult {
    const core = this.#core;
    core.checkOpen();
    core.pipeline.checkUnlimited(options);
    const sending = core.pipeline.send(context, request);
    return this.#run(
      isWatched(queryChannel) ? sendObserved(core, "blocking", request.text, sending) : sending,
    );
  }

  /** Waits for the answer to a statement that was sent. */
  arrive(pending: PendingResult): ResultSet[] {
    return this.#run(pending.arrive(this.#core.session));
  }

  #run<T>(conversation: Conversation<T>): T {
    const { timeout } = this.#core.pipeline;
    return this.perform(conversation, timeout === undefined ? undefined : { timeout });
  }

  /** Runs one statement; the cursor's way to the server. */
  run(
    context: ExecuteContext,
    request: ExecuteRequest,
    options: RunOptions | undefined,
  ): ResultSet[] {
    if (!isWatched(queryChannel)) return this.#perform(context, request, options);
    return observed(
      queryChannel,
      () => queryContext(this.#core, "blocking", request.text),
      () => this.#perform(context, request, options),
      tellResults,
    );
  }

  #perform(
    context: ExecuteContext,
    request: ExecuteRequest,
    options: RunOptions | undefined,
  ): ResultSet[] {
    this.#core.checkOpen();
    return this.perform(execute(context, request), options);
  }

  /** Has the connection to itself for several conversations. */
  occupy(occupation: Occupation, timeout: number | undefined): BlockingStay {
    this.#core.checkOpen();
    this.#core.pipeline.refuse(occupation.what);
    const cancel = { request: () => this.cancel(), timeout: this.#core.cancelTimeout };
    return new BlockingStay(this.transport, cancel, timeout, occupation);
  }

  /** Runs a conversation within limits. */
  perform<T>(conversation: Conversation<T>, options: Limits | undefined): T {
    const core = this.#core;
    refuseSignal(options);
    const timeout = core.timeoutOf(options);
    const deadline =
      timeout === undefined
        ? null
        : new StatementDeadline(timeout, () => this.cancel(), core.cancelTimeout);
    try {
      return this.transport.run(conversation, deadline);
    } catch (error) {
      throw recapture(deadline?.explain(error) ?? error);
    }
  }

  /** Runs a conversation of the connection's own. */
  ask<T>(conversation: Conversation<T>, limits: Limits | undefined): T {
    this.#core.checkOpen();
    return this.perform(conversation, limits);
  }

  /** Asks the server to cancel what this connection's session runs. */
  cancel(): void {
    cancelBlocking(this.#cancelTarget, this.transport);
  }

  /** What another thread needs to cancel what runs. */
  cancelHandle(): CancelHandle {
    return cancelHandleOf(this.#cancelTarget, this.transport.shareMemory() as SharedArrayBuffer);
  }

  /** Closes the connection, whatever has it to itself. */
  close(): void {
    this.transport.run(this.#core.close(), null, this.transport.occupant);
  }
}

/**
 * Refuses what fires from the event loop, which stands still while this shell waits.
 *
 * @throws ProgrammingError naming the remedy.
 */
export function refuseConnectSignal(options: object | undefined): void {
  if ((options as { signal?: unknown } | undefined)?.signal !== undefined) {
    throw new ProgrammingError(
      "connecting cannot be stopped by a signal in the blocking shell; use connectTimeout",
    );
  }
  refuseSignal(options);
}

/** Refuses what a call of this shell can't have. */
export function refuseSignal(options: object | undefined): void {
  if (options !== undefined && (options as { signal?: unknown }).signal !== undefined) {
    throw new ProgrammingError("a blocking call cannot be stopped by a signal; use timeout");
  }
  if (options !== undefined && (options as { probe?: unknown }).probe !== undefined) {
    throw new ProgrammingError("a blocking connection cannot probe itself; use keepalives_idle");
  }
}
