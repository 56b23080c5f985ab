// Every connector, opened on a schema of its own, behind one face: so one test body says what all of them have to do.

import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { drizzle } from "drizzle-orm/node-postgres";
import knex from "knex";
import { Kysely, PostgresDialect } from "kysely";
import { Pool } from "pg";
import { type AsyncConnection, connect, Connection } from "../../src/index.ts";
import type { Connector } from "../../src/queue/connector.ts";
import {
  DrizzleConnector,
  InMemoryConnector,
  type Input,
  KnexConnector,
  KyselyConnector,
  MahoutConnector,
  type OperationName,
  type Output,
  PgConnector,
  SchemaManager,
  SyncMahoutConnector,
} from "../../src/queue/index.ts";
import { defaultServer } from "../support/default-server.ts";

/** How a test says that a transaction is not to be committed. */
export class Rollback extends Error {}

/** A connector that is open. */
export interface Opened {
  readonly connector: Connector;
  readonly schema: string;
  /** Carries out an operation, waiting as the connector does. */
  run<Name extends OperationName>(
    name: Name,
    input: Input<Name>,
    connection?: unknown,
  ): Promise<Output<Name>>;
  /** Runs within a transaction of the caller's, which is rolled back when a Rollback is thrown. */
  transaction: ((use: (connection: unknown) => Promise<void>) => Promise<void>) | null;
  close(): Promise<void>;
}

/** How a kind of connector is made and opened. */
export interface Kind {
  readonly name: string;
  /** Whether it can do anything else than wait. */
  readonly isSync: boolean;
  /** Whether its jobs are in a database. */
  readonly isStored: boolean;
  /** One that isn't open, and what it is opened with. */
  make(schema: string): { readonly connector: Connector; readonly engine: Engine | null };
}

/** What a connector works with that isn't its own. */
export interface Engine {
  readonly value: unknown;
  transaction(use: (connection: unknown) => Promise<void>): Promise<void>;
  end(): Promise<unknown>;
}

const text = (): string => defaultServer().dsn();

function pgPool(): Pool {
  return new Pool({ connectionString: text(), max: 4 });
}

const kyselyEngine = (): Engine => {
  const value = new Kysely<Record<string, never>>({
    dialect: new PostgresDialect({ pool: pgPool() }),
  });
  return {
    value,
    transaction: (use) => value.transaction().execute(use),
    end: () => value.destroy(),
  };
};

const knexEngine = (): Engine => {
  const value = knex({ client: "pg", connection: text(), pool: { min: 0, max: 4 } });
  return { value, transaction: (use) => value.transaction(use), end: () => value.destroy() };
};

const drizzleEngine = (): Engine => {
  const pool = pgPool();
  const value = drizzle(pool);
  return { value, transaction: (use) => value.transaction(use), end: () => pool.end() };
};

const pgEngine = (): Engine => {
  const value = pgPool();
  const transaction = async (use: (connection: unknown) => Promise<void>): Promise<void> => {
    const client = await value.connect();
    try {
      await client.query("begin");
      await use(client);
      await client.query("commit");
    } catch (error) {
      await client.query("rollback");
      throw error;
    } finally {
      client.release();
    }
  };
  return { value, transaction, end: () => value.end() };
};

/** mahout's own connectors make their connections themselves; only transactions are the caller's. */
function transactionOf(
  open: () => Promise<AsyncConnection>,
): (use: (connection: unknown) => Promise<void>) => Promise<void> {
  return async (use) => {
    await using conn = await open();
    await conn.execute("begin");
    try {
      await use(conn);
      await conn.execute("commit");
    } catch (error) {
      await conn.execute("rollback");
      throw error;
    }
  };
}

const asyncTransaction = transactionOf(() => connect(text()));
const blockingTransaction = transactionOf(() =>
  Promise.resolve(Connection.connect(text()) as unknown as AsyncConnection),
);

/** All kinds, to be given to `describe.each`. */
export const kinds: readonly Kind[] = [
  {
    name: "InMemoryConnector",
    isSync: false,
    isStored: false,
    make: () => ({ connector: new InMemoryConnector(), engine: null }),
  },
  {
    name: "InMemoryConnector, blocking",
    isSync: true,
    isStored: false,
    make: () => ({ connector: new InMemoryConnector(), engine: null }),
  },
  {
    name: "MahoutConnector",
    isSync: false,
    isStored: true,
    make: (schema) => ({ connector: new MahoutConnector(text(), { schema }), engine: null }),
  },
  {
    name: "SyncMahoutConnector",
    isSync: true,
    isStored: true,
    make: (schema) => ({ connector: new SyncMahoutConnector(text(), { schema }), engine: null }),
  },
  {
    name: "PgConnector",
    isSync: false,
    isStored: true,
    make: (schema) => ({ connector: new PgConnector(undefined, { schema }), engine: pgEngine() }),
  },
  {
    name: "KyselyConnector",
    isSync: false,
    isStored: true,
    make: (schema) => ({
      connector: new KyselyConnector({ schema, conninfo: text() }),
      engine: kyselyEngine(),
    }),
  },
  {
    name: "KnexConnector",
    isSync: false,
    isStored: true,
    make: (schema) => ({ connector: new KnexConnector({ schema }), engine: knexEngine() }),
  },
  {
    name: "DrizzleConnector",
    isSync: false,
    isStored: true,
    make: (schema) => ({ connector: new DrizzleConnector({ schema }), engine: drizzleEngine() }),
  },
];

/** A name that no other test has. */
export function newName(what: string): string {
  return `${what}_${randomBytes(6).toString("hex")}`;
}

/** Opens a connector of a kind on a new schema, which goes when it is closed. */
export async function openKind({ make, isSync, isStored }: Kind): Promise<Opened> {
  const schema = newName("queue");
  const { connector, engine } = make(schema);
  const manager = new SchemaManager(connector);
  if (isSync) connector.openSync(engine?.value);
  else await connector.open(engine?.value);
  if (isSync) manager.applySync();
  else await manager.apply();
  const own = isSync ? blockingTransaction : asyncTransaction;
  return {
    connector,
    schema,
    run: async (name, input, connection) =>
      isSync
        ? connector.runSync(name, input, { connection })
        : await connector.run(name, input, { connection }),
    transaction: isStored ? (engine?.transaction.bind(engine) ?? own) : null,
    close: async () => {
      connector.closeSync();
      await connector.close();
      await engine?.end();
      if (isStored) await dropSchema(schema);
    },
  };
}

/** Removes a schema of a test. */
export async function dropSchema(schema: string): Promise<void> {
  await using conn = await connect(text());
  await conn.execute("set client_min_messages = warning");
  await conn.execute(`drop schema if exists "${schema}" cascade`);
}

/** Waits until a check passes: until it throws no more. */
export async function passing(check: () => unknown): Promise<void> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    try {
      await check();
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
    await sleep(5);
  }
}
