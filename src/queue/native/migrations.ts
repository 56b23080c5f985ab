/**
 * How the native schema came to be, version by version.
 *
 * A migration may only add: tables, columns with defaults, indexes, functions under new names. A worker of the version before goes on
 * working while and after it is applied; what it uses goes away with the version after the next.
 */
import type { Migration } from "../statement.ts";
import { EXCHANGE } from "./exchange.ts";
import { MANAGEMENT } from "./management.ts";
import { OUTCOMES } from "./outcomes.ts";
import { TABLES } from "./tables.ts";
import { TIDINGS } from "./tidings.ts";
import { TURNS } from "./turns.ts";
import { WORKERS } from "./workers.ts";

/** All of them, oldest first, as templates. */
export const MIGRATIONS: readonly Migration[] = [
  {
    version: 1,
    name: "jobs, locks and workers",
    sql: [TABLES, TIDINGS, TURNS, OUTCOMES, EXCHANGE, WORKERS, MANAGEMENT].join(""),
  },
];
