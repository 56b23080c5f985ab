// What a row is: an object, an array, one value, an instance of your class, or what you make of it.

import { argsRow, classRow, connect, kwargsRow, scalarRow, tupleRow } from "mahout";
import type { DictRow, RowFactory } from "mahout";

await using conn = await connect(process.env.DATABASE_URL);
const text = "select 1 as id, 'Ada' as name union all select 2, 'Grace'";

console.log(await conn.query(text)); // objects are the default
console.log(await conn.query(text, [], { rowFactory: tupleRow })); // duplicate names are kept
console.log(await conn.query<number>(text, [], { rowFactory: scalarRow })); // [ 1, 2 ]

class User {
  readonly id: number;
  readonly name: string;

  constructor(row: DictRow) {
    this.id = row.id;
    this.name = row.name;
  }

  greet(): string {
    return `Hello, ${this.name}!`;
  }
}
const users = await conn.query(text, [], { rowFactory: classRow(User) });
console.log(users.map((user) => user.greet()));

const labels = argsRow((id: number, name: string) => `${id}: ${name}`);
console.log(await conn.query(text, [], { rowFactory: labels }));
const names = kwargsRow(({ name }) => String(name).toUpperCase());
console.log(await conn.query(text, [], { rowFactory: names }));

// A factory of your own: called once for each result, returns what makes a row of the values.
const mapRow: RowFactory<Map<string, unknown>> = (columns) => (values) =>
  new Map(columns.map(({ name }, index) => [name, values[index]]));
console.log(await conn.query(text, [], { rowFactory: mapRow }));

// It can be set for a connection or a cursor, and changed between two fetches.
const cursor = conn.cursor({ rowFactory: mapRow });
await cursor.execute(text);
console.log((await cursor.fetchOne())?.get("name")); // Ada
