// What a server said of an error, in tests.

import { Diagnostic } from "../../src/errors.ts";

/** The diagnostic of these fields, each under its letter. */
export function diagnostic(fields: Record<string, string>): Diagnostic {
  return Diagnostic.fromFields(new Map(Object.entries(fields)));
}
