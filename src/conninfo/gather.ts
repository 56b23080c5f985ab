// Who may say something about a connection, and who wins.
//
// Explicit options beat the connection string (both come in as one map), that beats the service
// file, that the environment, that the defaults. A keyword set to nothing is still set: it hides
// what later sources say, as in libpq. PostgreSQL manual: 34.1.2, 34.15 and 34.17.

import { keywords } from "./keywords.ts";
import { readService } from "./service.ts";
import type { Environment, Settings } from "./settings.ts";
import { settingOf, store } from "./settings.ts";

/** Adds what the service file, the environment and the defaults say; the argument is not changed. */
export function gather(explicit: Settings, environment: Environment): Settings {
  const settings: Settings = new Map(explicit);
  const service = settings.get("service")?.value ?? environment["PGSERVICE"];
  if (service !== undefined) {
    for (const [keyword, setting] of readService(service, environment))
      if (!settings.has(keyword)) settings.set(keyword, setting);
  }
  for (const { keyword, variable } of variables) {
    if (settings.has(keyword)) continue;
    const value = environment[variable];
    if (value !== undefined) store(settings, keyword, value, `environment variable ${variable}`);
  }
  if (!settings.has("sslmode"))
    store(settings, "sslmode", ...defaultSslmode(settings, environment));
  for (const { keyword, setting } of defaults)
    if (!settings.has(keyword)) settings.set(keyword, setting);
  return settings;
}

const variables = keywords.flatMap(({ keyword, environment }) =>
  environment === null ? [] : [{ keyword, variable: environment }],
);
const defaults = keywords.flatMap(({ keyword, fallback }) =>
  fallback === null ? [] : [{ keyword, setting: settingOf(keyword, fallback, "the defaults") }],
);

/** The old PGREQUIRESSL still counts, and the system's root certificates imply the strictest mode. */
function defaultSslmode(settings: Settings, environment: Environment): [string, string] {
  if (environment["PGREQUIRESSL"]?.startsWith("1") === true) {
    return ["require", "environment variable PGREQUIRESSL"];
  }
  const isStrict = settings.get("sslrootcert")?.value === "system";
  return [isStrict ? "verify-full" : "prefer", "the defaults"];
}
