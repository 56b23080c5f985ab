"use strict";

// A CommonJS program: one blocking and one asynchronous round trip to the DSN given.

const { connect, Connection } = require("mahout");

async function main(dsn) {
  const blocking = Connection.connect(dsn);
  const first = blocking.execute("select 1 as one, 'blocking' as shell").fetchOne();
  blocking.close();
  const asynchronous = await connect(dsn);
  const second = await (
    await asynchronous.execute("select 2 as two, $1::text as shell", ["async"])
  ).fetchOne();
  await asynchronous.close();
  console.log(JSON.stringify([first, second]));
}

main(process.argv[2]).catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
