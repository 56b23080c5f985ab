// LISTEN and NOTIFY: a loop over notifications, and what else its connection does meanwhile.

import assert from "node:assert/strict";
import { connect } from "mahout";

const dsn = process.env.DATABASE_URL;
await using conn = await connect(dsn);
await using sender = await connect(dsn);

// Until somebody says stop. Leaving the loop ends it; what was not given yet is given by the next one.
await conn.execute("listen mychan");
const sending = (async () => {
  for (const text of ["hello", "hey", "stop"]) {
    await sender.query("select pg_notify('mychan', $1)", [text]);
  }
})();
for await (const notify of conn.notifies()) {
  console.log(notify);
  if (notify.payload === "stop") break;
}
await sending;
console.log("there, I stopped");

// The loop holds nothing up: statements, LISTEN and UNLISTEN work in its body and beside it.
await sender.execute("notify mychan, '2 + 3'; notify mychan, '4 + 5'");
for await (const { payload } of conn.notifies({ stopAfter: 2 })) {
  const [a, b] = payload.split(" + ").map(Number);
  console.log(payload, "=", await conn.query("select $1::int + $2::int as sum", [a, b]));
}

// So long and no longer: a timeout in milliseconds, 0 for what is there, or a signal.
for await (const notify of conn.notifies(100)) assert.fail(`nobody sent ${notify.payload}`);
const { signal } = new AbortController();
for await (const _ of conn.notifies({ timeout: 0, signal })) assert.fail("nor anything else");

// A handler is called as soon as a notification arrives, though nobody waits for it.
const arrived = new Promise((resolve) => conn.addNotifyHandler(resolve));
await sender.execute("notify mychan, 'to the handler'");
console.log(await arrived);
