/**
 * Names of two-phase transactions: the three parts that transaction managers use, and PostgreSQL's one string.
 *
 * X/Open XA names a branch by a format id, a global id and a branch qualifier; PREPARE TRANSACTION takes a
 * string of less than 200 bytes. They are joined as the JDBC driver and psycopg join them, so a transaction that
 * one of them prepared can be ended with another. A string that was not made so is kept as it is.
 */
import { ProgrammingError } from "../errors.ts";
import { checkText } from "../protocol/writer.ts";
import { shownOption } from "./operations.ts";

/** XA allows this many bytes for each of the two ids. */
const LONGEST_PART = 64;
/** PostgreSQL allows this many bytes for the whole (GIDSIZE less the terminator). */
const LONGEST_NAME = 199;
const LARGEST_FORMAT = 0x7fff_ffff;
/** Format id and the two others in base64. */
const JOINED = /^(\d{1,10})_([A-Za-z0-9+/]*={0,2})_([A-Za-z0-9+/]*={0,2})$/;

/** What is known of a transaction that was found prepared. */
interface Found {
  readonly prepared: Date;
  readonly owner: string;
  readonly database: string;
}

/** The parts of a name. */
interface Parts {
  readonly formatId: number | null;
  readonly gtrid: string;
  readonly bqual: string | null;
}

/** The name of a two-phase transaction. Immutable. */
export class Xid {
  /** The format id; null for a name that has no parts. */
  readonly formatId: number | null;
  /** The global transaction id, or the whole name where it has no parts. */
  readonly gtrid: string;
  /** The branch qualifier; null for a name that has no parts. */
  readonly bqual: string | null;
  /** When it was prepared; null unless it was recovered. */
  readonly prepared: Date | null;
  /** Who prepared it; null unless it was recovered. */
  readonly owner: string | null;
  /** The database it was prepared in; null unless it was recovered. */
  readonly database: string | null;

  private constructor({ formatId, gtrid, bqual }: Parts, found: Found | null) {
    this.formatId = formatId;
    this.gtrid = gtrid;
    this.bqual = bqual;
    this.prepared = found?.prepared ?? null;
    this.owner = found?.owner ?? null;
    this.database = found?.database ?? null;
    Object.freeze(this);
  }

  /**
   * Makes a name of its parts.
   *
   * @param formatId a whole number from 0 to 2 ** 31 - 1.
   * @param gtrid the global transaction id, at most 64 bytes of UTF-8.
   * @param bqual the branch qualifier, at most 64 bytes of UTF-8.
   * @throws ProgrammingError for anything else, DataError for text that PostgreSQL can't hold.
   */
  static fromParts(formatId: number, gtrid: string, bqual: string): Xid {
    if (!Number.isInteger(formatId) || formatId < 0 || formatId > LARGEST_FORMAT) {
      throw new ProgrammingError(
        `formatId must be a whole number from 0 to ${LARGEST_FORMAT}, not ${shownOption(formatId)}`,
      );
    }
    checkPart("gtrid", gtrid);
    checkPart("bqual", bqual);
    return new Xid({ formatId, gtrid, bqual }, null);
  }

  /**
   * Makes a name of PostgreSQL's string: of its parts, where it is made of parts.
   *
   * @throws ProgrammingError when it is empty or has more than 199 bytes, DataError for text that PostgreSQL
   * can't hold.
   */
  static fromString(name: string): Xid {
    if (typeof name !== "string" || name === "") {
      throw new ProgrammingError(
        `a two-phase transaction's name must be an Xid or a string that isn't empty, not ${name === "" ? '""' : typeof name}`,
      );
    }
    checkText(name);
    const length = Buffer.byteLength(name);
    if (length > LONGEST_NAME) {
      throw new ProgrammingError(
        `a two-phase transaction's name has at most ${LONGEST_NAME} bytes, this one ${length}`,
      );
    }
    return new Xid(partsOf(name), null);
  }

  /** Makes the name of a transaction that was found prepared. @internal */
  static recovered(name: string, prepared: Date, owner: string, database: string): Xid {
    return new Xid(partsOf(name), { prepared, owner, database });
  }

  /** PostgreSQL's string. */
  toString(): string {
    const { formatId, gtrid, bqual } = this;
    if (formatId === null || bqual === null) return gtrid;
    return `${formatId}_${encode(gtrid)}_${encode(bqual)}`;
  }
}

/** Takes a name apart. One that would not become the same again has no parts: it is the server's name for it. */
function partsOf(name: string): Parts {
  const match = JOINED.exec(name);
  if (match) {
    const formatId = Number(match[1]);
    const gtrid = decode(match[2] as string);
    const bqual = decode(match[3] as string);
    if (
      gtrid !== null &&
      bqual !== null &&
      formatId <= LARGEST_FORMAT &&
      `${formatId}_${encode(gtrid)}_${encode(bqual)}` === name
    ) {
      return { formatId, gtrid, bqual };
    }
  }
  return { formatId: null, gtrid: name, bqual: null };
}

function encode(part: string): string {
  return Buffer.from(part, "utf8").toString("base64");
}

/** The text in base64; null when it can be none. Bytes that aren't UTF-8 would not become the same again. */
function decode(part: string): string | null {
  const bytes = Buffer.from(part, "base64");
  if (bytes.length > LONGEST_PART || bytes.includes(0)) return null;
  return bytes.toString("utf8");
}

function checkPart(name: string, part: string): void {
  if (typeof part !== "string") {
    throw new ProgrammingError(
      `${name} must be a string, not ${part === null ? "null" : typeof part}`,
    );
  }
  checkText(part);
  const length = Buffer.byteLength(part);
  if (length > LONGEST_PART) {
    throw new ProgrammingError(`${name} has at most ${LONGEST_PART} bytes, this one ${length}`);
  }
}
