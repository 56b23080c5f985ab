// The service file: sections of keywords that a connection names with `service=name`.
//
// Lines are "[section]", "keyword=value" or comments; the first value of a keyword counts, there
// is no quoting and no space around "=". The file is PGSERVICEFILE, else ~/.pg_service.conf;
// where it lacks the section, pg_service.conf of the system-wide directory is looked at too.
// PostgreSQL manual: 34.17 "The Connection Service File".

import { readFileSync } from "node:fs";
import { devNull } from "node:os";
import { join } from "node:path";

import { statOf, userFile } from "./environment.ts";
import type { Keyword } from "./keywords.ts";
import { findKeyword } from "./keywords.ts";
import { quote, refusal, unavailable, unknownKeyword, unsupported } from "./refusals.ts";
import type { Environment, Settings } from "./settings.ts";
import { store } from "./settings.ts";

/** Where the common packages of PostgreSQL keep the system-wide file; libpq knows only its own. */
const systemDirectories = [
  "/etc/postgresql-common",
  "/etc/sysconfig/pgsql",
  "/usr/local/pgsql/etc",
] as const;

/**
 * Looks a service up and gives what its section says.
 *
 * Throws OperationalError when PGSERVICEFILE cannot be read or no file has the section, and
 * ProgrammingError, with file and line, for a section that cannot be understood.
 */
export function readService(name: string, environment: Environment): Settings {
  const tried: string[] = [];
  for (const path of candidates(environment)) {
    const settings = readSection(path, name);
    if (settings !== null) return settings;
    tried.push(path);
  }
  const where = tried.length === 0 ? "there is no service file" : `looked in ${tried.join(", ")}`;
  throw unavailable(`the service ${quote(name)} is not defined: ${where}`);
}

function* candidates(environment: Environment): Generator<string, void, undefined> {
  const named = environment["PGSERVICEFILE"];
  const own = named ?? userFile(environment, ".pg_service.conf", ".pg_service.conf");
  // A file that was named must be there; one at its usual place may be.
  if (own !== null && (named !== undefined || statOf(own) !== null)) yield own;
  const directory = environment["PGSYSCONFDIR"];
  for (const one of directory === undefined ? systemDirectories : [directory]) {
    const path = join(one, "pg_service.conf");
    if (statOf(path) !== null) {
      yield path;
      return;
    }
  }
}

function readSection(path: string, name: string): Settings | null {
  // A pipe could keep the whole program waiting for whoever fills it.
  if (path !== devNull && statOf(path)?.isFile() === false) {
    throw unavailable(`the service file ${quote(path)} is not a plain file`);
  }
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw unavailable(`the service file ${quote(path)} cannot be read`, cause);
  }
  let settings: Settings | null = null;
  for (const [index, untrimmed] of text.split("\n").entries()) {
    const line = untrimmed.replace(/^[ \t\v\f\r]+/, "").replace(/[ \t\v\f\r]+$/, "");
    if (line === "" || line.startsWith("#")) continue;
    if (line.startsWith("[")) {
      if (settings !== null) return settings;
      if (line.startsWith(`[${name}]`)) settings = new Map();
    } else if (settings !== null) {
      readLine(settings, line, `line ${index + 1} of the service file ${quote(path)}`, name);
    }
  }
  return settings;
}

/** Errors show the keyword but nothing else of the line, which may be about a password. */
function readLine(settings: Settings, line: string, place: string, service: string): void {
  if (line.startsWith("ldap")) {
    throw unsupported(`${place} asks an LDAP server, which is not supported`);
  }
  const end = line.indexOf("=");
  if (end < 0) throw refusal(`${place} is not a comment, a [section] or keyword=value`);
  const name = line.slice(0, end);
  if (/\s$/.test(name))
    throw refusal(`${place} has a space before "=", which is not allowed there`);
  if (name === "service") throw refusal(`${place} names another service, which is not allowed`);
  const keyword = findKeyword(name)?.keyword;
  if (keyword === undefined) throw unknownKeyword(name, place);
  if (!settings.has(keyword)) storeLine(settings, keyword, line.slice(end + 1), place, service);
}

function storeLine(
  settings: Settings,
  keyword: Keyword,
  value: string,
  place: string,
  service: string,
): void {
  store(settings, keyword, value, `service ${quote(service)} (${place})`);
}
