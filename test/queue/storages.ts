// Schemas of the queue for tests, in the shared server: each in a fresh schema with a name that has to be quoted, dropped at the end.

import { randomBytes } from "node:crypto";
import { afterAll } from "@jest/globals";
import type { Connector, RunOptions } from "../../src/queue/connector.ts";
import type { ConnectorOptions } from "../../src/queue/connectors/arguments.ts";
import { MahoutConnector } from "../../src/queue/connectors/mahout.ts";
import { SyncMahoutConnector } from "../../src/queue/connectors/sync-mahout.ts";
import type { ClaimedJob, NewJob, Outcome } from "../../src/queue/job.ts";
import type { Exchanged, Input, OperationName, Output } from "../../src/queue/operations.ts";
import { SchemaManager } from "../../src/queue/schema-manager.ts";
import { connect, Connection } from "../../src/index.ts";
import { quoteIdentifier } from "../../src/sql/identifier.ts";
import type { Conninfo } from "../support/address.ts";
import { defaultServer } from "../support/default-server.ts";
import { administer } from "../support/shells.ts";
import { newJob } from "./new-job.ts";

/** A connector of one kind, behind the face of the asynchronous one: operations can be awaited. */
export interface Face {
  readonly name: "async" | "sync";
  /** Makes a connector of this kind, open. */
  open(options: Conninfo & ConnectorOptions): Promise<Connector>;
  run<Name extends OperationName>(
    connector: Connector,
    name: Name,
    input: Input<Name>,
    options?: RunOptions,
  ): Promise<Output<Name>>;
  /** Connects as the connector's `connection` has to be. */
  connect(): Promise<Caller>;
}

/** A connection of the caller's, of either kind. */
export interface Caller {
  execute(text: string): unknown;
  close(): unknown;
}

/** Both kinds. */
export const faces: readonly Face[] = [
  {
    name: "async",
    open: async (options) => {
      const connector = new MahoutConnector(options);
      await connector.open();
      return connector;
    },
    run: (connector, name, input, options) => connector.run(name, input, options),
    connect: () => connect(defaultServer().conninfo()),
  },
  {
    name: "sync",
    open: async (options) => {
      const connector = new SyncMahoutConnector(options);
      connector.openSync();
      return connector;
    },
    // eslint-disable-next-line typescript/require-await -- what it throws is to be a rejection
    run: async (connector, name, input, options) => connector.runSync(name, input, options),
    connect: async () => Connection.connect(defaultServer().conninfo()),
  },
];

const schemas: string[] = [];
const connectors: Connector[] = [];

afterAll(async () => {
  await Promise.all(connectors.map((connector) => connector.close()));
  for (const schema of schemas) {
    await administer(`drop schema if exists ${quoteIdentifier(schema)} cascade`);
  }
});

/** A name for a schema that will be dropped. */
export function schemaName(): string {
  const schema = `queue "of" ${randomBytes(4).toString("hex")}`;
  schemas.push(schema);
  return schema;
}

/** A queue in a schema of its own. */
export class TestQueue {
  readonly schema: string;
  readonly face: Face;
  readonly connector: Connector;

  constructor(face: Face, connector: Connector, schema: string) {
    this.face = face;
    this.connector = connector;
    this.schema = schema;
  }

  static async make(face: Face = faces[0]!, schema: string = schemaName()): Promise<TestQueue> {
    const queue = await TestQueue.at(schema, face);
    await face.run(queue.connector, "schemaVersion", {});
    const manager = new SchemaManager(queue.connector);
    if (face.name === "async") await manager.apply();
    else manager.applySync();
    return queue;
  }

  /** Another one in the same schema, with connections of its own. */
  static async at(schema: string, face: Face = faces[0]!): Promise<TestQueue> {
    const connector = await face.open({ ...defaultServer().conninfo(), schema, maxSize: 2 });
    connectors.push(connector);
    return new TestQueue(face, connector, schema);
  }

  run<Name extends OperationName>(
    name: Name,
    input: Input<Name>,
    options?: RunOptions,
  ): Promise<Output<Name>> {
    return this.face.run(this.connector, name, input, options);
  }

  /** Stores jobs that are as by default but for what is said. */
  async defer(...jobs: readonly Partial<NewJob>[]): Promise<number[]> {
    const input = { jobs: jobs.map(newJob), skipTaken: false };
    return (await this.run("deferJobs", input)) as number[];
  }

  async worker(stalledAfter: number = 60_000): Promise<number> {
    return await this.run("registerWorker", { name: "tester", stalledAfter });
  }

  async exchange(
    workerId: number,
    claim: number,
    outcomes: readonly Outcome[] = [],
    queues: readonly string[] | null = null,
  ): Promise<Exchanged> {
    return await this.run("exchange", { workerId, claim, outcomes, queues });
  }

  /** The name of a table, as SQL writes it. */
  table(name: string): string {
    return `${quoteIdentifier(this.schema)}.${name}`;
  }

  /** Runs SQL where `{name}` stands for a table. */
  async sql(text: string): Promise<string[][]> {
    return await administer(text.replaceAll(/\{(\w+)\}/g, (_, name: string) => this.table(name)));
  }
}

/** The outcome of jobs that went well. */
export function succeeded(jobs: readonly ClaimedJob[], remove: boolean = false): Outcome[] {
  return jobs.map(({ id, lease }) => ({ kind: "succeeded", id, lease, remove, error: null }));
}
