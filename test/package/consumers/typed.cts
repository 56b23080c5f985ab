// The same as typed.mts, as a CommonJS module.

import { type AsyncConnection, connect, Connection } from "mahout";

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

// @ts-expect-error: a connection string is no number
void connect(5);
