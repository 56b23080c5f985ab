/**
 * What stands between an app and where its jobs are.
 *
 * A connector carries out operations, and knows nothing of what they are for. It can be asynchronous, blocking, or both. What a kind of
 * connector can't do fails with SyncConnectorConfigurationError, so that this class contains all methods.
 */
import { SyncConnectorConfigurationError } from "./errors.ts";
import type { Input, OperationName, Output, Wake } from "./operations.ts";
import type { SqlStorage } from "./statement.ts";

/** How one operation is carried out. */
export interface RunOptions {
  /**
   * A connection or transaction of the caller's, of the connector's own kind: the operation becomes part of its transaction,
   * and takes effect with its commit.
   */
  readonly connection?: unknown;
  readonly signal?: AbortSignal | undefined;
  /** How long it may take, in milliseconds, the wait for a connection included. */
  readonly timeout?: number | undefined;
}

/** What listening to a storage is ended with. */
export interface Ears {
  close(): Promise<void>;
}

/** Carries out operations on jobs. */
export abstract class Connector {
  /** The tables that it works on; null for a connector that has none. */
  readonly storage: SqlStorage | null = null;

  /** Opens it, for asynchronous use; a pool or engine that is given is used, and never closed. */
  open(_engine?: unknown): Promise<void> {
    return Promise.reject(this.refusal("open()"));
  }

  /** Closes what it opened; never throws. */
  close(): Promise<void> {
    return Promise.resolve();
  }

  /** Opens it for blocking use. */
  openSync(_engine?: unknown): void {
    throw this.refusal("openSync()");
  }

  /** Closes what openSync() opened; never throws. */
  closeSync(): void {}

  /** Carries out an operation. */
  run<Name extends OperationName>(
    name: Name,
    _input: Input<Name>,
    _options?: RunOptions,
  ): Promise<Output<Name>> {
    return Promise.reject(this.refusal(name));
  }

  /** Carries out an operation while the thread waits. */
  runSync<Name extends OperationName>(
    name: Name,
    _input: Input<Name>,
    _options?: Omit<RunOptions, "signal">,
  ): Output<Name> {
    throw this.refusal(name);
  }

  /** The connector that blocking calls use: itself, or its counterpart. */
  getSyncConnector(): Connector {
    return this;
  }

  /**
   * Has `hear` called with what the storage tells, and comes back when nothing that is stored from then on can be missed. Null when it
   * can't listen: workers ask from time to time then.
   */
  listen(_hear: (wake: Wake) => void, _signal: AbortSignal): Promise<Ears | null> {
    return Promise.reject(this.refusal("listen()"));
  }

  /** Executes SQL that has no result: the schema manager's. */
  executeScript(_sql: string): Promise<void> {
    return Promise.reject(this.refusal("executeScript()"));
  }

  /** The same, blocking. */
  executeScriptSync(_sql: string): void {
    throw this.refusal("executeScriptSync()");
  }

  /** The error of what it can't do. */
  protected refusal(what: string): SyncConnectorConfigurationError {
    return new SyncConnectorConfigurationError(
      `${this.constructor.name} can't do ${what}: it is not made for this kind of call`,
    );
  }
}
