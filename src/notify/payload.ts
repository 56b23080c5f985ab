/**
 * What may be sent through a channel (manual: NOTIFY).
 */
import { ProgrammingError } from "../errors.ts";

/** The longest payload that the server takes, in bytes. */
const LONGEST_PAYLOAD = 7_999;

/**
 * Checks what is to be sent.
 *
 * @throws ProgrammingError when it is no text, too long, or holds a NUL character. The text itself is not
 * shown, as it may be a secret.
 */
export function checkPayload(payload: string): void {
  if (typeof payload !== "string") {
    throw new ProgrammingError(`a payload must be a string, not ${typeof payload}`);
  }
  if (payload.includes("\0")) {
    throw new ProgrammingError("a payload can't contain a NUL character");
  }
  const size = Buffer.byteLength(payload);
  if (size > LONGEST_PAYLOAD) {
    throw new ProgrammingError(
      `a payload can have ${LONGEST_PAYLOAD} bytes, and this one has ${size}; send a key to where the rest is`,
    );
  }
}
