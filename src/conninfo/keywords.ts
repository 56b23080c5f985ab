// The table of connection keywords: every one that libpq 18 knows, and what else may set it.
//
// One row says the keyword, the environment variable that stands in for it, the default that
// applies after that, and what its values are like. Nothing here reads or checks a value; the
// order of the rows is the order in which makeConninfo() writes them. libpq's own table is
// recorded in test/conninfo/libpq-answers.json and compared with this one.
// PostgreSQL manual: 34.1.2 "Parameter Key Words", 34.15 "Environment Variables".

/** The name of a connection parameter, exactly as libpq spells it. */
export type Keyword =
  | "service"
  | "user"
  | "password"
  | "passfile"
  | "channel_binding"
  | "connect_timeout"
  | "dbname"
  | "host"
  | "hostaddr"
  | "port"
  | "client_encoding"
  | "options"
  | "application_name"
  | "fallback_application_name"
  | "keepalives"
  | "keepalives_idle"
  | "keepalives_interval"
  | "keepalives_count"
  | "tcp_user_timeout"
  | "sslmode"
  | "sslnegotiation"
  | "sslcompression"
  | "sslcert"
  | "sslkey"
  | "sslcertmode"
  | "sslpassword"
  | "sslrootcert"
  | "sslcrl"
  | "sslcrldir"
  | "sslsni"
  | "requirepeer"
  | "require_auth"
  | "min_protocol_version"
  | "max_protocol_version"
  | "ssl_min_protocol_version"
  | "ssl_max_protocol_version"
  | "gssencmode"
  | "krbsrvname"
  | "gsslib"
  | "gssdelegation"
  | "replication"
  | "target_session_attrs"
  | "load_balance_hosts"
  | "scram_client_key"
  | "scram_server_key"
  | "oauth_issuer"
  | "oauth_client_id"
  | "oauth_client_secret"
  | "oauth_scope"
  | "sslkeylogfile";

/**
 * What the values of a keyword are like.
 *
 * `text` is anything, `secret` is text that is never shown, `integer` is a decimal number,
 * `switch` is an integer or flag for which a boolean may be given, `choice` is one of a few words.
 */
export type KeywordKind = "text" | "secret" | "integer" | "switch" | "choice";

/** One row of the table of keywords. */
export interface KeywordDefinition {
  readonly keyword: Keyword;
  /** The environment variable that is looked at when nothing else gives a value, or null. */
  readonly environment: string | null;
  /** The value when the environment gives none either; null leaves the keyword without one. */
  readonly fallback: string | null;
  readonly kind: KeywordKind;
}

function row(
  keyword: Keyword,
  environment: string | null,
  fallback: string | null,
  kind: KeywordKind = "text",
): KeywordDefinition {
  return { keyword, environment, fallback, kind };
}

/** Every keyword, in libpq's order. */
export const keywords: readonly KeywordDefinition[] = [
  row("service", "PGSERVICE", null),
  row("user", "PGUSER", null),
  row("password", "PGPASSWORD", null, "secret"),
  row("passfile", "PGPASSFILE", null),
  row("channel_binding", "PGCHANNELBINDING", "prefer", "choice"),
  row("connect_timeout", "PGCONNECT_TIMEOUT", null, "integer"),
  row("dbname", "PGDATABASE", null),
  row("host", "PGHOST", null),
  row("hostaddr", "PGHOSTADDR", null),
  row("port", "PGPORT", "5432"),
  row("client_encoding", "PGCLIENTENCODING", null),
  row("options", "PGOPTIONS", ""),
  row("application_name", "PGAPPNAME", null),
  row("fallback_application_name", null, null),
  row("keepalives", null, null, "switch"),
  row("keepalives_idle", null, null, "integer"),
  row("keepalives_interval", null, null, "integer"),
  row("keepalives_count", null, null, "integer"),
  row("tcp_user_timeout", null, null, "integer"),
  row("sslmode", "PGSSLMODE", "prefer", "choice"),
  row("sslnegotiation", "PGSSLNEGOTIATION", "postgres", "choice"),
  row("sslcompression", "PGSSLCOMPRESSION", "0", "switch"),
  row("sslcert", "PGSSLCERT", null),
  row("sslkey", "PGSSLKEY", null),
  row("sslcertmode", "PGSSLCERTMODE", null, "choice"),
  row("sslpassword", null, null, "secret"),
  row("sslrootcert", "PGSSLROOTCERT", null),
  row("sslcrl", "PGSSLCRL", null),
  row("sslcrldir", "PGSSLCRLDIR", null),
  row("sslsni", "PGSSLSNI", "1", "switch"),
  row("requirepeer", "PGREQUIREPEER", null),
  row("require_auth", "PGREQUIREAUTH", null),
  row("min_protocol_version", "PGMINPROTOCOLVERSION", null, "choice"),
  row("max_protocol_version", "PGMAXPROTOCOLVERSION", null, "choice"),
  row("ssl_min_protocol_version", "PGSSLMINPROTOCOLVERSION", "TLSv1.2", "choice"),
  row("ssl_max_protocol_version", "PGSSLMAXPROTOCOLVERSION", null, "choice"),
  // libpq's default depends on how it was built; without GSSAPI, as here, it is "disable".
  row("gssencmode", "PGGSSENCMODE", "disable", "choice"),
  row("krbsrvname", "PGKRBSRVNAME", "postgres"),
  row("gsslib", "PGGSSLIB", null),
  row("gssdelegation", "PGGSSDELEGATION", "0", "switch"),
  row("replication", null, null, "switch"),
  row("target_session_attrs", "PGTARGETSESSIONATTRS", "any", "choice"),
  row("load_balance_hosts", "PGLOADBALANCEHOSTS", "disable", "choice"),
  row("scram_client_key", null, null, "secret"),
  row("scram_server_key", null, null, "secret"),
  row("oauth_issuer", null, null),
  row("oauth_client_id", null, null),
  row("oauth_client_secret", null, null, "secret"),
  row("oauth_scope", null, null),
  row("sslkeylogfile", null, null),
];

const byName: ReadonlyMap<string, KeywordDefinition> = new Map(
  keywords.map((definition) => [definition.keyword, definition]),
);

/** Finds the row of a keyword; undefined when libpq has no keyword of that name. */
export function findKeyword(name: string): KeywordDefinition | undefined {
  return byName.get(name);
}

/** Tells whether the values of this keyword must never be shown; false for unknown names. */
export function isSecret(name: string): boolean {
  return byName.get(name)?.kind === "secret";
}
