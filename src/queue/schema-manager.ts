/**
 * Brings the schema of a storage to the version that this package works with.
 *
 * All of it is one statement, which looks at what is there under an advisory lock: it can be executed at any time, by any number of processes at once, beside
 * workers that run. Nothing is changed when there is nothing to do.
 */
import { quoteLiteral } from "../sql/literal.ts";
import type { Connector } from "./connector.ts";
import { SchemaError } from "./errors.ts";
import type { SqlStorage } from "./statement.ts";

/** Applies and checks the schema of a connector's storage. */
export class SchemaManager {
  readonly #connector: () => Connector;

  /** Takes the connector, or what gives it at any time. */
  constructor(connector: Connector | (() => Connector)) {
    this.#connector = typeof connector === "function" ? connector : () => connector;
  }

  /** The version that is needed; null for a storage that needs no schema. */
  get version(): number | null {
    return this.#connector().storage?.version ?? null;
  }

  /** The SQL that {@link apply} executes, for those who execute it in their own way. */
  getSchema(): string {
    const { storage } = this.#connector();
    return storage === null ? "" : scriptOf(storage);
  }

  /**
   * Brings the schema to the version that is needed. With that version there already it does nothing.
   *
   * @throws SchemaError when the schema is of a newer version; ConnectorException when the database refuses.
   */
  async apply(): Promise<void> {
    const connector = this.#connector();
    const { storage } = connector;
    if (storage === null) return;
    const installed = await connector.run("schemaVersion", {});
    if (installed === storage.version) return;
    refuseNewer(storage, installed);
    await connector.executeScript(scriptOf(storage));
  }

  /** The same, blocking. */
  applySync(): void {
    const connector = this.#connector().getSyncConnector();
    const { storage } = connector;
    if (storage === null) return;
    const installed = connector.runSync("schemaVersion", {});
    if (installed === storage.version) return;
    refuseNewer(storage, installed);
    connector.executeScriptSync(scriptOf(storage));
  }

  /** The version that is there; null when there is none. */
  async installedVersion(): Promise<number | null> {
    return await this.#connector().run("schemaVersion", {});
  }

  /** The same, blocking. */
  installedVersionSync(): number | null {
    return this.#connector().getSyncConnector().runSync("schemaVersion", {});
  }

  /**
   * Does nothing when the schema can be worked with. A newer version can: migrations only add.
   *
   * @throws SchemaError when it is missing or too old, saying what to do.
   */
  async check(): Promise<void> {
    const { storage } = this.#connector();
    if (storage !== null) refuseOlder(storage, await this.installedVersion());
  }

  /** The same, blocking. */
  checkSync(): void {
    const { storage } = this.#connector();
    if (storage !== null) refuseOlder(storage, this.installedVersionSync());
  }
}

function refuseNewer(storage: SqlStorage, installed: number | null): void {
  if (installed === null || installed <= storage.version) return;
  throw new SchemaError(
    `${storage.name} has version ${installed}, which is newer than version ${storage.version} of this package: upgrade the package`,
  );
}

function refuseOlder(storage: SqlStorage, installed: number | null): void {
  if (installed !== null && installed >= storage.version) return;
  const found = installed === null ? "is missing" : `has version ${installed}`;
  throw new SchemaError(
    `${storage.name} ${found}, and version ${storage.version} is needed; \`await app.schemaManager.apply()\` or \`mahout schema --apply\` brings it there`,
  );
}

/** One statement that does what is missing. */
function scriptOf(storage: SqlStorage): string {
  const { schema } = storage;
  const versions = `${schema}.version`;
  const steps = storage.migrations.map(
    ({ version, name, sql }) => `
  IF installed < ${version} THEN
    EXECUTE ${quoteLiteral(sql)};
    INSERT INTO ${versions} (version, name) VALUES (${version}, ${quoteLiteral(name)});
  END IF;`,
  );
  const body = `
DECLARE
  installed integer;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended(${quoteLiteral(`mahout: ${versions}`)}, 0));
  IF to_regnamespace(${quoteLiteral(schema)}) IS NULL THEN
    CREATE SCHEMA ${schema};
  END IF;
  IF to_regclass(${quoteLiteral(versions)}) IS NULL THEN
    CREATE TABLE ${versions} (
      version integer PRIMARY KEY,
      name text NOT NULL,
      applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
    );
  END IF;
  SELECT coalesce(max(version), 0) INTO installed FROM ${versions};${steps.join("")}
END`;
  return `DO ${quoteLiteral(body)}`;
}
