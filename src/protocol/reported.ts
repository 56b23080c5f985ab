/**
 * The parameters that a server reports by itself, at the start and whenever they change (manual, 54.2.7).
 */
import { OperationalError } from "../errors.ts";
import { Backend } from "./messages.ts";
import { surprise } from "./replies.ts";

/** A server may report this many parameters; no server comes near. */
const MOST_PARAMETERS = 1000;

/**
 * Takes a report.
 *
 * @throws ProtocolError for one too many, OperationalError for an encoding that texts aren't read in.
 */
export function report(
  parameters: Map<string, string>,
  [name, value]: readonly [string, string],
): void {
  if (parameters.size >= MOST_PARAMETERS && !parameters.has(name)) {
    throw surprise(Backend.parameterStatus);
  }
  if (name === "client_encoding" && !/^(?:utf-?8|unicode)$/i.test(value)) {
    throw new OperationalError(
      `client_encoding was set to ${value}, but text is only read and written as UTF8; the connection was closed`,
      { code: "ERR_MAHOUT_ENCODING" },
    );
  }
  parameters.set(name, value);
}
