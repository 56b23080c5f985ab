/** Why a COPY ends before its time, in words for the server and for the program. */
import { ProgrammingError } from "../errors.ts";

/** As much of a reason as is told to the server. */
const LONGEST_REASON = 1000;

/** What a block's error is to the server. */
export function reasonOf(error: unknown): string {
  try {
    return String(error);
  } catch {
    return "an error that cannot be shown";
  }
}

/** A reason as the server can be told it. */
export function sayable(reason: string): string {
  return reason.slice(0, LONGEST_REASON).replaceAll(/[\0\p{Surrogate}]/gu, "?");
}

/** The error of a statement that turned out to be something else than one COPY. */
export function notCopy(text: string): ProgrammingError {
  return new ProgrammingError(
    "copy() takes a single COPY ... FROM STDIN or COPY ... TO STDOUT; what was given is something else, and was run",
    { statement: text, outcome: "completed" },
  );
}
