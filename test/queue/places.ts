// Where jobs can be, for tests that hold in all of them: in memory, and in a schema of its own on the shared server.

import { randomBytes } from "node:crypto";
import { afterEach, beforeEach } from "@jest/globals";
import { App } from "../../src/queue/app.ts";
import { InMemoryConnector } from "../../src/queue/connectors/in-memory.ts";
import { MahoutConnector } from "../../src/queue/connectors/mahout.ts";
import { SchemaManager } from "../../src/queue/schema-manager.ts";
import { defaultServer } from "../support/default-server.ts";
import { administer } from "../support/shells.ts";

/** An app with an empty storage. */
export interface Place {
  readonly app: App;
  /** The schema of its tables; empty when there are none. */
  readonly schema: string;
  /** Closes the app, and removes what it stored. */
  leave(): Promise<void>;
}

/** The kinds of places, to be given to `describe.each`. */
export const places: readonly { readonly name: string; readonly enter: () => Promise<Place> }[] = [
  { name: "in memory", enter: inMemory },
  { name: "in PostgreSQL", enter: inSchema },
];

/** Enters a place before each test of the block that calls it, and leaves it afterwards. */
export function inEachTest(enter: () => Promise<Place>, entered: (place: Place) => void): void {
  let place: Place;
  beforeEach(async () => {
    place = await enter();
    entered(place);
  });
  afterEach(async () => {
    await place.leave();
  });
}

async function inMemory(): Promise<Place> {
  const app = await new App({ connector: new InMemoryConnector() }).open();
  return { app, schema: "", leave: () => app.close() };
}

/** An app with its own schema on the shared server. */
export async function inSchema(): Promise<Place> {
  const schema = `queue_${randomBytes(6).toString("hex")}`;
  const connector = new MahoutConnector(defaultServer().conninfo(), { schema });
  const app = await new App({ connector }).open();
  await new SchemaManager(connector).apply();
  const leave = async (): Promise<void> => {
    await app.close();
    await administer(`drop schema ${schema} cascade`);
  };
  return { app, schema, leave };
}
