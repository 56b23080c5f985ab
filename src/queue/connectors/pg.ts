/**
 * The connector for programs that have a pool of node-postgres: what is deferred goes through it, and into its transactions.
 */
import type { Conninfo, ConninfoObject } from "../../conninfo/dict.ts";
import type { AnyRow } from "../statement.ts";
import type { ForeignOptions, Values } from "./foreign.ts";
import { ForeignConnector } from "./foreign.ts";

/** A client of node-postgres. */
export interface PgClient {
  query(text: string, values: unknown[]): Promise<{ readonly rows: unknown[] }>;
}

/** A pool of node-postgres. */
export interface PgPool extends PgClient {
  connect(): Promise<unknown>;
}

/** Stores jobs through a Pool of node-postgres. */
export class PgConnector extends ForeignConnector<PgClient> {
  protected override get kind(): string {
    return "a Pool of node-postgres";
  }

  /** @param pool the pool, which can also be given to `app.open()`; the connector is open after that. */
  constructor(pool?: PgPool, options: ForeignOptions = {}) {
    super(pool, options);
  }

  protected override isEngine(value: object): value is PgClient {
    const { query, executeQuery } = value as { query?: unknown; executeQuery?: unknown };
    return typeof query === "function" && executeQuery === undefined && !isOfMahout(value);
  }

  protected override async query(
    on: PgClient,
    text: string,
    values: Values,
  ): Promise<readonly AnyRow[]> {
    const { rows } = await on.query(text, [...values]);
    return rows as AnyRow[];
  }

  protected override conninfoOf(pool: PgClient): Conninfo | null {
    return conninfoOfPg((pool as { options?: unknown }).options);
  }
}

/** mahout's connections have a query(), too, and their own connector. */
function isOfMahout(value: object): boolean {
  return "executeMany" in value || "putConn" in value;
}

/** What the options of a pool of node-postgres mean; null when they can't be said in libpq's words. */
export function conninfoOfPg(options: unknown): Conninfo | null {
  if (typeof options === "string") return options;
  if (typeof options !== "object" || options === null) return null;
  const { connectionString, host, port, user, password, database, ssl } = options as Readonly<
    Record<string, unknown>
  >;
  // Certificates as text, and passwords that are asked for, have no keyword.
  const isPlain =
    (ssl === undefined || ssl === false) && typeof password !== "function" && !Array.isArray(host);
  if (!isPlain) return null;
  if (typeof connectionString === "string") return connectionString;
  const given = { host, port, user, password, dbname: database };
  const said = Object.entries(given).filter(
    ([, value]) => typeof value === "string" || typeof value === "number",
  );
  // node-postgres never means a Unix socket by saying nothing.
  const local = process.env["PGHOST"] === undefined ? { host: "localhost" } : {};
  return { ...local, ...(Object.fromEntries(said) as ConninfoObject) };
}
