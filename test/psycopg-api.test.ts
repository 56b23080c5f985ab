// Holds docs/psycopg-api.md, the table of psycopg's names and of ours, against the real objects of both
// shells: what it names exists, what it says is missing is, and no name of psycopg's is left out.

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import * as mahout from "../src/index.ts";
import { type Shell, shells } from "./support/shells.ts";

/** psycopg 3.3's public members, by the page's sections. */
const PSYCOPG: Readonly<Record<string, string>> = {
  Connection: `connect __enter__ __exit__ close closed broken cursor cursor_factory server_cursor_factory
    row_factory execute pipeline transaction commit rollback autocommit set_autocommit isolation_level
    set_isolation_level read_only set_read_only deferrable set_deferrable cancel cancel_safe notifies
    add_notify_handler remove_notify_handler add_notice_handler remove_notice_handler prepare_threshold
    prepared_max xid tpc_begin tpc_prepare tpc_commit tpc_rollback tpc_recover info adapters fileno lock
    wait pgconn _get_connection_params __repr__ Error`,
  ConnectionInfo: `vendor host hostaddr port dbname user password options dsn get_parameters status
    transaction_status pipeline_status parameter_status server_version full_protocol_version backend_pid
    encoding timezone error_message`,
  Cursor: `__enter__ __exit__ connection closed close execute executemany stream copy fetchone fetchmany
    fetchall __iter__ __next__ scroll nextset results set_result description rowcount rownumber
    statusmessage row_factory arraysize adapters format _query pgresult setinputsizes setoutputsize
    mogrify`,
  Column: "name type_code type_display display_size internal_size precision scale null_ok",
  ServerCursor: `name scrollable withhold itersize execute close fetchone fetchmany fetchall scroll
    __iter__`,
  Copy: "__enter__ __exit__ write write_row read read_row rows __iter__ set_types finish writer",
  Transaction: "__enter__ __exit__ connection savepoint_name status force_rollback Rollback pgconn",
  Pipeline: "__enter__ __exit__ sync status is_supported pgconn",
  Xid: "format_id gtrid bqual prepared owner database from_parts from_string",
  Errors: `Error Warning InterfaceError DatabaseError DataError OperationalError IntegrityError
    InternalError ProgrammingError NotSupportedError ConnectionTimeout CancellationTimeout
    PipelineAborted OutOfOrderTransactionNesting lookup sqlstate diag pgconn pgresult`,
  Module: `connect Connection AsyncConnection Cursor AsyncCursor ServerCursor AsyncServerCursor RawCursor
    AsyncRawCursor RawServerCursor AsyncRawServerCursor ClientCursor AsyncClientCursor Copy AsyncCopy
    Transaction AsyncTransaction Pipeline AsyncPipeline FileWriter Writer LibpqWriter QueuedLibpqWriter
    Column ConnectionInfo Notify Xid IsolationLevel adapters AdaptersMap tuple_row dict_row scalar_row
    class_row args_row kwargs_row namedtuple_row conninfo_to_dict make_conninfo sql SQL Identifier Literal
    Placeholder Composed TypeInfo types
    capabilities pq crdb apilevel threadsafety paramstyle Binary Date DateFromTicks Time TimeFromTicks
    Timestamp TimestampFromTicks BINARY DATETIME NUMBER ROWID STRING`,
  Types: `fetch register name oid regtype array_oid delimiter CompositeInfo EnumInfo RangeInfo MultirangeInfo
    register_composite register_enum register_range register_multirange register_hstore register_array
    register_shapely TypesRegistry Range Multirange Json Jsonb set_json_dumps set_json_loads register_dumper
    register_loader Dumper Loader PyFormat`,
};

/** The 18 fields of a diagnostic. */
const DIAGNOSTIC = `severity severity_nonlocalized sqlstate message_primary message_detail message_hint
  statement_position internal_position internal_query context schema_name table_name column_name
  datatype_name constraint_name source_file source_line source_function`;

interface Line {
  readonly section: string;
  readonly theirs: readonly string[];
  readonly ours: readonly string[];
  readonly isNone: boolean;
  readonly note: string;
}

const wordsOf = (text: string): string[] => text.split(/\s+/).filter((word) => word !== "");
const spansOf = (cell: string): string[] =>
  [...cell.matchAll(/`([^`]+)`/g)].map(([, span = ""]) => span.replace(/\(\)$/, ""));
const camelCase = (name: string): string =>
  name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

const page = readFileSync(resolve(__dirname, "../docs/psycopg-api.md"), "utf8");
const lines: Line[] = [];
let current = "";
for (const line of page.split("\n")) {
  if (line.startsWith("## ")) current = line.slice(3);
  const [, theirs = "", ours = "", note = ""] = line.split("|").map((cell) => cell.trim());
  if (!line.startsWith("|") || theirs === "psycopg" || theirs.startsWith("--")) continue;
  const isNone = ours === "none";
  lines.push({ section: current, theirs: spansOf(theirs), ours: spansOf(ours), isNone, note });
}

describe("the page", () => {
  test.each(Object.keys(PSYCOPG))("has each name of %s once", (section) => {
    const named = lines.filter((line) => line.section === section).flatMap(({ theirs }) => theirs);
    // "`mogrify()` of `ClientCursor`" says whose it is.
    const own = section === "Cursor" ? named.filter((name) => name !== "ClientCursor") : named;
    expect(own.toSorted()).toEqual(wordsOf(PSYCOPG[section] ?? "").toSorted());
  });

  test("has no other sections", () => {
    expect([...new Set(lines.map(({ section }) => section))]).toEqual(Object.keys(PSYCOPG));
  });

  test("says of each name what there is, or why there is nothing", () => {
    const bare = lines.filter(({ ours, isNone, note }) =>
      isNone ? note === "" : ours.length === 0,
    );
    expect(bare).toEqual([]);
  });
});

/** The object that a section is about. */
const SUBJECTS: Readonly<Record<string, string>> = {
  Connection: "conn",
  ConnectionInfo: "info",
  Cursor: "cur",
  Column: "column",
  ServerCursor: "server cursor",
  Copy: "copy",
  Transaction: "tx",
  Pipeline: "p",
  Xid: "xid",
  Errors: "error",
  Types: "type",
};

describe.each(shells)("the $name shell", ({ connect }: Shell) => {
  /** What a word in front of a dot means; what is no word here is a public name of the package. */
  let objects: Readonly<Record<string, object>>;
  const opened: mahout.AsyncConnection[] = [];

  beforeAll(async () => {
    const conn = await connect();
    const copying = await connect();
    opened.push(conn, copying);
    const cur = await conn.execute("select 1 as one");
    const copy = await copying.cursor().copy("copy (select 1) to stdout");
    const tx = await conn.transaction();
    const p = await conn.pipeline();
    const column = cur.description?.[0] as mahout.Column;
    const error = new mahout.MahoutError("for its members");
    const type = await mahout.TypeInfo.fetch(conn, "int4range");
    const members = { conn, info: conn.info, cur, column, copy, tx, p, xid: conn.xid(1, "g", "b") };
    objects = {
      ...members,
      type,
      "client cursor": conn.cursor({ binding: "client" }),
      "server cursor": conn.cursor("c"),
      error,
      diag: error.diag,
    };
  });

  afterAll(async () => {
    for (const conn of opened) await conn.close();
  });

  const holds = (owner: object | undefined, name: PropertyKey): boolean =>
    owner !== undefined && name in owner;

  /** Whether there is what a span of code names. */
  function exists(span: string, section: string): boolean {
    const subject = objects[SUBJECTS[section] ?? ""];
    if (span === "using")
      return holds(subject, Symbol.asyncDispose) || holds(subject, Symbol.dispose);
    if (span === "for")
      return holds(subject, Symbol.asyncIterator) || holds(subject, Symbol.iterator);
    const [first = "", member] = span.split(".");
    if (member === undefined) return holds(mahout, first);
    if (first === "cur" && section === "ServerCursor") return holds(subject, member);
    return holds(objects[first] ?? (mahout as Record<string, object>)[first], member);
  }

  test.each(Object.keys(PSYCOPG))("has what the section %s names", (section) => {
    const own = lines.filter((line) => line.section === section);
    const members = own.flatMap(({ note }) =>
      spansOf(note).filter((span) => /^\w+\.\w+$/.test(span)),
    );
    const named = [...own.flatMap(({ ours }) => ours), ...members];
    expect(named.filter((span) => !exists(span, section))).toEqual([]);
  });

  test.each(Object.keys(PSYCOPG))("has nothing that the section %s says is missing", (section) => {
    const missing = lines.filter((line) => line.section === section && line.isNone);
    const names = missing.flatMap(({ theirs }) => theirs.map(camelCase));
    const owner = SUBJECTS[section];
    const isThere = (name: string): boolean => exists(owner ? `${owner}.${name}` : name, section);
    expect(names.filter(isThere)).toEqual([]);
  });

  test("has the fields of a diagnostic", () => {
    const missing = wordsOf(DIAGNOSTIC).filter((name) => !exists(`diag.${camelCase(name)}`, ""));
    expect(missing).toEqual([]);
  });

  test("would notice what isn't there", () => {
    const wrong = ["conn.nothing", "Connection.nothing", "nothing", "nothing.at", "using", "for"];
    expect(wrong.filter((span) => exists(span, "Xid"))).toEqual([]);
  });
});
