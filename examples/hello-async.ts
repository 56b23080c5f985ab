// The first statements, awaited. Where the server is, DATABASE_URL or the PG* variables say.

import { connect } from "mahout";

// `await using` closes the connection at the end of the file, however that is reached.
await using conn = await connect(process.env.DATABASE_URL);

await conn.execute("create temp table planets (name text primary key, moons int)");
await conn.execute("insert into planets values ($1, $2), ($3, $4)", ["Mars", 2, "Earth", 1]);

// query() gives the rows at once ...
const planets = await conn.query("select name, moons from planets order by moons");
console.log(planets); // [ { name: 'Earth', moons: 1 }, { name: 'Mars', moons: 2 } ]

// ... execute() gives a cursor on them.
const cursor = await conn.execute("select name from planets where moons > $1", [1]);
console.log(cursor.rowCount, await cursor.fetchOne()); // 1 { name: 'Mars' }

for await (const planet of await conn.execute("select * from planets order by name")) {
  console.log(`${planet.name} has ${planet.moons}`);
}
