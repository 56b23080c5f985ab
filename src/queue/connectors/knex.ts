/**
 * The connector for programs that use Knex: it shares its pool, and its open transactions.
 *
 * Statements go to the connection itself, which Knex lends: so nothing renames columns, takes question marks for parameters, or
 * writes values into messages of errors.
 */
import type { Conninfo } from "../../conninfo/dict.ts";
import type { AnyRow } from "../statement.ts";
import type { ForeignOptions, Values } from "./foreign.ts";
import { ForeignConnector } from "./foreign.ts";
import type { PgClient } from "./pg.ts";
import { conninfoOfPg } from "./pg.ts";

/** A Knex, or one of its transactions. */
export interface KnexEngine {
  readonly client: unknown;
  raw(text: string): unknown;
}

interface KnexClient {
  acquireConnection(): Promise<PgClient>;
  releaseConnection(connection: PgClient): Promise<unknown>;
  readonly config?: { readonly connection?: unknown };
}

/** Stores jobs through a Knex. */
export class KnexConnector extends ForeignConnector<KnexEngine> {
  protected override get kind(): string {
    return "a Knex for PostgreSQL";
  }

  /** Makes a connector, which is opened with `app.open(knex)`. */
  constructor(options: ForeignOptions = {}) {
    super(undefined, options);
  }

  protected override isEngine(value: object): value is KnexEngine {
    const { client, raw } = value as Partial<KnexEngine>;
    const { acquireConnection } = (client ?? {}) as Partial<KnexClient>;
    return typeof raw === "function" && typeof acquireConnection === "function";
  }

  protected override async query(
    on: KnexEngine,
    text: string,
    values: Values,
  ): Promise<readonly AnyRow[]> {
    const { isCompleted } = on as { isCompleted?: () => boolean };
    if (isCompleted?.call(on) === true) throw new Error("the transaction has been completed");
    const client = on.client as KnexClient;
    const connection = await client.acquireConnection();
    try {
      const { rows } = await connection.query(text, [...values]);
      return rows as AnyRow[];
    } finally {
      await client.releaseConnection(connection);
    }
  }

  protected override conninfoOf({ client }: KnexEngine): Conninfo | null {
    return conninfoOfPg((client as KnexClient).config?.connection);
  }
}
