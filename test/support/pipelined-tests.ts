// Which test files are played a second time with the pipeline on, and what in them is another matter there.
//
// Every file of test/server that uses the shells is here: played, played by `npm run test:slow`, or not played,
// for a reason. A test that differs in a pipeline is expected to fail, for its reason, so that one that has come
// to pass is heard of; one that can't be let fail, since it would wait or leave others waiting, is left out.

/** Why a test is another matter in a pipeline. */
export interface Difference {
  readonly why: string;
  /** Whether it is run, and has to fail. */
  readonly fails: boolean;
}

/** Tests that differ, by a part of their own titles. */
export type Differences = Readonly<Record<string, Difference>>;

const fails = (why: string): Difference => ({ why, fails: true });
const leftOut = (why: string): Difference => ({ why, fails: false });

const COPY = fails("COPY has no place in a pipeline, and says so");
const STREAM = fails("a stream has no place in a pipeline, and says so");
const STALE = fails("a statement of a pipeline that proves stale is not run again by itself");
const NESTED = fails("it opens a pipeline of its own, whose statements are counted on in this one");
const UNBOUND = fails("a text without parameters is bound here, so that Bind misses them first");
const FLUSH = fails(
  "it counts messages, and whoever waits in a pipeline sends a Flush before the Sync",
);
const STACK = fails("limits are those of a sync, which is made here by pipelined.ts below the API");
const SHARED = leftOut("what callers send at once is one series, so one error is everybody's");
const PENDING = fails("fetching asks what became of the statement, and is told its error again");
const STATEMENT_LIMITS = leftOut(
  "a limit is the sync's: it neither withdraws one statement nor spares others",
);

/** Files that `npm test` plays, from the test directory. */
export const PLAYED = {
  cursors: {
    "server/bad-input.test.ts": { "placeholders without parameters are the server's": UNBOUND },
    "server/description.test.ts": {},
    "server/duplicate-columns.test.ts": { " keeps the last, or refuses": COPY },
    "server/exchange.test.ts": { "a statement that the server has forgotten": STALE },
    "server/execute.test.ts": { "a statement that fails leaves the cursor without": PENDING },
    "server/fetch.test.ts": {},
    "server/multi-row.test.ts": {},
    "server/rows.test.ts": {},
    "server/server-cursor.test.ts": {},
    "server/server-cursor-life.test.ts": {},
    "server/server-errors.test.ts": {
      "async shell the stack of execute with a timeout": STACK,
    },
  },
  sessions: {
    "server/autocommit.test.ts": {
      "a statement whose table was altered is run again": STALE,
      "sends BEGIN together with the first statement": FLUSH,
    },
    "server/close.test.ts": { "what runs and what waits fails": SHARED },
    "server/disconnect.test.ts": {},
    "server/info.test.ts": {},
    "server/let-go.test.ts": {},
    "server/notices.test.ts": {},
    "server/notifies.test.ts": {},
    "server/notify-handlers.test.ts": {},
    "server/prepare.test.ts": { "a statement that somebody deallocated by name": STALE },
    "server/session-settings.test.ts": {},
    "server/transaction.test.ts": {},
    "server/transaction-ends.test.ts": {},
    "server/two-phase.test.ts": { "in a pipeline": NESTED },
    "server/two-phase-errors.test.ts": {
      "once it is prepared no statement runs": leftOut(
        "among others it refuses COPY, which says first that it has no place in a pipeline",
      ),
    },
  },
  values: {
    "server/adapters.test.ts": {
      "a class is registered once for parameters, arrays and COPY": COPY,
    },
    "server/formats.test.ts": {},
    "server/sql.test.ts": {
      "a template is taken wherever text is": STREAM,
      "in copy(), values become literals": COPY,
    },
    "server/type-info-composites.test.ts": {
      "are copied in both formats and directions": COPY,
      "a composite that was created again is read as": STALE,
    },
    "server/type-options.test.ts": {},
    "server/typed-values.test.ts": { "in pipelines, streams, cursors on the server": STREAM },
    "server/values.test.ts": {},
    "sql/literals-of-types.test.ts": {},
  },
} satisfies Record<string, Record<string, Differences>>;

/** Files that `npm run test:slow` plays besides. */
export const PLAYED_SLOWLY: Readonly<Record<string, Differences>> = {
  "server/cancel.test.ts": {
    "signal one that was aborted before": STATEMENT_LIMITS,
    "signal one that is aborted while the statement": STATEMENT_LIMITS,
    "signal one for many statements": STATEMENT_LIMITS,
    "signal the next statement is never hit": STATEMENT_LIMITS,
  },
  "server/change-password.test.ts": {},
  "server/client-cursor.test.ts": {
    "streams, transactions and pipelines": STREAM,
    "what it can't do, it refuses": UNBOUND,
  },
  "server/column-names.test.ts": {},
  "server/concurrency.test.ts": {
    "statements of every kind keep their order": SHARED,
    "2,000 at once: each gets its own rows or its own error": SHARED,
    "an error in a shared transaction is that of its own": SHARED,
  },
  "server/encodings.test.ts": { "keeps text, in every way that it goes": COPY },
  "server/exchange-mixed.test.ts": {},
  "server/exchange-reentry.test.ts": {
    "that a value's toJSON() calls comes after": SHARED,
    "what is refused in a pipeline says which": NESTED,
  },
  "server/execute-many.test.ts": { "in a pipeline it is a series of its own": NESTED },
  "server/execute-many-async.test.ts": { "can't come from the connection that waits": SHARED },
  "server/execute-many-errors.test.ts": {},
  "server/large.test.ts": {},
  "server/notifies-waiting.test.ts": {},
  "server/timeout.test.ts": {
    " is refused": STATEMENT_LIMITS,
    "counts the time in the queue": STATEMENT_LIMITS,
    "stops its own statement among those of others": STATEMENT_LIMITS,
  },
  "server/transaction-turns.test.ts": {},
  "server/type-info.test.ts": {},
  "server/type-info-kinds.test.ts": {},
  "server/value-settings.test.ts": {},
};

const CONNECTING =
  "it is about connecting and what carries a connection, which a pipeline changes nothing of";
const SCRIPTED =
  "its server says what it was told to, message by message, to statements outside of a pipeline";
const COPYING = "COPY and streams have no place in a pipeline";
const PIPELINES = "it is about pipelines already";
const MESSAGES =
  "it compares what is told of each statement, and of one in a pipeline other things are told";
const LISTENING = "its connections are the listener's own";

/** Files that are not played, by the beginning of their names, and why. */
export const NOT_PLAYED: Readonly<Record<string, string>> = {
  auth: CONNECTING,
  callable: CONNECTING,
  "cancel-handle": PIPELINES,
  "channel-binding": CONNECTING,
  channels: MESSAGES,
  connect: CONNECTING,
  copy: COPYING,
  deadlines: CONNECTING,
  faults: PIPELINES,
  "fetch-types":
    "one of them reads each value in every way there is, a pipeline and COPY among them",
  gathering: "in a pipeline answers come together",
  hostile: SCRIPTED,
  hosts: CONNECTING,
  keepalives: CONNECTING,
  languages: CONNECTING,
  listener: LISTENING,
  mailboxes: CONNECTING,
  messages: CONNECTING,
  "nothing-left": CONNECTING,
  "notify-flood": LISTENING,
  oauth: CONNECTING,
  ping: CONNECTING,
  pipeline: PIPELINES,
  "prepare-changes":
    "it is about stale statements, and one of a pipeline is not run again by itself",
  "pulled-rows": COPYING,
  "random-types": COPYING,
  results: "it is about texts of several statements, and a text of a pipeline is one",
  "scram-keys": CONNECTING,
  series: PIPELINES,
  sockets: CONNECTING,
  standby: CONNECTING,
  stream: COPYING,
  tls: CONNECTING,
  trace: MESSAGES,
  traffic: COPYING,
};
