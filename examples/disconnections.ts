// A lost connection is noticed when it happens, without asking the server anything.

import { once } from "node:events";
import { connect, errors } from "mahout";

const dsn = process.env.DATABASE_URL;
await using conn = await connect(dsn);
await using other = await connect(dsn);

// `disconnected` is an AbortSignal: listen to it, or hand it to whatever takes one.
const { disconnected } = conn;
disconnected.addEventListener("abort", () => {
  const reason = disconnected.reason as Error;
  console.log(`disconnected: ${reason.name}: ${reason.message}`);
});

// Nothing is running on `conn` when an administrator ends its session.
const gone = once(disconnected, "abort");
await other.execute("select pg_terminate_backend($1)", [conn.info.backendPid]);
await gone;
console.log(conn.closed, conn.broken); // true true

// Whoever uses it now is told why it ended.
try {
  await conn.execute("select 1");
} catch (error) {
  if (!(error instanceof errors.OperationalError)) throw error;
  console.log(error.message);
  console.log(error.cause instanceof errors.AdminShutdown); // true
}

// close() of our own is not a disconnection: `broken` stays false and the signal silent.
const third = await connect(dsn);
await third.close();
console.log(third.closed, third.broken, third.disconnected.aborted); // true false false
