/**
 * The connector for programs that use Drizzle: it shares its driver's pool, and its open transactions.
 */
import type { Conninfo } from "../../conninfo/dict.ts";
import type { AnyRow } from "../statement.ts";
import type { ForeignOptions, Values } from "./foreign.ts";
import { ForeignConnector } from "./foreign.ts";
import { conninfoOfPg } from "./pg.ts";

/** A database of Drizzle's for PostgreSQL, or one of its transactions. */
export interface DrizzleEngine {
  execute(query: never): PromiseLike<unknown>;
  transaction(run: never): Promise<unknown>;
}

/** What Drizzle asks of a query: its SQL, and of that the text with its values. */
interface DrizzleQuery {
  getSQL(): DrizzleQuery;
  toQuery(): { readonly sql: string; readonly params: unknown[] };
}

/** Stores jobs through a database of Drizzle's. */
export class DrizzleConnector extends ForeignConnector<DrizzleEngine> {
  protected override get kind(): string {
    return "a database of Drizzle's for PostgreSQL";
  }

  /** Makes a connector, which is opened with `app.open(db)`. */
  constructor(options: ForeignOptions = {}) {
    super(undefined, options);
  }

  protected override isEngine(value: object): value is DrizzleEngine {
    const { execute, transaction } = value as Partial<DrizzleEngine>;
    return typeof execute === "function" && typeof transaction === "function";
  }

  protected override async query(
    on: DrizzleEngine,
    text: string,
    values: Values,
  ): Promise<readonly AnyRow[]> {
    const query: DrizzleQuery = {
      getSQL: () => query,
      toQuery: () => ({ sql: text, params: [...values] }),
    };
    const database = on as unknown as { execute(query: DrizzleQuery): PromiseLike<unknown> };
    const result = await database.execute(query);
    // Some drivers give the rows themselves, others an object with them.
    const rows = Array.isArray(result) ? result : (result as { rows: unknown[] }).rows;
    return rows as AnyRow[];
  }

  protected override conninfoOf(db: DrizzleEngine): Conninfo | null {
    const { $client } = db as { $client?: { readonly options?: unknown } };
    return conninfoOfPg($client?.options);
  }
}
