// What an error is, what it carries, and which ones are worth another try.

import { connect, errors, isRetryable } from "mahout";

await using conn = await connect(process.env.DATABASE_URL);
await conn.execute("create temp table users (email text constraint one_each unique)");
await conn.execute("insert into users values ($1)", ["ada@example.org"]);

// A class for each SQLSTATE: catch what you expect, let the rest pass.
try {
  await conn.execute("insert into users values ($1)", ["ada@example.org"]);
} catch (error) {
  if (!(error instanceof errors.UniqueViolation)) throw error;
  console.log(error.sqlstate, error.diag.constraintName); // 23505 one_each
  console.log(error.statement); // the text; never the parameters
  console.log(error instanceof errors.IntegrityError); // true: each class stands under a wider one
}

// The server says where in the text it stopped, counted in characters from 1.
const text = "select emial from users";
try {
  await conn.execute(text);
} catch (error) {
  if (!(error instanceof errors.ProgrammingError)) throw error;
  const { messagePrimary, messageHint, statementPosition } = error.diag;
  console.log(`${messagePrimary}\n  ${text}\n  ${" ".repeat(Number(statementPosition) - 1)}^`);
  console.log(messageHint);
}

// What cannot be sent is refused before anything is sent; the connection stays as it was.
try {
  await conn.execute("select $1::int", [1.5]);
} catch (error) {
  if (!(error instanceof errors.DataError)) throw error;
  console.log(error.message, error.sqlstate, conn.info.transactionStatus);
}

// No server at that address: nothing was sent, so the whole transaction can be tried again.
try {
  await connect({ host: "127.0.0.1", port: 1 });
} catch (error) {
  console.log((error as Error).message, isRetryable(error)); // ... true
}
