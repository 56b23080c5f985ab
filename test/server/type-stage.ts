// Where the tests of types of a database play: a database of their own with types of every kind, and connections
// to it in both shells. Files that test different types run at once, and so may a file and its second play
// with the pipeline on.

import { afterAll, afterEach, beforeAll, beforeEach, expect } from "@jest/globals";
import { globalAdapters } from "../../src/adapt/builtins.ts";
import { AdaptersMap, type AsyncConnection } from "../../src/index.ts";
import { administer, type Shell, shells } from "../support/shells.ts";

/** The schema of the types, first in the search_path of those who ask for them. */
export const SCHEMA = "infos";
const TYPES = `
  create schema infos;
  create schema "Other.Schema";
  set search_path = infos, public;
  create type mood as enum ('sad', 'ok', 'it''s "fine"', '');
  create type "Other.Schema"."Mood ""x""" as enum ('A');
  create type "Other.Schema".mood as enum ('elsewhere');
  create type "__proto__" as ("__proto__" text, "constructor" int, "a b" int);
  create domain positive as int check (value > 0);
  create domain "very Positive" as positive;
  create domain matrix as int[];
  create domain weather as mood;
  create type point2 as (x int, y int);
  create type nothing as ();
  create type one as (it text);
  create type person as (name text, feels mood, age positive, at point2, seen timestamptz, tags text[]);
  create type family as (people person[], home point2, moods mood[]);
  create domain parent as person;
  create type floats as range (subtype = float8, multirange_type_name = manyfloats);
  create type moods as range (subtype = mood);
  create table items (id int primary key, gone text, label text, size point2);
  alter table items drop column gone;
  create extension hstore;
  create extension citext;
`;

/** A database with the types, while the tests of a file run. */
export interface TypeStage {
  readonly dbname: string;
  /** The shells, with the database as the one that they connect to. */
  readonly shells: readonly Shell[];
  /** Runs SQL in the database. */
  administer(text: string): Promise<string[][]>;
}

let count = 0;

/** Makes the database, with these types, before the tests of the file, or of the block, that calls it. */
export function typeStage(types: string = TYPES): TypeStage {
  const dbname = `types_${process.pid}_${++count}`;
  beforeAll(async () => {
    await administer(`drop database if exists ${dbname} with (force)`);
    await administer(`create database ${dbname}`);
    await administer(types, { dbname });
  });
  afterAll(() => administer(`drop database ${dbname} with (force)`));
  return {
    dbname,
    administer: (text) => administer(text, { dbname }),
    shells: shells.map((shell) => ({
      ...shell,
      connect: (options) => shell.connect({ dbname, ...options }),
    })),
  };
}

/** Ways to ask a connection for one value. */
export interface Questions {
  /** The value of the column v of the first row. */
  valueOf(text: string, parameters?: unknown[], binary?: boolean): Promise<unknown>;
  /** Expects a value that is sent to come back, in every format, and its text to be what the server says. */
  expectRoundTrip(type: string, value: unknown, text: string): Promise<void>;
}

/**
 * Connects before each test of the block that calls it, and closes after it; what was registered for the program is
 * taken back. `take` is given the connection, which the questions go to.
 */
export function connectForEach(
  { connect }: Shell,
  take: (conn: AsyncConnection) => void,
): Questions {
  let conn: AsyncConnection;
  const before = new AdaptersMap(globalAdapters);

  beforeEach(async () => {
    conn = await connect({ options: `-c search_path=${SCHEMA},public` });
    take(conn);
  });

  afterEach(async () => {
    globalAdapters.assume(before);
    await conn.close();
  });

  async function valueOf(
    text: string,
    parameters: unknown[] = [],
    binary?: boolean,
  ): Promise<unknown> {
    const options = binary === undefined ? {} : { binary };
    return (await conn.query(text, parameters, options))[0]?.v;
  }

  async function expectRoundTrip(type: string, value: unknown, text: string): Promise<void> {
    for (const binary of [undefined, true, false]) {
      const again = await valueOf(`select $1::${type} as v`, [value], binary);
      expect([binary, again]).toStrictEqual([binary, value]);
      expect([
        binary,
        await valueOf(`select '${text.replaceAll("'", "''")}'::${type} as v`, [], binary),
      ]).toStrictEqual([binary, value]);
    }
    expect(await valueOf(`select $1::${type}::text as v`, [value])).toBe(text);
  }

  return { valueOf, expectRoundTrip };
}
