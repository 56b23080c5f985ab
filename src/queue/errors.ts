/**
 * The errors of the queue: Procrastinate's, by its names.
 */
import { brand, MahoutError } from "../errors.ts";

/** Everything that the queue throws of its own. */
export class QueueError extends MahoutError {
  protected static override readonly clientCode: string = "ERR_MAHOUT_QUEUE";
}

/** There is no task of this name in the app. */
export class TaskNotFound extends QueueError {
  protected static override readonly clientCode: string = "ERR_MAHOUT_QUEUE_TASK_NOT_FOUND";
}

/** A task of a blueprint was deferred that no app has. */
export class UnboundTaskError extends QueueError {
  protected static override readonly clientCode: string = "ERR_MAHOUT_QUEUE_UNBOUND_TASK";
}

/** Two tasks have one name. */
export class TaskAlreadyRegistered extends QueueError {
  protected static override readonly clientCode: string = "ERR_MAHOUT_QUEUE_TASK_REGISTERED";
}

/** The app, or its connector, is not open. */
export class AppNotOpen extends QueueError {
  protected static override readonly clientCode: string = "ERR_MAHOUT_QUEUE_NOT_OPEN";
}

/** A connector was used for what its kind can't do. */
export class SyncConnectorConfigurationError extends QueueError {
  protected static override readonly clientCode: string = "ERR_MAHOUT_QUEUE_SYNC_CONNECTOR";
}

/** The database failed; its error is the `cause`. */
export class ConnectorException extends QueueError {
  protected static override readonly clientCode: string = "ERR_MAHOUT_QUEUE_CONNECTOR";
}

/** A job with this queueing lock is waiting already. */
export class AlreadyEnqueued extends ConnectorException {
  protected static override readonly clientCode: string = "ERR_MAHOUT_QUEUE_ALREADY_ENQUEUED";
}

/** The schema is missing, or older or newer than what this version works with. */
export class SchemaError extends ConnectorException {
  protected static override readonly clientCode: string = "ERR_MAHOUT_QUEUE_SCHEMA";
}

/** A payload that JSON can't say. */
export class InvalidPayload extends QueueError {
  protected static override readonly clientCode: string = "ERR_MAHOUT_QUEUE_PAYLOAD";
}

/** A time that names no moment, or one that has passed. */
export class InvalidTimestamp extends QueueError {
  protected static override readonly clientCode: string = "ERR_MAHOUT_QUEUE_TIMESTAMP";
}

/** Options that make no sense. */
export class QueueConfigurationError extends QueueError {
  protected static override readonly clientCode: string = "ERR_MAHOUT_QUEUE_CONFIGURATION";
}

/** Thrown by a task's function to say that the job was aborted, as it was asked to. */
export class JobAborted extends QueueError {
  protected static override readonly clientCode: string = "ERR_MAHOUT_QUEUE_JOB_ABORTED";
}

/** A job ran for longer than its timeout. */
export class JobTimeout extends QueueError {
  protected static override readonly clientCode: string = "ERR_MAHOUT_QUEUE_JOB_TIMEOUT";
}

brand({
  QueueError,
  TaskNotFound,
  UnboundTaskError,
  TaskAlreadyRegistered,
  AppNotOpen,
  SyncConnectorConfigurationError,
  ConnectorException,
  AlreadyEnqueued,
  SchemaError,
  InvalidPayload,
  InvalidTimestamp,
  QueueConfigurationError,
  JobAborted,
  JobTimeout,
});
