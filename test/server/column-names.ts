// Reads columns whose names are traps, in both shells and with every way to build rows. Throws where a row is
// not what it should be. No jest in here: it also runs in a process that can't make code from strings.

import { deepStrictEqual, ok, strictEqual } from "node:assert";
import {
  argsRow,
  type AsyncConnection,
  classRow,
  dictRow,
  kwargsRow,
  type RowFactory,
  scalarRow,
  tupleRow,
} from "../../src/index.ts";

/** Names that mean something to JavaScript, to objects, or to whoever pastes them into code. */
export const hostileNames: readonly string[] = [
  "__proto__",
  "constructor",
  "prototype",
  "toString",
  "valueOf",
  "hasOwnProperty",
  "__defineGetter__",
  "toJSON",
  "then",
  "length",
  "0",
  "-1",
  "01",
  "4294967295",
  "?column?",
  "with space",
  "'",
  '"',
  "`",
  "\\",
  "\\'",
  '\\"',
  "a'b\"c`d\\e",
  "line\nfeed",
  "carriage\rreturn",
  "separator\u2028and\u2029other",
  "${process.exit(9)}",
  "`${process.exit(9)}`",
  "'];process.exit(9);['",
  '"];process.exit(9);["',
  "*/ process.exit(9) /*",
  "// comment",
  "<!-- -->",
  "null",
  "true",
  "class",
  "await",
  "this",
  "arguments",
  "row",
  "b",
  "p",
  "v0",
  "K0",
  "L0",
  "T",
  "ż🐘",
  "\u0001",
  "x".repeat(63),
];

/** Enough rows for the reader that is made for many of them. */
const COUNTS = [1, 401];

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** Runs all checks on an open connection of either shell. */
export async function readHostileNames(conn: AsyncConnection): Promise<void> {
  const before = JSON.stringify(Object.getOwnPropertyNames(Object.prototype));
  const columns = hostileNames.map((name, index) => `g * 100 + ${index} as ${quoted(name)}`);
  const text = `select ${columns.join(", ")} from generate_series(0, $1) as g`;
  for (const count of COUNTS) {
    const read = async <Row>(rowFactory: RowFactory<Row>): Promise<Row> => {
      const cur = await conn.execute(text, [count - 1], { rowFactory });
      deepStrictEqual(
        cur.description?.map(({ name }) => name),
        hostileNames,
      );
      const rows = await cur.fetchAll();
      strictEqual(rows.length, count);
      return rows[0] as Row;
    };
    expectObject(await read(dictRow));
    deepStrictEqual(await read(tupleRow), [...hostileNames.keys()]);
    strictEqual(await read(scalarRow), 0);
    expectObject(await read(kwargsRow((row) => row)));
    expectObject((await read(classRow(Holder))).row);
    deepStrictEqual(
      await read(argsRow((...values: unknown[]) => values.length)),
      hostileNames.length,
    );
  }
  await readOneByOne(conn);
  strictEqual(JSON.stringify(Object.getOwnPropertyNames(Object.prototype)), before);
  strictEqual(({} as Record<string, unknown>)["polluted"], undefined);
}

class Holder {
  readonly row: object;

  constructor(row: object) {
    this.row = row;
  }
}

/** An object with all names as its own properties, and the prototype that it should have. */
function expectObject(row: object): void {
  strictEqual(Object.getPrototypeOf(row), Object.prototype);
  const names = Object.getOwnPropertyNames(row);
  deepStrictEqual(new Set(names), new Set(hostileNames));
  for (const [index, name] of hostileNames.entries()) {
    deepStrictEqual(
      Object.getOwnPropertyDescriptor(row, name),
      { value: index, writable: true, enumerable: true, configurable: true },
      JSON.stringify(name),
    );
  }
}

/** Each name alone, twice, and with a value that would be a prototype if it were taken for one. */
async function readOneByOne(conn: AsyncConnection): Promise<void> {
  for (const name of hostileNames) {
    const column = quoted(name);
    for (const count of COUNTS) {
      const [row] = await conn.query(
        `select '{"polluted": true}'::jsonb as ${column}, 1 as ${column}, '{"polluted": true}'::jsonb as ${column}
           from generate_series(1, $1::int)`,
        [count],
      );
      deepStrictEqual(Object.getOwnPropertyNames(row), [name]);
      deepStrictEqual(Object.getOwnPropertyDescriptor(row, name)?.value, { polluted: true });
      ok(!("polluted" in (row as object)), name);
    }
  }
}
