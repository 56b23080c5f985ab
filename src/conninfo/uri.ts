// The grammar of `postgresql://user:password@host:port,host:port/dbname?keyword=value`, libpq's.
//
// It is not the grammar of web addresses. Only the first "@" before the first "/" ends the
// credentials; hosts and ports are lists; "#" means nothing; "+" is a plus; a host may be a socket
// directory, percent-encoded; nothing is lowered, shortened or normalised; the query may say any
// keyword and so replace what stands before it. Spaces around a part do not count, spaces inside
// it are refused. A password with an unencoded "/" or "@" is cut in two and its rest becomes host,
// port or database: what might be such a rest is marked and never shown.
// PostgreSQL manual: 34.1.1.2 "Connection URIs".

import { isSecret } from "./keywords.ts";
import { refusal } from "./refusals.ts";
import type { Pair } from "./settings.ts";

const prefixes = ["postgresql://", "postgres://"] as const;

/** Tells whether libpq would read the string as a URI; else it is keyword/value. */
export function isUri(text: string): boolean {
  return prefixes.some((prefix) => text.startsWith(prefix));
}

/**
 * Reads a URI into keywords and values; what is empty before the query is left out.
 *
 * Throws ProgrammingError for brackets that do not match, a broken percent-encoding, bytes that are
 * not UTF-8, spaces inside a part, and a query that is not keyword=value. Whether the keywords of
 * the query exist is not checked here.
 */
export function parseUri(uri: string): Pair[] {
  const start = prefixes.find((prefix) => uri.startsWith(prefix))?.length ?? 0;
  const pairs: Pair[] = [];
  const put = (
    name: string,
    encoded: string,
    position: number,
    doubtful: Pair["doubtful"],
  ): void => {
    const value = decode(encoded, name);
    if (encoded !== "") pairs.push({ name, value, position, doubtful });
  };

  const credentials = /^[^@/]*@/.exec(uri.slice(start))?.[0];
  let at = start;
  if (credentials !== undefined) {
    const [, user = "", password = ""] = /^([^:@]*):?([^@]*)@/.exec(credentials) ?? [];
    put("user", user, start + 1, "nothing");
    put("password", password, start + user.length + 2, "nothing");
    at += credentials.length;
  }
  // Another "@" further on: a password that was not encoded, or a harmless one in the query.
  const doubtful = uri.includes("@", at) ? "everything" : "nothing";
  const isPiece = uri.slice(at, endOf(uri, at, "?")).includes("@");
  const ofPlace = isPiece ? "piece" : doubtful;

  const places = new Places(uri, at);
  put("host", places.hosts.join(","), at + 1, ofPlace);
  put("port", places.ports.join(","), at + 1, ofPlace);
  at = places.end;
  if (uri[at] === "/") {
    const end = endOf(uri, at, "?");
    put("dbname", uri.slice(at + 1, end), at + 2, ofPlace);
    at = end;
  }
  if (uri[at] === "?") pairs.push(...parseQuery(uri, at + 1, doubtful));
  return pairs;
}

/** The lists of hosts and ports, still encoded. */
class Places {
  readonly hosts: string[] = [];
  readonly ports: string[] = [];
  /** Where "/" or "?" or nothing follows. */
  end: number;

  constructor(uri: string, start: number) {
    this.end = start;
    for (;;) {
      this.hosts.push(uri[this.end] === "[" ? this.#bracketed(uri) : this.#until(uri, ":/?,"));
      if (uri[this.end] === ":") {
        this.end++;
        this.ports.push(this.#until(uri, "/?,"));
      } else {
        this.ports.push("");
      }
      if (uri[this.end] !== ",") return;
      this.end++;
    }
  }

  #until(uri: string, terminators: string): string {
    const start = this.end;
    this.end = endOf(uri, start, terminators);
    return uri.slice(start, this.end);
  }

  #bracketed(uri: string): string {
    const open = this.end;
    const close = uri.indexOf("]", open);
    if (close < 0) {
      throw refusal(`the "[" at character ${open + 1} of the connection URI is never closed`);
    }
    if (close === open + 1) {
      throw refusal(`the brackets at character ${open + 1} of the connection URI hold no address`);
    }
    this.end = close + 1;
    const next = uri[this.end];
    if (next !== undefined && !":/?,".includes(next)) {
      throw refusal(
        `character ${this.end + 1} of the connection URI, after "]", must be ":", "/", "," or "?"`,
      );
    }
    return uri.slice(open + 1, close);
  }
}

function endOf(text: string, start: number, terminators: string): number {
  let end = start;
  while (end < text.length && !terminators.includes(text.charAt(end))) end++;
  return end;
}

function parseQuery(uri: string, start: number, doubtful: Pair["doubtful"]): Pair[] {
  const pairs: Pair[] = [];
  let at = start;
  let afterSecret = false;
  while (at < uri.length) {
    const end = endOf(uri, at, "&");
    const parts = uri.slice(at, end).split("=");
    const [encodedName = "", encodedValue] = parts;
    if (encodedValue === undefined || parts.length > 2) {
      throw refusal(
        `the query parameter at character ${at + 1} of the connection URI must be one keyword, ` +
          `one "=" and one value; in values write "=" as %3D and "&" as %26`,
      );
    }
    let name = decode(encodedName, "a keyword of the query");
    let value = decode(encodedValue, "a value of the query");
    if (name === "ssl" && value === "true") {
      // JDBC's spelling, which libpq takes as well.
      name = "sslmode";
      value = "require";
    }
    // After a password a further name may be what follows a "&" in it.
    const isName = doubtful === "nothing" && afterSecret;
    pairs.push({ name, value, position: at + 1, doubtful: isName ? "name" : doubtful });
    afterSecret ||= isSecret(name);
    at = end + 1;
  }
  return pairs;
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Decodes one part; the errors name the part and show nothing of it. */
function decode(encoded: string, part: string): string {
  let start = 0;
  let end = encoded.length;
  while (start < end && encoded[start] === " ") start++;
  while (end > start && encoded[end - 1] === " ") end--;
  const text = encoded.slice(start, end);
  if (text.includes(" ")) {
    throw refusal(`${part} of the connection URI contains a space; write it as %20`);
  }
  if (/%(?![0-9A-Fa-f]{2})/.test(text)) {
    throw refusal(
      `${part} of the connection URI contains a "%" without two hexadecimal digits after it; ` +
        `write a percent sign as %25`,
    );
  }
  return text.replaceAll(/(?:%[0-9A-Fa-f]{2})+/g, (run) => {
    const bytes = Buffer.from(run.replaceAll("%", ""), "hex");
    if (bytes.includes(0)) throw refusal(`${part} of the connection URI contains %00`);
    try {
      return utf8.decode(bytes);
    } catch {
      throw refusal(`${part} of the connection URI is not UTF-8 once it is decoded`);
    }
  });
}
