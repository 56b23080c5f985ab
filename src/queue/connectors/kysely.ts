/**
 * The connector for programs that use Kysely: it shares its pool, and its open transactions.
 */
import type { AnyRow } from "../statement.ts";
import type { ForeignOptions, Values } from "./foreign.ts";
import { ForeignConnector } from "./foreign.ts";

/** A Kysely, or one of its transactions. */
export interface KyselyEngine {
  executeQuery(query: never): Promise<{ readonly rows: unknown[] }>;
  withoutPlugins(): unknown;
}

/** A query as Kysely has it when it is compiled. */
interface CompiledQuery {
  readonly sql: string;
  readonly parameters: readonly unknown[];
  readonly query: object;
  readonly queryId: { readonly queryId: string };
}

/** Stores jobs through a Kysely. */
export class KyselyConnector extends ForeignConnector<KyselyEngine> {
  protected override get kind(): string {
    return "a Kysely";
  }
  #count = 0;

  /** Makes a connector, which is opened with `app.open(kysely)`. */
  constructor(options: ForeignOptions = {}) {
    super(undefined, options);
  }

  protected override isEngine(value: object): value is KyselyEngine {
    const { executeQuery, withoutPlugins } = value as Partial<KyselyEngine>;
    return typeof executeQuery === "function" && typeof withoutPlugins === "function";
  }

  protected override async query(
    on: KyselyEngine,
    text: string,
    values: Values,
  ): Promise<readonly AnyRow[]> {
    // Plugins may rename columns.
    const plain = on.withoutPlugins() as {
      executeQuery(query: CompiledQuery): Promise<{ readonly rows: unknown[] }>;
    };
    const { rows } = await plain.executeQuery({
      sql: text,
      parameters: values,
      query: { kind: "RawNode", sqlFragments: [text], parameters: [] },
      queryId: { queryId: `mahout-${++this.#count}` },
    });
    return rows as AnyRow[];
  }
}
