/** Every public name, and nothing else. */
export { AsyncConnection, connect } from "./async/connection.ts";
export { AsyncCursor } from "./async/cursor.ts";
export type { AsyncConnectOptions, AsyncExecuteOptions, AsyncRunOptions } from "./async/options.ts";
export { Connection } from "./blocking/connection.ts";
export { Cursor } from "./blocking/cursor.ts";
export type { ConnectOptions } from "./blocking/options.ts";
export { Column } from "./core/column.ts";
export { ConnectionInfo } from "./core/info.ts";
export type { GivenParameters, TransactionStatus } from "./core/info.ts";
export type { ExecuteOptions, NoticeHandler, RunOptions, SessionOptions } from "./core/options.ts";
export type { ScrollMode } from "./core/cursor.ts";
export { conninfoToDict, makeConninfo } from "./conninfo/dict.ts";
export type { Conninfo, ConninfoObject } from "./conninfo/dict.ts";
export { AdaptersMap } from "./adapt/registry.ts";
export type { Format } from "./adapt/format.ts";
export type { Class, Codec, Convert, Load } from "./adapt/registry.ts";
export { int8AsNumber, int8AsString } from "./adapt/types/integer.ts";
export { jsonCodec } from "./adapt/types/json.ts";
export type { JsonFunctions } from "./adapt/types/json.ts";
export { Json, Jsonb } from "./adapt/types/json-value.ts";
export { timestamptzAsString } from "./adapt/types/timestamptz.ts";
export { globalAdapters as adapters } from "./adapt/builtins.ts";
export type { Parameters } from "./adapt/parameters.ts";
export { argsRow, classRow, dictRow, kwargsRow, scalarRow, tupleRow } from "./rows.ts";
export type { DictRow, RowColumn, RowFactory, RowMaker, TupleRow } from "./rows.ts";
export {
  CancellationTimeout,
  ConnectionTimeout,
  DatabaseError,
  DataError,
  Diagnostic,
  IntegrityError,
  InterfaceError,
  InternalError,
  isRetryable,
  MahoutError,
  NotSupportedError,
  OperationalError,
  OutOfOrderTransactionNesting,
  PipelineAborted,
  ProgrammingError,
  ProtocolError,
  Rollback,
} from "./errors.ts";
export { errors } from "./sqlstate.ts";
