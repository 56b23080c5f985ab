/** What can be said of a cursor when it is made. */
import { ProgrammingError } from "../errors.ts";
import type { DuplicateColumns, RowFactory } from "../rows.ts";

/** How a cursor is to be. */
export interface CursorOptions<Row> {
  /** How rows are built; the connection's way by default. */
  readonly rowFactory?: RowFactory<Row>;
  /** What becomes of columns with the same name: the last one stays, or it is an error; the connection's way by default. */
  readonly duplicateColumns?: DuplicateColumns;
  /** Who puts the values into the statement: the server (the default), or the client, as literals. */
  readonly binding?: "server" | "client";
}

/** How a client cursor is to be. */
export interface ClientCursorOptions<Row> extends CursorOptions<Row> {
  /** The client puts the values into the statement, as literals. */
  readonly binding: "client";
}

const OPTIONS: ReadonlySet<string> = new Set(["rowFactory", "duplicateColumns", "binding"]);

/**
 * Whether a cursor is to bind on the client.
 *
 * @throws ProgrammingError for options that there aren't.
 */
export function isClientBound(options: CursorOptions<unknown> | undefined): boolean {
  if (options === undefined) return false;
  for (const name of Object.keys(options)) {
    if (!OPTIONS.has(name)) {
      throw new ProgrammingError(
        `there is no option "${name}" for a cursor; there are ${[...OPTIONS].join(", ")}`,
      );
    }
  }
  const { binding } = options;
  if (binding !== undefined && binding !== "server" && binding !== "client") {
    throw new ProgrammingError(`binding is "server" or "client", not ${JSON.stringify(binding)}`);
  }
  return binding === "client";
}
