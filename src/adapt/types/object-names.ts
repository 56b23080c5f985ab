/**
 * regclass, regtype and the other types that name an object of the database, as string: its name.
 *
 * The text is asked for, because it is the name; the binary form is only the oid. Where nothing but the binary
 * form comes (in a COPY in binary, in a record), the string is the oid in digits: still text of the type, which
 * means the same object. Numbers are taken as oids. PostgreSQL manual, 8.19.
 */
import { uint32 } from "../../protocol/bytes.ts";
import type { Writer } from "../../protocol/writer.ts";
import { builtin } from "../oids.ts";
import { TEXT } from "../format.ts";
import type { Codec } from "../registry.ts";
import { unsignedInteger } from "./integer.ts";
import { wrongLength } from "./refuse.ts";
import { readUtf8 } from "./utf8.ts";

/** What all of these types print for the oid 0. */
const NOTHING = "-";
/** An oid as the server prints it. */
const DIGITS = /^[1-9]\d{0,9}$/;

function objectName(type: string): Codec {
  const oid = unsignedInteger(type);
  const oidText = (value: unknown): string => {
    const text = oid.dumpText(value);
    return typeof value === "string" || text !== "0" ? text : NOTHING;
  };
  return {
    ...builtin(type),
    results: TEXT,
    loadText: readUtf8,
    loadBinary(bytes: Buffer, start: number, end: number): string {
      if (end - start !== 4) throw wrongLength(type, 4, end - start);
      return String(uint32(bytes, start) || NOTHING);
    },
    dumpText: oidText,
    dumpBinary(value: unknown, out: Writer): boolean {
      if (value === NOTHING) return oid.dumpBinary(0, out);
      const isOid = typeof value === "string" && DIGITS.test(value) && Number(value) <= 0xffffffff;
      return oid.dumpBinary(isOid ? Number(value) : value, out);
    },
    isTextOnly: true,
  };
}

/** All of the types that name an object, as string. */
export const objectNames: readonly Codec[] = [
  "regclass",
  "regcollation",
  "regconfig",
  "regdictionary",
  "regnamespace",
  "regoper",
  "regoperator",
  "regproc",
  "regprocedure",
  "regrole",
  "regtype",
].map(objectName);
