/**
 * The type money, as string, as the server prints it: `$1,234.50`.
 *
 * Currency, separators and even the count of decimals are those of the server's `lc_monetary`, which the client
 * isn't told: neither can the binary form be read, a count of the smallest unit, nor can a fraction be written,
 * as its point would be a separator of thousands elsewhere. Whole numbers mean the same everywhere.
 * `price::numeric` and `$1::numeric::money` are exact. PostgreSQL manual, 8.2.
 */
import { DataError } from "../../errors.ts";
import { builtin } from "../oids.ts";
import { TEXT } from "../format.ts";
import type { Codec } from "../registry.ts";
import { shown, wrongKind } from "./refuse.ts";
import { readUtf8 } from "./utf8.ts";

function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value === "bigint" || Number.isSafeInteger(value)) return String(value);
  if (typeof value !== "number") throw wrongKind("money", "a string or a whole number", value);
  throw new DataError(
    `${shown(value)} would be read by the rules of the server's lc_monetary; give money a string, or ` +
      `write $1::numeric::money`,
  );
}

function unreadable(): never {
  throw new DataError(
    "money in binary can't be read without the server's lc_monetary; read it as text, or cast it to numeric",
  );
}

/** money, as string. */
export const money: Codec = {
  ...builtin("money"),
  results: TEXT,
  loadText: readUtf8,
  loadBinary: unreadable,
  dumpText: textOf,
  dumpBinary(value: unknown): boolean {
    textOf(value);
    return false;
  },
  isTextOnly: true,
};
