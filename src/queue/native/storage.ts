/**
 * The native schema as a storage: its statements, its migrations, what it tells, and what its errors mean.
 */
import { quoteIdentifier } from "../../sql/identifier.ts";
import { AlreadyEnqueued, SchemaError } from "../errors.ts";
import type { Input, OperationName, Output, Wake } from "../operations.ts";
import type { Bulk, Migration, SqlStorage, Statement } from "../statement.ts";
import { MIGRATIONS } from "./migrations.ts";
import { COPY, readReserved, RESERVE, STATEMENTS } from "./statements.ts";
import { rendered } from "./template.ts";

/** The schema's name when nothing else is said. */
const DEFAULT_SCHEMA = "mahout";

/** Undefined table, schema, function and column. */
const MISSING = new Set(["42P01", "3F000", "42883", "42703"]);

/** Jobs in tables of mahout's own. */
export class NativeStorage implements SqlStorage {
  readonly name: string;
  readonly schema: string;
  readonly channel: string;
  readonly version: number;
  readonly migrations: readonly Migration[];
  readonly bulk: Bulk;
  readonly #schema: string;
  /** Texts by their templates: few, and asked for all the time. */
  readonly #texts = new Map<string, string>();

  /**
   * Takes the schema's name, "mahout" by default.
   *
   * @throws ProgrammingError for what can't be a name.
   */
  constructor(schema: string = DEFAULT_SCHEMA) {
    this.#schema = schema;
    this.name = `the schema ${JSON.stringify(schema)}`;
    this.schema = quoteIdentifier(schema);
    this.channel = schema;
    this.migrations = MIGRATIONS.map((migration) => ({
      ...migration,
      sql: rendered(migration.sql, schema),
    }));
    this.bulk = {
      reserve: rendered(RESERVE, schema),
      copy: rendered(COPY, schema),
      readReserved,
    };
    this.version = MIGRATIONS.length;
  }

  statement<Name extends OperationName>(name: Name, input: Input<Name>): Statement<Output<Name>> {
    const statement = STATEMENTS[name](input);
    return { ...statement, text: this.#rendered(statement.text) };
  }

  #rendered(template: string): string {
    let text = this.#texts.get(template);
    if (text === undefined) {
      text = rendered(template, this.#schema);
      this.#texts.set(template, text);
    }
    return text;
  }

  readWake(payload: string): Wake | null {
    let told: Readonly<Record<string, unknown>>;
    try {
      told = JSON.parse(payload) as typeof told;
    } catch {
      return null;
    }
    const queues = told["queues"] as readonly string[];
    if (told["type"] === "ready") return { type: "ready", queues };
    if (told["type"] === "abort") return { type: "abort", jobIds: told["jobs"] as number[] };
    if (told["type"] !== "due") return null;
    // It was told with the commit, which may have come long after "in" was true. Clocks may differ: the sooner counts.
    const wait = Math.min(told["in"] as number, (told["at"] as number) - Date.now());
    return { type: "due", queues, in: Math.max(0, wait) };
  }

  translate(error: unknown, _name: OperationName): unknown {
    const { code, constraint, detail, diag } = error as ServerError;
    if (code === "23505" && (constraint ?? diag?.constraintName) === "jobs_queueing_lock") {
      const given = /=\((.*)\)/s.exec(detail ?? diag?.messageDetail ?? "")?.[1];
      const lock = given === undefined ? "this queueing lock" : `the queueing lock "${given}"`;
      return new AlreadyEnqueued(`a job with ${lock} is waiting already`, { cause: error });
    }
    if (code === undefined || !MISSING.has(code)) return error;
    return new SchemaError(
      `${this.name} is missing, or not of version ${this.version}; \`await app.schemaManager.apply()\` or \`mahout schema --apply\` brings it there`,
      { cause: error },
    );
  }
}

/** What the errors of different drivers say. */
interface ServerError {
  readonly code?: string;
  readonly constraint?: string;
  readonly detail?: string;
  readonly diag?: { readonly constraintName: string | null; readonly messageDetail: string | null };
}
