// An ES module: the same round trips as required.cjs.

import { connect, Connection } from "mahout";

const dsn = process.argv[2];
const blocking = Connection.connect(dsn);
const first = blocking.execute("select 1 as one, 'blocking' as shell").fetchOne();
blocking.close();
const asynchronous = await connect(dsn);
const second = await (
  await asynchronous.execute("select 2 as two, $1::text as shell", ["async"])
).fetchOne();
await asynchronous.close();
console.log(JSON.stringify([first, second]));
