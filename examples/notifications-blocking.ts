// Notifications without promises: the programs of psycopg's manual, in the blocking shell.

import assert from "node:assert/strict";
import { Connection } from "mahout";
import type { Notify } from "mahout";

const dsn = process.env.DATABASE_URL;
// While this thread waits it can send nothing, so what is waited for is sent before.
using sender = Connection.connect(dsn);
const send = (...payloads: string[]): void => {
  for (const payload of payloads) sender.execute("select pg_notify('mychan', $1)", [payload]);
};

// Prints notifications, and stops when one says so.
{
  using conn = Connection.connect(dsn);
  conn.execute("LISTEN mychan");
  send("hello", "hey", "stop");
  const gen = conn.notifies();
  for (const notify of gen) {
    console.log(notify);
    if (notify.payload === "stop") gen.return();
  }
  console.log("there, I stopped");
}

// A handler hears what arrives while the connection does something else.
{
  using conn = Connection.connect(dsn);
  conn.execute("LISTEN mychan");
  let heard = 0;
  conn.addNotifyHandler((notify) => {
    heard++;
    console.log("got this:", notify);
  });
  send("hey");
  console.log(conn.execute("select 1 as one").fetchOne());
  assert.equal(heard, 1);
}

// A listener whose loop takes its time, with transactions on the very same connection: what arrives in
// between is not lost. The handler puts everything on deck; the generator is there to wait.
class Deck {
  readonly #conn: Connection;
  readonly #timeout: number;
  readonly #deck: Notify[] = [];

  constructor(conn: Connection, timeout: number) {
    this.#conn = conn;
    this.#timeout = timeout;
    conn.addNotifyHandler((notify) => this.#deck.push(notify));
  }

  *listen(): Generator<Notify> {
    for (;;) {
      for (const _ of this.#conn.notifies({ timeout: this.#timeout, stopAfter: 1 }));
      if (this.#deck.length === 0) return;
      for (let notify = this.#deck.shift(); notify; notify = this.#deck.shift()) yield notify;
    }
  }
}
{
  using conn = Connection.connect(dsn);
  conn.execute("LISTEN mychan");
  const deck = new Deck(conn, 300);
  send("1", "2");
  const handled: string[] = [];
  for (const { payload } of deck.listen()) {
    conn.execute("BEGIN");
    if (payload === "2") send("3", "4");
    conn.execute("select pg_sleep(0.05)");
    conn.execute("COMMIT");
    handled.push(payload);
  }
  console.log("on deck:", handled);
  assert.deepEqual(handled, ["1", "2", "3", "4"]);
}

// Without a handler the connection keeps what arrives by itself, so a plain loop does the same.
{
  using conn = Connection.connect(dsn);
  conn.execute("LISTEN mychan");
  send("1", "2");
  const handled: string[] = [];
  for (const { payload } of conn.notifies({ timeout: 5_000, stopAfter: 3 })) {
    if (payload === "1") send("3");
    conn.execute("select pg_sleep(0.05)");
    handled.push(payload);
  }
  console.log("in a loop:", handled);
  assert.deepEqual(handled, ["1", "2", "3"]);
}
