// A contract that the compiler checks: what blocks give, and which types rows have inside of them. Nothing here is
// run.

import {
  type AsyncConnection,
  type AsyncCursor,
  type AsyncPipeline,
  type AsyncTransaction,
  type Connection,
  type Cursor,
  type IsolationLevel,
  type Pipeline,
  scalarRow,
  type Transaction,
  type TransactionState,
} from "../../src/index.ts";
import { has } from "./has.ts";

interface User {
  readonly id: number;
}

const text = "select 1";

export async function inTheAsyncShell(conn: AsyncConnection): Promise<void> {
  // A transaction gives what its function gives, promised or not.
  has<User[]>()(await conn.transaction(async (tx) => tx.query<User>(text)));
  has<User[]>()(await conn.transaction((tx) => tx.query<User>(text)));
  has<number>()(await conn.transaction(() => 1));
  has<void>()(await conn.transaction(async () => {}));
  has<AsyncTransaction>()(await conn.transaction());
  has<AsyncTransaction>()(await conn.transaction({ savepointName: "here" }));

  // What it is given, and its rows.
  await conn.transaction(async (tx) => {
    has<AsyncTransaction>()(tx);
    has<TransactionState>()(tx.status);
    has<string | null>()(tx.savepointName);
    has<AsyncCursor<User>>()(await tx.execute<User>(text));
    has<number[]>()(await tx.query(text, [], { rowFactory: scalarRow<number> }));
    has<bigint>()(await tx.transaction(async (inner) => has<AsyncTransaction>()(inner) && 1n));
  });

  // Each statement of a pipeline has its own type.
  const both = await conn.pipeline((p) =>
    Promise.all([
      p.query<User>(text),
      p.query(text, [], { rowFactory: scalarRow<bigint> }),
      p.execute<User>(text),
    ]),
  );
  has<[User[], bigint[], AsyncCursor<User>]>()(both);
  has<AsyncPipeline>()(await conn.pipeline());
  has<void>()(await conn.pipeline(async (p) => p.sync({ timeout: 100 })));
  has<User[]>()(await conn.pipeline(() => conn.transaction((tx) => tx.query<User>(text))));

  // Settings.
  has<boolean>()(conn.autocommit);
  has<IsolationLevel | null>()(conn.isolationLevel);
  conn.isolationLevel = "serializable";
  conn.readOnly = null;
  await conn.transaction(async () => {}, { isolationLevel: "repeatable read", retry: 3 });
  await conn.transaction(async () => {}, { retry: { limit: 3, maxDelay: 100 } });

  // @ts-expect-error -- there is no such level
  conn.isolationLevel = "snapshot";
  // @ts-expect-error -- nor an option of that name
  await conn.transaction(async () => {}, { isolation: "serializable" });
  // @ts-expect-error -- a policy has a limit
  await conn.transaction(async () => {}, { retry: { maxDelay: 100 } });
  // @ts-expect-error -- rows of a type argument can't be made by a factory of others
  await conn.transaction((tx) => tx.query<User>(text, [], { rowFactory: scalarRow<bigint> }));
  // @ts-expect-error -- a pipeline is a mode, its options are limits
  await conn.pipeline({ isolationLevel: "serializable" });
}

export function inTheBlockingShell(conn: Connection): void {
  has<User[]>()(conn.transaction((tx) => tx.query<User>(text)));
  has<Transaction>()(conn.transaction());
  has<Pipeline>()(conn.pipeline());
  conn.transaction((tx) => {
    has<Transaction>()(tx);
    has<Cursor<User>>()(tx.execute<User>(text));
  });
  const both = conn.pipeline((p): [User[], Cursor<User>] => [
    has<User[]>()(p.query<User>(text)),
    has<Cursor<User>>()(p.execute<User>(text)),
  ]);
  has<[User[], Cursor<User>]>()(both);

  // @ts-expect-error -- nobody could abort it: the thread sleeps
  conn.transaction(() => 1, { signal: AbortSignal.timeout(5) });
}
