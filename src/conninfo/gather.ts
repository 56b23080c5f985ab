// Who may say something about a connection, and who wins.
//
// Explicit options beat the connection string (both come in as one map), that beats the service
// file, that the environment, that the defaults. A keyword set to nothing is still set: it hides
// what later sources say, as in libpq. PostgreSQL manual: 34.1.2, 34.15 and 34.17.

import { keywords } from "./keywords.ts";
import { readService } from "./service.ts";
import type { Environment, Settings } from "./settings.ts";
import { store } from "./settings.ts";

/** Adds what the service file, the environment and the defaults say; the argument is not changed. */
export function gather(explicit: Settings, environment: Environment): Settings {
  const settings: Settings = new Map(explicit);
  const service = settings.get("service")?.value ?? environment["PGSERVICE"];
  if (service !== undefined) add(settings, readService(service, environment));
  add(settings, fromEnvironment(environment));
  if (!settings.has("sslmode"))
    store(settings, "sslmode", ...defaultSslmode(settings, environment));
  add(settings, defaults);
  return settings;
}

const defaults: Settings = new Map();
for (const { keyword, fallback } of keywords)
  if (fallback !== null) store(defaults, keyword, fallback, "the defaults");

function add(settings: Settings, others: Settings): void {
  for (const [keyword, setting] of others) {
    if (!settings.has(keyword)) settings.set(keyword, setting);
  }
}

function fromEnvironment(environment: Environment): Settings {
  const settings: Settings = new Map();
  for (const { keyword, environment: variable } of keywords) {
    const value = variable === null ? undefined : environment[variable];
    if (value !== undefined) store(settings, keyword, value, `environment variable ${variable}`);
  }
  return settings;
}

/** The old PGREQUIRESSL still counts, and the system's root certificates imply the strictest mode. */
function defaultSslmode(settings: Settings, environment: Environment): [string, string] {
  if (environment["PGREQUIRESSL"]?.startsWith("1") === true) {
    return ["require", "environment variable PGREQUIRESSL"];
  }
  const isStrict = settings.get("sslrootcert")?.value === "system";
  return [isStrict ? "verify-full" : "prefer", "the defaults"];
}
