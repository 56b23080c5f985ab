// The first statements in a script without a single promise: every call returns when it is done.

import { Connection } from "mahout";

// `using` closes the connection at the end of the file, however that is reached.
using conn = Connection.connect(process.env.DATABASE_URL);

conn.execute("create temp table planets (name text primary key, moons int)");
conn.execute("insert into planets values ($1, $2), ($3, $4)", ["Mars", 2, "Earth", 1]);

// query() gives the rows at once ...
const planets = conn.query("select name, moons from planets order by moons");
console.log(planets); // [ { name: 'Earth', moons: 1 }, { name: 'Mars', moons: 2 } ]

// ... execute() gives a cursor on them.
const cursor = conn.execute("select name from planets where moons > $1", [1]);
console.log(cursor.rowCount, cursor.fetchOne()); // 1 { name: 'Mars' }

for (const planet of conn.execute("select * from planets order by name")) {
  console.log(`${planet.name} has ${planet.moons}`);
}
