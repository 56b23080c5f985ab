// Everything that can be asked of a connection, as a table: the fault matrix runs each row in each
// state of a connection under each fault. A new operation of the driver gets its row here.
//
// An operation is written for both shells, as tests are. It carries a word that passes to the server
// with it, so that a fault can strike at just that moment, and it is bounded by the connection's
// `statementTimeout`, unless it says that it needs no bound.

import type { AsyncConnection, AsyncCursor } from "../../src/index.ts";
import { TypeInfo } from "../../src/index.ts";
import type { Shell } from "./shells.ts";

/** What an operation has at hand. */
export interface Scene {
  readonly conn: AsyncConnection;
  /** Passes to the server with the operation, and with nothing else. */
  readonly word: string;
  /** A table with one column for words, for what has an effect. */
  readonly table: string;
  /** What `prepare` returned. */
  readonly prepared: unknown;
}

/** One thing to ask of a connection. */
export interface Operation {
  readonly name: string;
  /** Where it exists; both shells by default. */
  readonly shell?: Shell["name"];
  /** Whether its word passes to the server. */
  readonly speaks: boolean;
  /** Whether it inserts its word into the table, which tells whether an error told the truth. */
  readonly inserts?: boolean;
  /** What must have been done before any fault; not in a failed transaction. */
  prepare?(scene: Omit<Scene, "prepared">): unknown;
  run(scene: Scene): unknown;
}

/** More than lies in the system's buffers, in characters. */
const MUCH = 8 * 1024 * 1024;

async function walk(cursor: AsyncCursor): Promise<number> {
  let count = 0;
  for await (const _row of cursor) count++;
  return count;
}

/** The table; the names are for reports. */
export const operations: readonly Operation[] = [
  {
    name: "execute, simple",
    speaks: true,
    run: ({ conn, word }) => conn.execute(`select 1 as n /* ${word} */`),
  },
  {
    name: "execute, described",
    speaks: true,
    run: ({ conn, word }) => conn.execute("select $1::text as word", [word]),
  },
  {
    name: "execute, prepared",
    speaks: true,
    prepare: ({ conn }) => conn.execute("select $1::text as again", ["x"], { prepare: true }),
    run: ({ conn, word }) => conn.execute("select $1::text as again", [word]),
  },
  {
    name: "execute, bound by the client",
    speaks: true,
    run: ({ conn, word }) =>
      conn.cursor({ binding: "client" }).execute("select $1 as word", [word]),
  },
  {
    name: "execute, many at once in one text",
    speaks: true,
    run: ({ conn, word }) => conn.execute(`select 1; select 2; select 3 /* ${word} */`),
  },
  {
    name: "query, much to read",
    speaks: true,
    run: ({ conn, word }) =>
      conn.query(`select repeat('x', 1000) as x, '${word}' from generate_series(1, 2000)`),
  },
  {
    name: "query, much to write",
    speaks: true,
    run: ({ conn, word }) => conn.query("select length($1)", ["x".repeat(MUCH) + word]),
  },
  {
    name: "query, refused by the server",
    speaks: true,
    run: ({ conn, word }) => conn.query(`select 1/0 /* ${word} */`),
  },
  {
    name: "changePassword, refused by the server",
    speaks: true,
    run: ({ conn, word }) => conn.changePassword(word, "a secret"),
  },
  {
    name: "insert, simple",
    speaks: true,
    inserts: true,
    run: ({ conn, word, table }) => conn.execute(`insert into ${table} values ('${word}')`),
  },
  {
    name: "insert, described",
    speaks: true,
    inserts: true,
    run: ({ conn, word, table }) => conn.execute(`insert into ${table} values ($1)`, [word]),
  },
  {
    name: "insert, slow",
    speaks: true,
    inserts: true,
    run: ({ conn, word, table }) =>
      conn.execute(`insert into ${table} select '${word}' from pg_sleep(60)`),
  },
  {
    name: "execute with a timeout",
    speaks: true,
    run: ({ conn, word }) => conn.execute(`select pg_sleep(60) /* ${word} */`, [], { timeout: 30 }),
  },
  {
    name: "execute with a signal",
    shell: "async",
    speaks: true,
    run: ({ conn, word }) =>
      conn.execute(`select pg_sleep(60) /* ${word} */`, [], { signal: AbortSignal.timeout(30) }),
  },
  {
    name: "execute, stopped before its turn",
    shell: "async",
    speaks: false,
    inserts: true,
    run: ({ conn, word, table }) =>
      conn.execute(`insert into ${table} values ('${word}')`, [], { signal: AbortSignal.abort() }),
  },
  {
    name: "begin and commit",
    speaks: true,
    inserts: true,
    run: async ({ conn, word, table }) => {
      const isOutside = conn.info.transactionStatus === "idle";
      if (isOutside) await conn.execute("begin");
      await conn.execute(`insert into ${table} values ('${word}')`);
      if (isOutside) await conn.execute("commit");
    },
  },
  {
    name: "transaction block",
    speaks: true,
    inserts: true,
    run: ({ conn, word, table }) =>
      conn.transaction(() => conn.execute(`insert into ${table} values ('${word}')`)),
  },
  {
    name: "nested transaction block, slow",
    speaks: true,
    inserts: true,
    run: ({ conn, word, table }) =>
      conn.transaction(() =>
        conn.transaction(() =>
          conn.execute(`insert into ${table} select '${word}' from pg_sleep(60)`),
        ),
      ),
  },
  {
    name: "commit",
    speaks: false,
    run: async ({ conn }) => {
      // What has failed can only be rolled back, as the error says.
      if (conn.info.transactionStatus === "inError") await conn.rollback();
      else await conn.commit();
    },
  },
  { name: "rollback", speaks: false, run: ({ conn }) => conn.rollback() },
  {
    // Of statements that are known: sending waits for nothing, and the end of the block is bounded.
    name: "pipeline",
    speaks: true,
    prepare: ({ conn }) => conn.query("select $1::text as piped", ["x"]),
    run: ({ conn, word }) =>
      conn.pipeline((pipe) =>
        Promise.allSettled(
          ["first", "second", word].map((text) => pipe.execute("select $1::text as piped", [text])),
        ),
      ),
  },
  {
    name: "pipeline, slow",
    speaks: true,
    inserts: true,
    run: ({ conn, word, table }) =>
      conn.pipeline((pipe) =>
        Promise.allSettled([
          pipe.execute(`insert into ${table} select '${word}' from pg_sleep(60)`),
          pipe.execute("select 2"),
        ]),
      ),
  },
  {
    name: "executeMany",
    speaks: true,
    run: ({ conn, word }) =>
      conn.cursor().executeMany("select $1::text, $2::int", [
        ["one", 1],
        ["two", 2],
        [word, 3],
      ]),
  },
  {
    name: "copy in",
    speaks: true,
    inserts: true,
    run: ({ conn, word, table }) =>
      conn.cursor().copy(`copy ${table} from stdin`, (copy) => copy.write(`${word}\n`)),
  },
  {
    name: "copy in, much",
    speaks: true,
    run: ({ conn, word }) =>
      conn
        .cursor()
        .copy("copy pg_temp.many from stdin", (copy) =>
          copy.write(`${"x\n".repeat(MUCH / 4)}${word}\n`),
        ),
    prepare: ({ conn }) => conn.execute("create temp table many (word text)"),
  },
  {
    name: "copy in, given up",
    speaks: true,
    run: async ({ conn, word, table }) => {
      const enough = new Error("enough");
      try {
        await conn.cursor().copy(`copy ${table} from stdin /* ${word} */`, () => {
          throw enough;
        });
      } catch (error) {
        if (error !== enough) throw error;
      }
    },
  },
  {
    name: "copy out",
    speaks: true,
    run: ({ conn, word }) =>
      conn
        .cursor()
        .copy(`copy (select n, '${word}' from generate_series(1, 3000) n) to stdout`, () => {}),
  },
  {
    name: "stream",
    speaks: true,
    run: async ({ conn, word }) => {
      const text = `select n, '${word}' as word from generate_series(1, 500) n`;
      for await (const _row of conn.cursor().stream(text));
    },
  },
  {
    name: "stream, left early",
    speaks: true,
    run: async ({ conn, word }) => {
      const text = `select n, '${word}' as word from generate_series(1, 100000) n`;
      for await (const _row of conn.cursor().stream(text)) break;
    },
  },
  {
    name: "server cursor",
    speaks: true,
    run: async ({ conn, word }) => {
      const cursor = conn.cursor(word, { withHold: true });
      await cursor.execute("select n from generate_series(1, 300) n");
      await cursor.fetchMany(5);
      await cursor.fetchAll();
      await cursor.close();
    },
  },
  {
    name: "notifications",
    speaks: true,
    run: async ({ conn, word }) => {
      await conn.execute(`listen ${word}`);
      await conn.execute(`notify ${word}`);
      for await (const _notify of conn.notifies({ timeout: 50, stopAfter: 1 }));
    },
  },
  {
    name: "fetch, iterate and scroll",
    speaks: false,
    prepare: ({ conn }) => conn.execute("select n from generate_series(1, 10) n"),
    run: async ({ prepared }) => {
      const cursor = prepared as AsyncCursor;
      await cursor.fetchOne();
      await cursor.fetchMany(2);
      await cursor.scroll(-1);
      if ((await walk(cursor)) !== 8) throw new Error("rows were lost");
    },
  },
  {
    name: "cancel",
    speaks: false,
    run: ({ conn }) => conn.cancel(),
  },
  {
    name: "cancel what runs",
    shell: "async",
    speaks: true,
    run: async ({ conn, word }) => {
      const call = conn.query(`select pg_sleep(60) /* ${word} */`);
      const outcomes = await Promise.allSettled([call, conn.cancel()]);
      for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
    },
  },
  {
    name: "fetch all types",
    speaks: false,
    run: ({ conn }) => TypeInfo.fetchAll(conn),
  },
  {
    name: "fileno and the state",
    speaks: false,
    run: ({ conn }) => {
      const facts = [conn.closed, conn.broken, conn.disconnected.aborted, String(conn)];
      return [...facts, conn.info.transactionStatus, conn.fileno()];
    },
  },
  {
    name: "close",
    speaks: false,
    run: ({ conn }) => conn.close(),
  },
  {
    name: "close while it runs",
    shell: "async",
    speaks: true,
    run: async ({ conn, word }) => {
      const call = conn.query(`select pg_sleep(0.05) /* ${word} */`);
      const outcomes = await Promise.allSettled([call, conn.close()]);
      for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
    },
  },
];
