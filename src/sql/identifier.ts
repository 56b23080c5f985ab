/**
 * Names as SQL writes them (manual, 4.1.1 "Identifiers and Key Words").
 */
import { ProgrammingError } from "../errors.ts";

/** The longest name that PostgreSQL keeps; what is longer it would silently cut. In bytes. */
export const LONGEST_NAME = 63;

/**
 * Quotes a name exactly as it is: case is kept, and any character may occur in it.
 *
 * @throws ProgrammingError for an empty name, one of more than 63 bytes, or one with a NUL character.
 */
export function quoteIdentifier(name: string): string {
  if (typeof name !== "string" || name === "" || name.includes("\0")) {
    throw new ProgrammingError(
      `a name must be a string that is not empty and holds no NUL character, not ${typeof name === "string" ? JSON.stringify(name) : typeof name}`,
    );
  }
  if (Buffer.byteLength(name) > LONGEST_NAME) {
    throw new ProgrammingError(
      `the name ${JSON.stringify(name)} has ${Buffer.byteLength(name)} bytes; PostgreSQL cuts names after ${LONGEST_NAME}`,
    );
  }
  return `"${name.replaceAll('"', '""')}"`;
}
