// Run by value-settings.test.ts in several time zones, with a conninfo as JSON: prints every sample as it is read and
// what the server makes of it when it is sent, and how a Date prints itself.

import { inspect } from "node:util";
import { Connection, tupleRow } from "../../../src/index.ts";
import { samplesOf } from "../../adapt/samples.ts";

const conninfo = JSON.parse(process.argv[2] ?? "{}") as Record<string, string>;
const conn = Connection.connect(conninfo, { rowFactory: tupleRow, options: "-c timezone=UTC" });
const major = Math.trunc(conn.info.serverVersion / 10000);
const values: string[] = [];
for (const [type, list] of Object.entries(samplesOf(major))) {
  const sql = type === "char" ? '"char"' : type;
  for (const [text, , value] of list) {
    const sent = type.startsWith("json") ? text : value;
    for (const binary of [true, false]) {
      const [row] = conn.query(`select $1::${sql}, format('%s', $1::${sql})`, [sent], { binary });
      values.push(`${type} ${inspect(row, { depth: 9 })}`);
    }
  }
}
// A Date counts with its clock in UTC where there is no zone.
const at = new Date("2024-03-10T02:30:00Z");
const [row] = conn.query("select $1::timestamp, $2::date, $3::timestamptz::text", [at, at, at]);
values.push(inspect(row));
conn.close();
console.log(JSON.stringify({ zone: new Date(0).toString(), values }));
