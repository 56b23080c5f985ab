/** Every public name, and nothing else. */
export { connect, ping } from "./async/connect.ts";
export { AsyncConnection } from "./async/connection.ts";
export { AsyncCursor } from "./async/cursor.ts";
export { AsyncClientCursor } from "./async/client-cursor.ts";
export { AsyncServerCursor } from "./async/server-cursor.ts";
export { AsyncCopy } from "./async/copy.ts";
export type { AsyncCopyFunction, AsyncCopySource } from "./async/copy.ts";
export type { ProbeOptions } from "./transport/probe.ts";
export type {
  AsyncConninfo,
  AsyncConninfoObject,
  AsyncConnectOptions,
  AsyncCopyOptions,
  AsyncExecuteManyOptions,
  AsyncExecuteOptions,
  AsyncLimits,
  AsyncPingOptions,
  AsyncRunOptions,
  AsyncStreamOptions,
} from "./async/options.ts";
export { AsyncPipeline } from "./async/pipeline.ts";
export type { AsyncPipelineFunction } from "./async/pipeline.ts";
export { AsyncTransaction } from "./async/transaction.ts";
export type { AsyncTransactionFunction, AsyncTransactionOptions } from "./async/transaction.ts";
export type { AsyncNotifiesOptions } from "./async/notifies.ts";
export { Connection } from "./blocking/connection.ts";
export { Copy } from "./blocking/copy.ts";
export type { CopyFunction } from "./blocking/copy.ts";
export { Cursor } from "./blocking/cursor.ts";
export { ClientCursor } from "./blocking/client-cursor.ts";
export { ServerCursor } from "./blocking/server-cursor.ts";
export type {
  BlockingConninfo,
  BlockingConninfoObject,
  ConnectOptions,
  PingOptions,
} from "./blocking/options.ts";
export type { PingResult } from "./core/ping.ts";
export type { AskingServer, OAuthRequest } from "./core/secrets.ts";
export { Pipeline } from "./blocking/pipeline.ts";
export type { PipelineFunction } from "./blocking/pipeline.ts";
export { Transaction } from "./blocking/transaction.ts";
export type { TransactionFunction } from "./blocking/transaction.ts";
export type { Characteristics, IsolationLevel } from "./core/characteristics.ts";
export type { RetryOptions, TransactionOptions, TransactionState } from "./core/transaction.ts";
export { Column } from "./core/column.ts";
export type { CopyOptions, StreamOptions } from "./core/copy-options.ts";
export type { CopyType } from "./core/copy-types.ts";
export { FileWriter } from "./core/file-writer.ts";
export type { FileTarget, FileWriterOptions } from "./core/file-writer.ts";
export type { OperationContext, ShellName } from "./core/channels.ts";
export { requestCancel } from "./transport/cancel-handle.ts";
export type { CancelHandle } from "./transport/cancel-handle.ts";
export { ConnectionInfo } from "./core/info.ts";
export { Notify } from "./core/notify.ts";
export type { NotifiesOptions, NotifyHandler } from "./core/notify.ts";
export { Listener } from "./notify/listener.ts";
export type { ListenOptions, Subscription } from "./notify/listener.ts";
export type { ChannelStream } from "./notify/stream.ts";
export type {
  ChannelEvent,
  ChannelHandler,
  GapEvent,
  ListenerEvent,
  NotificationEvent,
} from "./notify/events.ts";
export type { ListenerOptions, ListenerProbeOptions, ReconnectOptions } from "./notify/options.ts";
export { ConnectionPool } from "./pool/pool.ts";
export { NullConnectionPool } from "./pool/null-pool.ts";
export { BlockingConnectionPool } from "./pool/blocking-pool.ts";
export type { BlockingPoolOptions } from "./pool/blocking-options.ts";
export type { BlockingConnectionClass } from "./pool/blocking-loan.ts";
export { PoolClosed, PoolTimeout, TooManyRequests } from "./pool/errors.ts";
export type { PoolSituation } from "./pool/errors.ts";
export type { PoolEvent } from "./pool/keeper.ts";
export type { ConnectionClass, PoolLimits, PoolOptions, PoolReset } from "./pool/options.ts";
export type { PoolPolicy } from "./pool/settings.ts";
export type { PoolCounters, PoolStats } from "./pool/stats.ts";
export type { GivenParameters, TransactionStatus } from "./core/info.ts";
export type {
  ExecuteOptions,
  Limits,
  NoticeHandler,
  RunOptions,
  SessionOptions,
} from "./core/options.ts";
export type { TypeOptions } from "./core/type-options.ts";
export type { ScrollMode } from "./core/cursor.ts";
export type { ClientCursorOptions, CursorOptions } from "./core/cursor-options.ts";
export type { ExecuteManyOptions } from "./core/execute-many.ts";
export type { ServerCursorOptions } from "./core/server-cursor.ts";
export type { TraceOptions, TraceRequest, TraceSink } from "./core/trace.ts";
export { Xid } from "./core/xid.ts";
export { conninfoToDict, makeConninfo } from "./conninfo/dict.ts";
export type { Conninfo, ConninfoObject } from "./conninfo/dict.ts";
export type { TlsMaterial, TlsOptions } from "./conninfo/tls-options.ts";
export { AdaptersMap } from "./adapt/registry.ts";
export type { Format } from "./adapt/format.ts";
export type { Class, Codec, Convert, Load, Recipe } from "./adapt/registry.ts";
export type { TypeIdentity } from "./adapt/oids.ts";
export type { CompositeField } from "./adapt/types/composite.ts";
export type { EnumMapping, EnumObject } from "./adapt/types/enum.ts";
export { Multirange, Range } from "./adapt/types/range-value.ts";
export type { Compare, RangeBounds } from "./adapt/types/range-value.ts";
export {
  registerComposite,
  registerEnum,
  registerHstore,
  registerMultirange,
  registerRange,
} from "./core/register-types.ts";
export type { CompositeOptions } from "./core/register-types.ts";
export { registerTypes } from "./core/type-learning.ts";
export type { TypeName } from "./core/type-catalog.ts";
export {
  ArrayInfo,
  CompositeInfo,
  DomainInfo,
  EnumInfo,
  MultirangeInfo,
  RangeInfo,
  TypeInfo,
} from "./core/type-info.ts";
export type { AdaptersContext } from "./core/type-registering.ts";
export type { AsyncTypeSource, BlockingTypeSource, TypeSourcePool } from "./core/type-source.ts";
export { int8AsNumber, int8AsString } from "./adapt/types/integer.ts";
export { BoundedArray } from "./adapt/types/array-bounds.ts";
export {
  Float4,
  Float8,
  FullTransactionId,
  Int2,
  Int4,
  Int8,
  Numeric,
  Oid,
  TransactionId,
  TypedValue,
} from "./adapt/types/typed-values.ts";
export { Interval } from "./adapt/types/interval-value.ts";
export type { IntervalParts } from "./adapt/types/interval-value.ts";
export { jsonCodec } from "./adapt/types/json.ts";
export type { JsonFunctions } from "./adapt/types/json.ts";
export { Json, Jsonb } from "./adapt/types/json-value.ts";
export type { JsonWrapperOptions } from "./adapt/types/json-value.ts";
export { timestamptzAsTemporal } from "./adapt/types/temporal-instant.ts";
export type { TemporalNamespace } from "./adapt/types/temporal.ts";
export { timestamptzAsString } from "./adapt/types/timestamptz.ts";
export { globalAdapters as adapters } from "./adapt/builtins.ts";
export type { Parameters } from "./adapt/parameters.ts";
export type { Query, QueryParameters } from "./core/query.ts";
export type { NamedParameters } from "./sql/named.ts";
export { Composable, Composed, Identifier, Literal, Placeholder, SQL } from "./sql/composable.ts";
export type { ComposeContext } from "./sql/composable.ts";
export { sql } from "./sql/tag.ts";
export type { SqlTag } from "./sql/tag.ts";
export { columnsOf, unnestList, valuesList } from "./sql/multi-row.ts";
export type { MultiRow, ValuesListOptions } from "./sql/multi-row.ts";
export { argsRow, classRow, dictRow, kwargsRow, scalarRow, tupleRow } from "./rows.ts";
export type {
  DictRow,
  DuplicateColumns,
  RowColumn,
  RowFactory,
  RowMaker,
  TupleRow,
} from "./rows.ts";
export type { Outcome } from "./errors.ts";
export {
  CancellationTimeout,
  ConnectionTimeout,
  DatabaseError,
  DataError,
  Diagnostic,
  IntegrityError,
  InterfaceError,
  InternalError,
  MahoutError,
  NotSupportedError,
  OperationalError,
  OutOfOrderTransactionNesting,
  PipelineAborted,
  ProgrammingError,
  ProtocolError,
  Rollback,
} from "./errors.ts";
export { isRetryable } from "./retryable.ts";
export { errors } from "./sqlstate.ts";
