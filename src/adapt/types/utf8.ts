/**
 * Turning received bytes into strings, for all types: it is said where bytes are read.
 */
export { readLatin1, readUtf8 } from "../../protocol/bytes.ts";
