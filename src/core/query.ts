/**
 * What a program may give as a statement, made into what the server takes: text with `$1`, `$2`, ... and values.
 *
 * The one place where pieces of SQL, placeholders by name and client-side binding are resolved, for everything
 * that takes a statement in either shell.
 */
import type { Parameters } from "../adapt/parameters.ts";
import { checkParameters } from "../adapt/parameters.ts";
import { ProgrammingError } from "../errors.ts";
import { Composable } from "../sql/composable.ts";
import type { DraftContext } from "../sql/draft.ts";
import { Draft } from "../sql/draft.ts";
import { mergeLiterals } from "../sql/merge.ts";
import type { NamedParameters } from "../sql/named.ts";
import { areNamed, numberNames, valuesByName } from "../sql/named.ts";
import type { ExecuteContext, ExecuteRequest } from "./extended.ts";

/** A statement: text, or what was made with `sql`. */
export type Query = string | Composable;

/** Values for `$1`, `$2`, ... in order, or an object with values for `$name`. */
export type QueryParameters = Parameters | NamedParameters;

/** A statement as the server takes it. */
export interface BoundQuery {
  readonly text: string;
  readonly parameters: Parameters;
}

const NO_PARAMETERS: Parameters = Object.freeze([]);

/**
 * Resolves a statement and its parameters.
 *
 * @throws ProgrammingError for what is no statement or no parameters, for parameters beside a template's own,
 * and for names without values.
 */
export function bindQuery(
  context: ExecuteContext,
  query: Query,
  parameters: QueryParameters | null | undefined,
): BoundQuery {
  const text = typeof query === "string" ? query : null;
  if (text === null) return bindComposable(context, query as Composable, parameters);
  if (parameters === undefined || parameters === null) return { text, parameters: NO_PARAMETERS };
  if (Array.isArray(parameters)) return { text, parameters };
  if (!areNamed(parameters)) {
    throw new ProgrammingError(
      "parameters must be an array of values for $1, $2, ..., or an object of values for $name",
    );
  }
  const numbered = numberNames(text, draftContext(context).standardStrings);
  return { text: numbered.text, parameters: valuesByName(numbered, parameters, text) };
}

function bindComposable(
  context: ExecuteContext,
  query: Composable,
  parameters: QueryParameters | null | undefined,
): BoundQuery {
  const { text, values } = compose(context, query);
  if (values.length === 0) return bindQuery(context, text, parameters);
  const isNone = parameters === undefined || parameters === null;
  if (isNone || (Array.isArray(parameters) && parameters.length === 0)) {
    return { text, parameters: values };
  }
  throw new ProgrammingError(
    "the statement has its values in it, so it takes no parameters; options come after an empty array",
    { code: "ERR_MAHOUT_PARAMETERS_MIXED", statement: text },
  );
}

/**
 * The text of a statement whose values come later, one set after the other.
 *
 * @throws ProgrammingError for a template that has values of its own.
 */
export function textOf(context: ExecuteContext, query: Query): string {
  if (typeof query === "string") return query;
  const { text, values } = compose(context, query);
  if (values.length === 0) return text;
  throw new ProgrammingError(
    "a statement for many items can't have values in it; use placeholders: $1, $name or sql.placeholder()",
    { code: "ERR_MAHOUT_PARAMETERS_MIXED", statement: text },
  );
}

function compose(context: ExecuteContext, query: Composable): Draft {
  if (!(query instanceof Composable)) {
    throw new ProgrammingError(
      `a statement must be a string or made with sql, not ${query === null ? "null" : typeof query}`,
      { code: "ERR_MAHOUT_NO_STATEMENT" },
    );
  }
  const draft = new Draft(draftContext(context));
  query.writeTo(draft);
  draft.finish();
  return draft;
}

/** What text is composed with on a connection. */
export function draftContext({ session, adapters }: ExecuteContext): DraftContext {
  const standardStrings = session.parameters.get("standard_conforming_strings") !== "off";
  return { adapters, standardStrings };
}

/** The text with its values in it, for what takes no parameters. */
export function mergeQuery(context: ExecuteContext, { text, parameters }: BoundQuery): string {
  checkParameters(parameters);
  return mergeLiterals(text, parameters, draftContext(context));
}

/**
 * A request with its values in its text. Done when it is sent and not before: what goes before it may change how
 * the server reads strings.
 */
export function mergeRequest(context: ExecuteContext, request: ExecuteRequest): ExecuteRequest {
  const { text: shown } = request;
  const text = mergeQuery(context, request);
  return { ...request, text, shown, parameters: NO_PARAMETERS, binding: "server" };
}
