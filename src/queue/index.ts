// Every public name of mahout/queue, and nothing else. The ES-module door is index.mts beside it.

export { App } from "./app.ts";
export type { AppOptions, ConfigureTaskOptions } from "./app.ts";
export { Blueprint } from "./blueprint.ts";
export type { NamespaceOptions } from "./blueprint.ts";
export { deferChannel, jobChannel } from "./channels.ts";
export type { JobChannel, JobOperationContext } from "./channels.ts";
export { ConfiguredTask } from "./configured-task.ts";
export type { PayloadArguments, RestOf } from "./configured-task.ts";
export { Connector } from "./connector.ts";
export type { Ears, RunOptions } from "./connector.ts";
export type { ConnectorArgument, ConnectorOptions } from "./connectors/arguments.ts";
export { DrizzleConnector } from "./connectors/drizzle.ts";
export type { DrizzleEngine } from "./connectors/drizzle.ts";
export type { ForeignOptions } from "./connectors/foreign.ts";
export { InMemoryConnector } from "./connectors/in-memory.ts";
export { KnexConnector } from "./connectors/knex.ts";
export type { KnexEngine } from "./connectors/knex.ts";
export { KyselyConnector } from "./connectors/kysely.ts";
export type { KyselyEngine } from "./connectors/kysely.ts";
export { MahoutConnector } from "./connectors/mahout.ts";
export { PgConnector } from "./connectors/pg.ts";
export type { PgClient, PgPool } from "./connectors/pg.ts";
export { SyncMahoutConnector } from "./connectors/sync-mahout.ts";
export type { DeferOptions, JobDefaults } from "./defer-options.ts";
export {
  AlreadyEnqueued,
  AppNotOpen,
  ConnectorException,
  InvalidPayload,
  InvalidTimestamp,
  JobAborted,
  JobTimeout,
  QueueConfigurationError,
  QueueError,
  SchemaError,
  SyncConnectorConfigurationError,
  TaskAlreadyRegistered,
  TaskNotFound,
  UnboundTaskError,
} from "./errors.ts";
export type { AbortReason, JobContext } from "./job-context.ts";
export { JobManager } from "./job-manager.ts";
export type {
  CancelOptions,
  DeleteOptions,
  ManageOptions,
  ManageSyncOptions,
  RetryJobOptions,
  StalledOptions,
} from "./job-manager.ts";
export type {
  ClaimedJob,
  EndStatus,
  Job,
  JobCounts,
  JobFilter,
  JobStatus,
  NewJob,
  Outcome,
  Rescue,
  WorkerRecord,
} from "./job.ts";
export type { CallNext, TaskMiddleware, WorkerHandle, WorkerMiddleware } from "./middleware.ts";
export { NativeStorage } from "./native/storage.ts";
export type {
  Exchange,
  Exchanged,
  Input,
  OperationName,
  Operations,
  Output,
  Wake,
} from "./operations.ts";
export { PeriodicRegistry, PeriodicTask } from "./periodic.ts";
export type {
  PeriodicClock,
  PeriodicDefaults,
  PeriodicMoment,
  PeriodicOptions,
  PeriodicPayload,
} from "./periodic.ts";
export { RetryStrategy } from "./retry.ts";
export type {
  ErrorClass,
  Failure,
  RetryDecision,
  RetryOption,
  RetryPolicy,
  RetryStrategyOptions,
} from "./retry.ts";
export type { ScheduleOptions, TimeSpan } from "./schedule.ts";
export { SchemaManager } from "./schema-manager.ts";
export type { AnyRow, Bulk, Migration, SqlStorage, Statement } from "./statement.ts";
export { TaskHandle } from "./task.ts";
export type {
  ContextTask,
  ContextTaskFunction,
  RegisteredTask,
  Task,
  TaskFunction,
  TaskOptions,
} from "./task.ts";
export type { Retention, WorkerOptions } from "./worker-options.ts";
export type { WorkerEvent } from "./worker/events.ts";
