/** The two formats of fields on the wire (PostgreSQL manual, 54.1.3 "Formats and Format Codes"). */

/** A field's format on the wire: 0 is text, 1 is binary. */
export type Format = 0 | 1;
/** The text format. */
export const TEXT = 0;
/** The binary format. */
export const BINARY = 1;
