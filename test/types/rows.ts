// A contract that the compiler checks: which types rows have, from a type argument, from a row factory, from the
// cursor, the connection, or by default. Nothing here is run.

import {
  argsRow,
  type AsyncClientCursor,
  type AsyncConnection,
  type AsyncCursor,
  type AsyncServerCursor,
  classRow,
  type Composed,
  connect,
  type ClientCursor,
  Connection,
  type Cursor,
  type DictRow,
  dictRow,
  kwargsRow,
  type RowFactory,
  scalarRow,
  sql,
  tupleRow,
  type TupleRow,
} from "../../src/index.ts";
import { has } from "./has.ts";

class User {
  readonly id: number;

  constructor({ id }: DictRow) {
    this.id = id as number;
  }
}

interface Account {
  readonly id: number;
}

class Sum {
  readonly sum: number;

  constructor(a: number, b: number) {
    this.sum = a + b;
  }
}

const text = "select 1";

export async function inTheAsyncShell(conn: AsyncConnection): Promise<void> {
  // By default.
  has<AsyncCursor<DictRow>>()(await conn.execute(text));
  has<DictRow[]>()(await conn.query(text));
  has<DictRow | undefined>()(await (await conn.execute(text)).fetchOne());
  for await (const row of await conn.execute(text)) has<DictRow>()(row);

  // From a type argument.
  const users = await conn.execute<User>(text);
  has<AsyncCursor<User>>()(users);
  has<User | undefined>()(await users.fetchOne());
  has<User[]>()(await users.fetchMany(2));
  has<User[]>()(await users.fetchAll());
  for await (const user of users) has<User>()(user);
  for await (const cur of users.results()) has<AsyncCursor<User>>()(cur);
  has<User[]>()(await conn.query<User>(text));

  // From a row factory.
  has<User[]>()(await conn.query(text, [], { rowFactory: classRow(User) }));
  has<TupleRow[]>()(await conn.query(text, [], { rowFactory: tupleRow }));
  has<DictRow[]>()(await conn.query(text, [], { rowFactory: dictRow }));
  has<string[]>()(await conn.query(text, [], { rowFactory: argsRow((a: number) => `${a}`) }));
  has<boolean[]>()(await conn.query(text, [], { rowFactory: kwargsRow((row) => "id" in row) }));
  has<number[]>()(await conn.query(text, [], { rowFactory: scalarRow<number> }));
  has<AsyncCursor<User>>()(await conn.execute(text, [], { rowFactory: classRow(User) }));

  // From both: the type argument says what the factory's rows hold.
  has<Account[]>()(await conn.query<Account>(text, [], { rowFactory: dictRow }));
  has<[number, string][]>()(await conn.query<[number, string]>(text, [], { rowFactory: tupleRow }));
  has<[number, string][]>()(await conn.query(text, [], { rowFactory: tupleRow<[number, string]> }));
  has<bigint[]>()(await conn.query<bigint>(text, [], { rowFactory: scalarRow }));
  has<AsyncCursor<bigint>>()(await conn.execute<bigint>(text, [], { rowFactory: scalarRow }));
  has<unknown[]>()(await conn.query(text, [], { rowFactory: scalarRow }));
  has<number[]>()(await conn.query(text, [], { rowFactory: kwargsRow((row: Account) => row.id) }));
  has<AsyncCursor<[number]>>()(conn.cursor<[number]>({ rowFactory: tupleRow }));
  has<AsyncClientCursor<[number]>>()(
    conn.cursor<[number]>({ binding: "client", rowFactory: tupleRow }),
  );
  has<AsyncClientCursor<DictRow>>()(conn.cursor({ binding: "client" }));
  has<AsyncCursor<DictRow>>()(conn.cursor({ duplicateColumns: "error" }));
  for await (const row of conn.cursor().stream<[number]>(text, [], { rowFactory: tupleRow }))
    has<[number]>()(row);
  for await (const row of conn.cursor().stream(text, [], { rowFactory: tupleRow }))
    has<TupleRow>()(row);

  // From a cursor.
  const cursor = conn.cursor({ rowFactory: classRow(User) });
  has<AsyncCursor<User>>()(cursor);
  has<AsyncCursor<User>>()(await cursor.execute(text));
  has<User | undefined>()(await cursor.fetchOne());
  has<AsyncCursor<DictRow>>()(conn.cursor());

  // From the connection.
  const scalars = await connect("", { rowFactory: scalarRow<bigint> });
  has<AsyncConnection<bigint>>()(scalars);
  has<bigint[]>()(await scalars.query(text));
  has<AsyncCursor<bigint>>()(scalars.cursor());
  has<AsyncCursor<bigint>>()(await scalars.execute(text));
  has<User[]>()(await scalars.query<User>(text));
  const tuples = await connect("", { rowFactory: tupleRow<[number, string]> });
  has<AsyncConnection<[number, string]>>()(tuples);
  has<[number, string] | undefined>()(await tuples.cursor().fetchOne());
  has<AsyncServerCursor<[number, string]>>()(tuples.cursor("c"));
  has<[number, string][]>()(await tuples.transaction((tx) => tx.query(text)));
  has<AsyncConnection<TupleRow>>()(await connect("", { rowFactory: tupleRow }));

  // Parameters by name are objects of any type, and templates stand for text.
  const account: Account = { id: 1 };
  await conn.query("select $id", account);
  await conn.query("select $id", new User(account));
  await conn.cursor().executeMany("select $id", [account]);
  has<Composed>()(sql`select ${1}`);
  has<User[]>()(await conn.query<User>(sql`select ${1}`));
  await conn.cursor().executeMany(sql`select $1`, [[1]]);

  // @ts-expect-error -- a function is no statement
  await conn.query(sql);
  // @ts-expect-error -- nor is an object
  await conn.query({ text });
  // @ts-expect-error -- an array is not what rows of names are
  await conn.query<Account>(text, [], { rowFactory: tupleRow });
  // @ts-expect-error -- nor is a class of ours what scalars of a factory are
  await conn.query<Account>(text, [], { rowFactory: scalarRow<number> });
  // @ts-expect-error -- there are two policies
  await conn.query(text, [], { duplicateColumns: "first" });
  // @ts-expect-error -- rows of a type argument can't be made by a factory of others
  await conn.query<User>(text, [], { rowFactory: tupleRow });
  // @ts-expect-error -- a cursor's rows are those that it was made for
  await cursor.execute(text, [], { rowFactory: tupleRow });
  // @ts-expect-error -- a factory gives a maker
  await conn.query(text, [], { rowFactory: (values: unknown[]) => values[0] });
  // @ts-expect-error -- a class is constructed with one object of the columns' values
  classRow(Sum);
  await conn.query(text, { id: 1 });
  // @ts-expect-error -- parameters are an array or an object
  await conn.query(text, 1);
  // @ts-expect-error -- there is no such option
  await conn.query(text, [], { timeOut: 5 });
  // @ts-expect-error -- null prepares never, a word is none
  await connect("", { prepareThreshold: "never" });
}

export function inTheBlockingShell(conn: Connection): void {
  has<Cursor<DictRow>>()(conn.execute(text));
  has<DictRow[]>()(conn.query(text));
  has<User[]>()(conn.query<User>(text));
  has<User[]>()(conn.query(text, [], { rowFactory: classRow(User) }));
  for (const user of conn.execute<User>(text)) has<User>()(user);
  has<Cursor<User>>()(conn.cursor({ rowFactory: classRow(User) }));
  has<[number, string][]>()(conn.query<[number, string]>(text, [], { rowFactory: tupleRow }));
  has<bigint[]>()(conn.query<bigint>(text, [], { rowFactory: scalarRow }));
  has<TupleRow[]>()(conn.query(text, [], { rowFactory: tupleRow }));
  has<ClientCursor<DictRow>>()(conn.cursor({ binding: "client" }));
  has<ClientCursor<User>>()(conn.cursor({ binding: "client", rowFactory: classRow(User) }));
  has<Connection<bigint>>()(Connection.connect("", { rowFactory: scalarRow<bigint> }));
  has<number>()(Connection.with("", (given) => given.query(text).length));

  // @ts-expect-error -- nobody could abort it: the thread sleeps
  conn.query(text, [], { signal: AbortSignal.timeout(5) });
  // @ts-expect-error -- what is fetched may be undefined
  const user: User = conn.execute<User>(text).fetchOne();
  void user;
}

// A factory is a function of the columns that gives a function of the values.
export const lengths: RowFactory<number> = (columns) => {
  has<string | undefined>()(columns[0]?.name);
  return (values) => values.length;
};
// @ts-expect-error -- it makes numbers
export const words: RowFactory<string> = lengths;

// @ts-expect-error -- the check itself can fail
has<string>()(1);
// @ts-expect-error -- any is not good enough
has<User>()({} as any);
