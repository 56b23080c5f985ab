// Copying from and to what programs have: streams of Node.js and of the web, iterables, files; and data that
// is larger than what is kept of it.

import { createReadStream, mkdtempSync, rmSync } from "node:fs";
import { createWriteStream, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type AsyncConnection, errors } from "../../src/index.ts";
import { expectUsable, failureOf, shells } from "../support/shells.ts";

const LINES = Array.from({ length: 5_000 }, (_, n) => `${n}\tline ${n}\n`);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "mahout-copy-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function newTable(conn: AsyncConnection): Promise<void> {
  await conn.execute("create temp table t (n int, s text)");
}

async function expectLines(conn: AsyncConnection): Promise<void> {
  const text = "select count(*)::int as n, sum(n)::int as sum from t where s = 'line ' || n";
  expect(await conn.query(text)).toEqual([{ n: 5_000, sum: 12_497_500 }]);
}

describe.each(shells)("$name shell", ({ connect }) => {
  const iterables: [what: string, make: () => Iterable<string | Uint8Array>][] = [
    ["an array of strings", () => LINES],
    ["a generator of bytes", () => bytes()],
    ["one long string", () => [LINES.join("")]],
  ];
  test.each(iterables)("from %s", async (_what, make) => {
    await using conn = await connect();
    await newTable(conn);
    await conn.cursor().copy("copy t from stdin", (copy) => copy.from(make()));
    await expectLines(conn);
  });

  test("rows of a generator that throws", async () => {
    await using conn = await connect();
    await newTable(conn);
    const error = await failureOf(() =>
      conn.cursor().copy("copy t from stdin", (copy) => copy.writeRows(failing())),
    );
    expect(error.message).toBe("no more");
    await expectUsable(conn);
    expect(await conn.query("table t")).toEqual([]);
  });

  test("in and out at the same time, between two connections", async () => {
    await using source = await connect();
    await using target = await connect();
    await target.execute("create temp table u (n int, s text)");
    const query = "select n, repeat('y', 100) from generate_series(1, 100000) n";
    for (const format of ["text", "binary"]) {
      const from = await source.cursor().copy(`copy (${query}) to stdout (format ${format})`);
      const to = await target.cursor().copy(`copy u from stdin (format ${format})`);
      for await (const piece of from) await to.write(piece);
      await to.finish();
    }
    expect(await target.query("select count(*)::int as n from u")).toEqual([{ n: 200_000 }]);
    await expectUsable(source);
  });

  test("much data, and a trigger that answers with as much", async () => {
    await using conn = await connect();
    await conn.execute(`create temp table t (n int, s text);
      create function pg_temp.noisy() returns trigger language plpgsql as
        $$ begin raise notice '%', new.s; return new; end $$;
      create trigger noisy before insert on t for each row execute function pg_temp.noisy();
      set client_min_messages = notice`);
    let notices = 0;
    conn.addNoticeHandler((diag) => void (notices += diag.messagePrimary?.length ?? 0));
    const row = [1, "z".repeat(10_000)];
    const cur = conn.cursor();
    {
      await using copy = await cur.copy("copy t from stdin");
      for (let n = 0; n < 3_000; n++) await copy.writeRow(row);
      await copy.finish();
    }
    expect([cur.rowCount, notices]).toEqual([3_000, 30_000_000]);
    await expectUsable(conn);
  });

  test("a reader that stands still keeps little", async () => {
    await using conn = await connect();
    const { rss } = process.memoryUsage();
    const query = "select repeat('x', 1000) from generate_series(1, 300000) n";
    let size = 0;
    {
      await using copy = await conn.cursor().copy(`copy (${query}) to stdout`);
      for await (const piece of copy) {
        size += piece.length;
        expect(piece.length).toBeLessThan(2_000_000);
      }
    }
    expect(size).toBe(300_300_000);
    expect(process.memoryUsage().rss - rss).toBeLessThan(150e6);
  });
});

describe("streams", () => {
  const { connect } = shells[0]!;

  const sources: [what: string, make: () => AsyncIterable<string | Uint8Array>][] = [
    ["a stream of Node.js", () => Readable.from(LINES)],
    ["a stream of bytes", () => Readable.from(bytes(), { objectMode: false })],
    ["a stream of the web", () => Readable.toWeb(Readable.from(bytes())) as never],
    ["an asynchronous generator", () => later()],
  ];
  test.each(sources)("from %s", async (_what, make) => {
    await using conn = await connect();
    await newTable(conn);
    await conn.cursor().copy("copy t from stdin", (copy) => copy.from(make()));
    await expectLines(conn);
  });

  test("to a file and back", async () => {
    await using conn = await connect();
    await newTable(conn);
    const cur = conn.cursor();
    const file = join(folder, "lines");
    await cur.copy("copy t from stdin", (copy) => pipeline(LINES, copy.writable()));
    await expectLines(conn);
    await cur.copy("copy (table t order by n) to stdout", (copy) =>
      pipeline(copy.readable(), createWriteStream(file)),
    );
    expect(readFileSync(file, "utf8")).toBe(LINES.join(""));
    await conn.execute("truncate t");
    await cur.copy("copy t from stdin", async (copy) => {
      await pipeline(createReadStream(file), copy.writable());
      // The stream's end is not the COPY's.
      await copy.writeRow([5_000, "one more"]);
    });
    expect(cur.rowCount).toBe(5_001);
  });

  test("through streams of the web", async () => {
    await using conn = await connect();
    await newTable(conn);
    const cur = conn.cursor();
    await cur.copy("copy t from stdin", async (copy) => {
      const source = Readable.toWeb(Readable.from(bytes()));
      await source.pipeTo(Writable.toWeb(copy.writable()) as never);
    });
    await expectLines(conn);
    let size = 0;
    await cur.copy("copy t to stdout", async (copy) => {
      for await (const piece of Readable.toWeb(copy.readable())) size += (piece as Buffer).length;
    });
    expect(size).toBe(LINES.join("").length);
  });

  test("a source that fails makes the COPY fail, a target that fails leaves the rest", async () => {
    await using conn = await connect();
    await newTable(conn);
    const cur = conn.cursor();
    const source = async function* (): AsyncGenerator<string> {
      yield* LINES;
      throw new Error("the source is broken");
    };
    for (const copy of [
      () => cur.copy("copy t from stdin", (copying) => copying.from(source())),
      () => cur.copy("copy t from stdin", (copying) => pipeline(source, copying.writable())),
      () =>
        cur.copy("copy (select generate_series(1, 1000000000)) to stdout", (copying) =>
          pipeline(copying.readable(), failingTarget()),
        ),
    ]) {
      expect((await failureOf(copy)).message).toMatch(/is broken/);
      await expectUsable(conn);
    }
    expect(await conn.query("table t")).toEqual([]);
  });

  test("an error of the server reaches the stream", async () => {
    await using conn = await connect();
    await newTable(conn);
    const error = await failureOf(() =>
      conn.cursor().copy("copy t from stdin", async (copy) => {
        const endless = async function* (): AsyncGenerator<string> {
          for (;;) yield `nope\t${"x".repeat(10_000)}\n`;
        };
        await pipeline(endless, copy.writable());
      }),
    );
    expect(error).toBeInstanceOf(errors.InvalidTextRepresentation);
    await expectUsable(conn);
  });

  test("writes that nobody waits for keep their order", async () => {
    await using conn = await connect();
    await conn.execute("create temp table u (id serial, s text)");
    await conn.cursor().copy("copy u (s) from stdin", (copy) => {
      const writes: Promise<void>[] = [];
      for (let n = 0; n < 200; n++) {
        writes.push(copy.writeRow([`${n}`]));
        writes.push(copy.write(`${n}${"x".repeat((n % 7) * 20_000)}\n`));
      }
      return Promise.all(writes);
    });
    const found = await conn.query("select rtrim(s, 'x') as s from u order by id");
    expect(found.map(({ s }) => Number(s))).toEqual(
      Array.from({ length: 400 }, (_, n) => Math.floor(n / 2)),
    );
  });
});

function* bytes(): Generator<Buffer> {
  for (const line of LINES) yield Buffer.from(line);
}

async function* later(): AsyncGenerator<string> {
  for (const line of LINES) {
    await Promise.resolve();
    yield line;
  }
}

function* failing(): Generator<unknown[]> {
  for (let n = 0; n < 100; n++) yield [n, "x"];
  throw new Error("no more");
}

/** A target that takes a little, and then fails. */
function failingTarget(): Writable {
  let pieces = 0;
  return new Writable({
    write: (_piece, _encoding, callback) =>
      callback(++pieces > 3 ? new Error("the target is broken") : null),
  });
}
