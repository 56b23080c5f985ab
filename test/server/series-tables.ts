// What the tests of series share: tables of their own, and the end of a block.

import { afterAll, beforeAll, beforeEach } from "@jest/globals";
import { administer } from "../support/shells.ts";

/** Makes the tables `name` and `name`_late, empty for each test; gives what asks for the numbers in the first. */
export function tablesOfSeries(name: string): () => Promise<number[]> {
  beforeAll(() =>
    administer(
      `create table ${name} (id int); create table ${name}_late (id int unique deferrable initially deferred)`,
    ),
  );
  afterAll(() => administer(`drop table ${name}, ${name}_late`));
  beforeEach(() => administer(`truncate ${name}, ${name}_late`));
  return async () =>
    (await administer(`select id from ${name} order by id`)).map(([id]) => Number(id));
}

/** Disposes of something, as its shell does. */
export async function end(block: object): Promise<void> {
  const { [Symbol.asyncDispose]: later, [Symbol.dispose]: now } = block as Partial<
    AsyncDisposable & Disposable
  >;
  if (later) await later.call(block);
  else now?.call(block);
}
