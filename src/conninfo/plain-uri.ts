// Reading plain URIs with pg-connection-string: those which it provably reads as libpq does.
//
// That package reads web addresses, so it differs from libpq wherever the two grammars differ,
// and it opens certificate files and prints warnings on the way. It is therefore given a URI only
// when every character is one that both grammars leave alone, when there is one plain host, and
// when no query parameter is one that it interprets. test/conninfo/plain-uri.test.ts compares its
// reading of such URIs with that of uri.ts. Its types stay in this file.

import { parse } from "pg-connection-string";

import type { Pair } from "./settings.ts";

/** Letters, digits and the marks that no URI grammar gives a meaning to. */
const plain = "[A-Za-z0-9_.~-]";
/** The same, or one printable ASCII character in percent-encoding. */
const encoded = `(?:${plain}|%(?:2[0-9A-Fa-f]|[3-6][0-9A-Fa-f]|7[0-9A-Ea-e]))`;
/** Query parameters that mean nothing to that package: it hands them through. */
const passive = [
  "application_name",
  "channel_binding",
  "connect_timeout",
  "fallback_application_name",
  "keepalives",
  "keepalives_idle",
  "load_balance_hosts",
  "options",
  "replication",
  "require_auth",
  "target_session_attrs",
  "tcp_user_timeout",
] as const;
const parameter = `(?:${passive.join("|")})=${encoded}*`;

/** A database name may not begin with a dot: web addresses do without "." and "..". */
const shape = new RegExp(
  `^postgres(?:ql)?://(?:${encoded}+(?::${encoded}+)?@)?[A-Za-z0-9_][A-Za-z0-9_.-]*` +
    `(?::(?<port>[1-9][0-9]{0,4}))?(?:/(?:[A-Za-z0-9_~-]${plain}*)?)?` +
    `(?:\\?${parameter}(?:&${parameter})*)?$`,
);

/** Tells whether parsePlainUri() may be used on this URI. */
export function isPlainUri(uri: string): boolean {
  const match = shape.exec(uri);
  return match !== null && Number(match.groups?.["port"] ?? 0) <= 65_535;
}

/** Reads a URI for which isPlainUri() holds; gives what parseUri() would. */
export function parsePlainUri(uri: string): Pair[] {
  const { user, password, host, port, database, ...query } = parse(uri);
  const found = { user, password, host, port, dbname: database };
  const pairs: Pair[] = [];
  const put = (name: string, value: unknown): void => {
    pairs.push({ name, value: String(value), position: 0, doubtful: "nothing" });
  };
  for (const [name, value] of Object.entries(found)) {
    if (typeof value === "string" && value !== "") put(name, value);
  }
  for (const [name, value] of Object.entries(query)) put(name, value);
  return pairs;
}
