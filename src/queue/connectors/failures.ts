/**
 * What errors become on their way out of a connector.
 */
import { DatabaseError, InterfaceError } from "../../errors.ts";
import { AppNotOpen, ConnectorException, QueueError } from "../errors.ts";
import type { OperationName } from "../operations.ts";
import type { SqlStorage } from "../statement.ts";

/** An error as one of the queue: by its name where it has one, else as ConnectorException. What no database said stays as it is. */
export function translated(storage: SqlStorage, error: unknown, name: OperationName): unknown {
  const known = storage.translate(error, name);
  if (known instanceof QueueError || !isFromDriver(known)) return known;
  const { message } = known;
  return new ConnectorException(`${name} failed: ${message}`, { cause: known });
}

function isFromDriver(error: unknown): error is Error {
  return error instanceof DatabaseError || error instanceof InterfaceError;
}

/** The error of a connector that was not opened. */
export function notOpen(connector: object, isSync: boolean): AppNotOpen {
  const ways = isSync
    ? "app.openSync(), or await app.open()"
    : "await app.open(), or app.openSync() for deferring without promises";
  return new AppNotOpen(
    `the ${connector.constructor.name} is not open: call ${ways} first, with a pool of your own if you have one`,
  );
}
