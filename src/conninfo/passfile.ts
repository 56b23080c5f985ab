// The password file, ~/.pgpass: host:port:database:user:password, one connection a line.
//
// The first line that matches gives the password. A field "*" matches anything; a backslash takes
// the next character as it is. The file is ignored, with a warning, unless it is a plain file that
// only its owner can read. Nothing here keeps the text or ever puts it into a message.
// PostgreSQL manual: 34.16 "The Password File".

import { readFileSync } from "node:fs";

import { statOf } from "./environment.ts";

/** What a line of a password file is matched with. */
export interface PasswordQuery {
  /** The host as written, else the address, or "localhost" for the usual socket directories. */
  readonly host: string;
  /** As written. */
  readonly port: string;
  readonly dbname: string;
  readonly user: string;
}

/** The lines of a password file, and why it was ignored if it was. */
export interface PasswordFile {
  readonly lines: readonly string[];
  /** What to tell whoever runs the program, or null. */
  readonly warning: string | null;
}

const nothing: readonly string[] = [];

/** Reads a password file; one that is missing or cannot be read is as good as empty. */
export function readPasswordFile(path: string): PasswordFile {
  const stats = statOf(path);
  if (stats === null) return { lines: nothing, warning: null };
  if (!stats.isFile()) {
    return {
      lines: nothing,
      warning: `the password file ${path} is ignored: it is not a plain file`,
    };
  }
  // Windows protects the directory instead.
  if (process.platform !== "win32" && (stats.mode & 0o077) !== 0) {
    const warning =
      `the password file ${path} is ignored: its group or others have access to it; ` +
      `its permissions should be u=rw (0600) or less`;
    return { lines: nothing, warning };
  }
  try {
    return { lines: readFileSync(path, "utf8").split("\n"), warning: null };
  } catch {
    return { lines: nothing, warning: null };
  }
}

/** Finds the password for a connection; null when no line matches or the line has none. */
export function findPassword(lines: readonly string[], query: PasswordQuery): string | null {
  const wanted = [query.host, query.port, query.dbname, query.user];
  for (const untrimmed of lines) {
    const line = untrimmed.replace(/\r+$/, "");
    if (line.startsWith("#")) continue;
    const fields = fieldsOf(line);
    const password = fields[wanted.length];
    if (password === undefined) continue;
    const matches = wanted.every(
      (value, index) => fields[index] === "*" || unescape(fields[index] ?? "") === value,
    );
    if (matches) return unescape(password) || null;
  }
  return null;
}

/** Cuts a line at its unescaped colons and leaves the backslashes in. */
function fieldsOf(line: string): string[] {
  const fields: string[] = [];
  let start = 0;
  for (let at = 0; at < line.length; at++) {
    if (line[at] === "\\") {
      at++;
    } else if (line[at] === ":") {
      fields.push(line.slice(start, at));
      start = at + 1;
    }
  }
  fields.push(line.slice(start));
  return fields;
}

function unescape(field: string): string {
  return field.replaceAll(/\\(.)/gs, "$1");
}
