// Other statements than the shortest ones, for all drivers that read values.

import { arrays, documents, mixedKey } from "../mixed-values.mjs";

/**
 * The methods, on a driver's ways to ask, which give a value or a promise of it: `first(i)`, `i` by a text that it has
 * never seen; `documentOut(id)`, `documentIn(document)`; `arrayOut(id)`, `arrayIn(list)`; `texts()`, all rows.
 */
export const mixed = (ask) => ({
  async firstTimes(n) {
    let sum = 0;
    for (let i = 1; i <= n; i++) sum += await ask.first(i);
    return sum;
  },
  async jsonOut(n) {
    let sum = 0;
    let last;
    for (let i = 0; i < n; i++) {
      last = await ask.documentOut(mixedKey(i));
      sum += last.id;
    }
    return { sum, last };
  },
  async jsonIn(n) {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += await ask.documentIn(documents.get(mixedKey(i)));
    return sum;
  },
  async arraysOut(n) {
    let sum = 0;
    for (let i = 0; i < n; i++) {
      for (const element of await ask.arrayOut(mixedKey(i))) sum += element;
    }
    return sum;
  },
  async arraysIn(n) {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += await ask.arrayIn(arrays.get(mixedKey(i)));
    return sum;
  },
  longTexts: () => ask.texts(),
});
