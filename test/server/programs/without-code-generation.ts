// Run by column-names.test.ts with `--disallow-code-generation-from-strings` and a conninfo as JSON: reads
// hostile names in both shells, and tells what it did.

import { throws } from "node:assert";
import { AsyncConnection, Connection } from "../../../src/index.ts";
import { readHostileNames } from "../column-names.ts";

async function main(): Promise<void> {
  // eslint-disable-next-line typescript/no-implied-eval -- that it fails is what this program is about
  throws(() => new Function("return 1"), EvalError);
  const conninfo = JSON.parse(process.argv[2] ?? "{}") as Record<string, string>;
  for (const kind of [AsyncConnection, Connection as unknown as typeof AsyncConnection]) {
    const conn = await kind.connect(conninfo);
    await readHostileNames(conn);
    await conn.close();
    console.log(`${kind.name}: done`);
  }
}

void main();
