// Databases in other encodings than UTF8, in both shells: the server converts, the wire is UTF8 always, and what
// one side can't write is an error of the server's, never other text.

import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type AsyncConnection, errors } from "../../src/index.ts";
import { defaultServer } from "../support/default-server.ts";
import { expectUsable, failureOf, shells } from "../support/shells.ts";

const server = defaultServer();

interface Encoding {
  readonly name: string;
  /** What it can write. */
  readonly known: readonly string[];
  /** What it can't; null when it takes everything. */
  readonly unknown: string | null;
}

const encodings: readonly Encoding[] = [
  { name: "LATIN1", known: ["Größe", "ÿþ", "a'b\\c"], unknown: "5 €" },
  { name: "EUC_JP", known: ["日本語", "ソ表十", "カナ'\\"], unknown: "😀" },
  { name: "WIN1252", known: ["5 €", "“Größe”"], unknown: "日本" },
  // It has no meaning of its own: what is stored is what was sent.
  { name: "SQL_ASCII", known: ["Größe", "日本語", "5 €", "😀", "a'b\\c"], unknown: null },
];

const databaseOf = ({ name }: Encoding): string => `encoding_${name.toLowerCase()}`;

beforeAll(async () => {
  for (const encoding of encodings) {
    await server.administer(`drop database if exists ${databaseOf(encoding)}`);
    await server.administer(
      `create database ${databaseOf(encoding)} encoding '${encoding.name}' template template0
       lc_collate 'C' lc_ctype 'C'`,
    );
  }
});

afterAll(async () => {
  for (const encoding of encodings)
    await server.administer(`drop database ${databaseOf(encoding)} with (force)`);
});

const cases = shells.flatMap((shell) =>
  encodings.map((encoding) => [encoding.name, shell.name, encoding, shell] as const),
);

describe.each(cases)("a database in %s (%s)", (_, __, encoding, { connect }) => {
  const connected = async (): Promise<AsyncConnection> =>
    await connect({ dbname: databaseOf(encoding) });

  test("is spoken to in UTF8", async () => {
    await using conn = await connected();
    expect(await conn.query("show server_encoding")).toEqual([{ server_encoding: encoding.name }]);
    expect([conn.info.encoding, conn.info.parameterStatus("client_encoding")]).toEqual([
      "UTF8",
      "UTF8",
    ]);
  });

  test("keeps text, in every way that it goes", async () => {
    await using conn = await connected();
    await conn.execute("create temp table texts (id int, v text)");
    for (const [id, text] of encoding.known.entries()) {
      for (const binary of [true, false]) {
        const [row] = await conn.query("select $1::text as t, array[$1] as l", [text], { binary });
        expect(row).toEqual({ t: text, l: [text] });
      }
      const [json] = await conn.query("select $1::json as j", [{ text }]);
      expect(json).toEqual({ j: { text } });
      await conn
        .cursor({ binding: "client" })
        .execute("insert into texts values ($1, $2)", [id, text]);
      expect(await conn.query(`select 1 as "${text.replaceAll('"', "")}"`)).toEqual([
        { [text]: 1 },
      ]);
    }
    expect(await conn.query("select v from texts order by id")).toEqual(
      encoding.known.map((text) => ({ v: text })),
    );
    await copyThrough(conn, encoding.known);
  });

  test("refuses what it can't write, and goes on", async () => {
    await using conn = await connected();
    const { unknown } = encoding;
    if (unknown === null) {
      // What others stored in some encoding comes as no text at all: the server says so.
      const bytes = "select encode(v::bytea, 'hex') as hex, v from (select E'\\xff'::text as v) t";
      const error = await failureOf(async () => await conn.query(bytes));
      expect(error).toBeInstanceOf(errors.CharacterNotInRepertoire);
      expect(await conn.query(bytes.replace(", v from", " from"))).toEqual([{ hex: "ff" }]);
    } else {
      for (const run of [
        async () => await conn.query("select $1::text", [unknown]),
        async () => await conn.query(`select '${unknown}'`),
        async () => await conn.cursor({ binding: "client" }).execute("select $1::text", [unknown]),
      ]) {
        expect(await failureOf(run)).toBeInstanceOf(errors.UntranslatableCharacter);
      }
    }
    await expectUsable(conn);
  });
});

async function copyThrough(conn: AsyncConnection, texts: readonly string[]): Promise<void> {
  await conn.execute("create temp table copied (v text)");
  const cursor = conn.cursor();
  const rows = texts.map((text) => [text]);
  await cursor.copy("copy copied from stdin", (copy) => copy.writeRows(rows));
  expect(await conn.query("select v from copied")).toEqual(texts.map((v) => ({ v })));
}
