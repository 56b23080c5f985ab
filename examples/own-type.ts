// A class of your own for a PostgreSQL type: here a decimal that is never rounded.

import assert from "node:assert/strict";
import { connect } from "mahout";

class Decimal {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  toString(): string {
    return this.#text;
  }
}

const NUMERIC = 1700; // select 'numeric'::regtype::oid

await using conn = await connect(process.env.DATABASE_URL);

// How numeric is read: the loader gets the bytes of one field, in text unless it asks for binary.
conn.adapters.registerLoader(
  NUMERIC,
  (bytes, start, end) => new Decimal(bytes.toString("latin1", start, end)),
);
// How a Decimal is written: as a value that the type's own dumper takes.
conn.adapters.registerDumper(Decimal, (decimal) => decimal.toString());

const [row] = await conn.query("select $1::numeric * 3 as price", [new Decimal("0.10")]);
assert(row?.price instanceof Decimal);
console.log(String(row.price)); // 0.30

// Arrays of the type follow, both ways.
const prices = [new Decimal("0.1"), null, new Decimal("12345678901234567890.5")];
const [list] = await conn.query("select $1::numeric[] as prices", [prices]);
console.log(list?.prices.map(String)); // [ '0.1', 'null', '12345678901234567890.5' ]

// The same on `adapters` is for every connection that is made later, on `cursor.adapters` for one.
