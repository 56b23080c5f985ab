// Notices: what the server has to say besides results and errors.

import { connect } from "mahout";
import type { Diagnostic } from "mahout";

const seen: string[] = [];
const log = (diag: Diagnostic): void => {
  seen.push(`${diag.severity}: ${diag.messagePrimary}`);
};

// Handlers given to connect() also see the notices of the start; others can come and go later.
await using conn = await connect(process.env.DATABASE_URL, { noticeHandlers: [log] });

await conn.execute("drop table if exists nobody_has_this");
await conn.execute("do $$ begin raise warning 'low on %', 'hay' using hint = 'buy some'; end $$");
await conn.execute("rollback");

// A Diagnostic has the fields that errors have, too.
const hints = (diag: Diagnostic): void => console.log("hint:", diag.messageHint);
conn.addNoticeHandler(hints);
await conn.execute("do $$ begin raise notice 'done' using hint = 'rest a while'; end $$");
conn.removeNoticeHandler(hints);

// Which notices are sent at all is the session's setting.
await conn.execute("set client_min_messages to warning");
await conn.execute("do $$ begin raise notice 'nobody hears this'; end $$");

console.log(seen);
