/**
 * What a client cursor adds to a cursor: its values are in the text before the server sees it.
 *
 * Such a statement goes as a simple query, is never prepared, and its columns come as text. Errors show the
 * text as it was given.
 */
import { NotSupportedError } from "../errors.ts";
import type { ExecuteContext, ExecuteRequest } from "./extended.ts";
import { requestOf } from "./operations.ts";
import type { RunOptions } from "./options.ts";
import type { Query, QueryParameters } from "./query.ts";
import { bindQuery, mergeQuery } from "./query.ts";

/**
 * Makes the request of one execution.
 *
 * @throws NotSupportedError for what the simple protocol can't do.
 */
export function clientRequestOf(
  context: ExecuteContext,
  query: Query,
  parameters: QueryParameters | undefined,
  options: RunOptions | undefined,
): ExecuteRequest {
  const request = requestOf(context, query, parameters, options);
  for (const name of ["prepare", "binary"] as const) {
    if (request[name] === true)
      throw new NotSupportedError(
        `a client cursor has no ${name}: its values are in the text, and go as a simple query; use conn.cursor()`,
      );
  }
  // Refused when it is called, too, although the text is made when it is sent.
  mergeQuery(context, request);
  return { ...request, binding: "client" };
}

/** The text that a client cursor would send. */
export function mogrify(
  context: ExecuteContext,
  query: Query,
  parameters: QueryParameters | undefined,
): string {
  return mergeQuery(context, bindQuery(context, query, parameters));
}

/** The error of what a client cursor doesn't have. */
export function noItems(): NotSupportedError {
  return new NotSupportedError(
    "a client cursor has no executeMany(): each item would be another statement; use conn.cursor()",
  );
}
