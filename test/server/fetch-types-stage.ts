// Where the tests of fetchTypes play: a database with types that stand in several schemas, consist of each other, or
// come with tables, views and extensions; and connections that know them.

import type { AsyncConnection, AsyncConnectOptions, DictRow } from "../../src/index.ts";
import type { Shell } from "../support/shells.ts";
import { type TypeStage, typeStage } from "./type-stage.ts";

const TYPES = `
  create schema app;
  create schema "Far Away";
  create type mood as enum ('sad', 'it''s "fine"', '');
  create type "Far Away"."Mood ""x""" as enum ('A', 'b');
  create type app.point2 as (x int, y int);
  create domain positive as int check (value > 0);
  create domain matrix as int[];
  create domain words as text check (value <> '');
  create type app.person as (
    name text, feels mood, age positive, gone int, at app.point2, seen timestamptz, tags text[], grid matrix);
  alter type app.person drop attribute gone;
  create type family as (people app.person[], moods mood[], far "Far Away"."Mood ""x""");
  create domain parent as app.person;
  create type floats as range (subtype = float8, multirange_type_name = manyfloats);
  create type "Far Away".moods as range (subtype = mood);
  create type "__proto__" as ("__proto__" text, "constructor" int);
  create type nothing as ();
  create table items (id int primary key, gone text, label words, size app.point2);
  alter table items drop column gone;
  insert into items values (1, 'one', (1, 2)), (2, 'two', null);
  create view seen as select c as relation, array[label] as labels from items, pg_class c;
  create extension hstore;
  create extension citext;
`;

/** Makes the database before the tests of the file that calls it. */
export function fetchTypesStage(): TypeStage {
  return typeStage(TYPES);
}

/** Connects as a shell does, with the types of the database known unless the options say otherwise. */
export function knowingTypes({
  connect,
}: Shell): (options?: AsyncConnectOptions<DictRow>) => Promise<AsyncConnection<DictRow>> {
  return (options) => connect({ fetchTypes: true, ...options });
}
