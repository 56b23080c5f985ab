/**
 * What programs see of a connection in either shell without having to wait for it.
 *
 * The shells inherit this face; the state behind it is the core's.
 */
import type { AdaptersMap } from "../adapt/registry.ts";
import type { DictRow, RowFactory } from "../rows.ts";
import { InterfaceError } from "../errors.ts";
import { ConnectionCore } from "./connection.ts";
import type { ConnectionInfo } from "./info.ts";
import type { NoticeHandler } from "./options.ts";

/** State and settings of a connection. */
export abstract class ConnectionBase<Row = DictRow> {
  /** @internal */
  readonly core: ConnectionCore<Row>;

  protected constructor(core: ConnectionCore<Row>) {
    if (!(core instanceof ConnectionCore)) {
      throw new InterfaceError(`a connection is made with ${new.target.name}.connect()`);
    }
    this.core = core;
  }

  /** Whether the connection can't be used any more, whoever ended it. */
  get closed(): boolean {
    return this.core.closed;
  }

  /** Whether the connection ended without `close()`. */
  get broken(): boolean {
    return this.core.broken;
  }

  /** Fires when the connection ends without `close()`, idle or not; its reason is the error. */
  get disconnected(): AbortSignal {
    return this.core.disconnected;
  }

  /** Information on the connection. */
  get info(): ConnectionInfo {
    return this.core.info;
  }

  /** The connection's layer of the registry: changes apply to its cursors, and to nobody else. */
  get adapters(): AdaptersMap {
    return this.core.adapters;
  }

  /** How rows are built by cursors made from now on. */
  get rowFactory(): RowFactory<Row> {
    return this.core.rowFactory;
  }

  set rowFactory(factory: RowFactory<Row>) {
    this.core.rowFactory = factory;
  }

  /** Executions of a statement before it is prepared: 0 at once, null never. */
  get prepareThreshold(): number | null {
    return this.core.statements.threshold;
  }

  set prepareThreshold(threshold: number | null) {
    this.core.setPrepareThreshold(threshold);
  }

  /** How many statements are remembered and kept prepared. */
  get preparedMax(): number {
    return this.core.statements.max;
  }

  set preparedMax(max: number) {
    this.core.setPreparedMax(max);
  }

  /** Has `handler` called with each notice that the server sends; one that throws disturbs nothing. */
  addNoticeHandler(handler: NoticeHandler): void {
    this.core.addNoticeHandler(handler);
  }

  /**
   * Has `handler` not called any more.
   *
   * @throws ProgrammingError when it was not added.
   */
  removeNoticeHandler(handler: NoticeHandler): void {
    this.core.removeNoticeHandler(handler);
  }

  /** Shows the state, and nothing secret. */
  toString(): string {
    return this.core.summary(this.constructor.name);
  }
}

// `util.inspect` asks for this by its registered symbol; declared in the class it would be part of the API.
Object.defineProperty(ConnectionBase.prototype, Symbol.for("nodejs.util.inspect.custom"), {
  value(this: ConnectionBase<unknown>): string {
    return this.toString();
  },
});
