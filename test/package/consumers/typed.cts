// The same as typed.mts, as a CommonJS module.

import { type AsyncConnection, connect, Connection } from "mahout";
import { App, InMemoryConnector, type JobContext } from "mahout/queue";

export async function count(dsn: string): Promise<number> {
  const connection: AsyncConnection = await connect(dsn);
  try {
    const rows = await connection.query("select 1 as one");
    return rows.length;
  } finally {
    await connection.close();
  }
}

export function countBlocking(dsn: string): number {
  const connection: Connection = Connection.connect(dsn);
  try {
    return connection.query("select 1 as one").length;
  } finally {
    connection.close();
  }
}

export async function work(): Promise<number> {
  const app = new App({ connector: new InMemoryConnector() });
  const add = app.task({ name: "add" }, ({ a, b }: { a: number; b: number }) => a + b);
  const later = app.task(
    { name: "later", passContext: true },
    (context: JobContext) => context.job,
  );
  await later.defer();
  // @ts-expect-error: it has no b
  await add.defer({ a: 1 });
  return await add.configure({ payload: { a: 1 } }).defer({ b: add({ a: 1, b: 2 }) });
}

// @ts-expect-error: a connection string is no number
void connect(5);
