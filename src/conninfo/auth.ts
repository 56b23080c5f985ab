// The keywords about proving who one is, beside the password: SCRAM's keys, and what OAuth tokens are got with.
//
// SCRAM's keys are what it makes of a password; a proxy that was logged in to by SCRAM knows them, and can pass
// the login on without ever having seen the password. PostgreSQL manual: 34.1.2 for scram_client_key, oauth_issuer.

import type { Keyword } from "./keywords.ts";
import type { ConnectionParameters, OAuthParameters } from "./parameters.ts";
import { conceal } from "./parameters.ts";
import { refusal } from "./refusals.ts";
import type { Settings } from "./settings.ts";
import { textOf } from "./settings.ts";
import { invalid } from "./values.ts";

const keyLength = 32;

/** Reads the keywords; throws ProgrammingError for keys that are none, and for one without the other. */
export function resolveAuth(settings: Settings): Pick<ConnectionParameters, "scramKeys" | "oauth"> {
  const clientKey = keyOf(settings, "scram_client_key");
  const serverKey = keyOf(settings, "scram_server_key");
  if ((clientKey === null) !== (serverKey === null)) {
    const said = clientKey === null ? "scram_server_key" : "scram_client_key";
    throw refusal(
      "scram_client_key and scram_server_key are needed both: one proves us, the other the server; " +
        `there is only ${said}, from ${settings.get(said)?.origin}`,
    );
  }
  const oauth: OAuthParameters = {
    issuer: textOf(settings, "oauth_issuer"),
    clientId: textOf(settings, "oauth_client_id"),
    clientSecret: textOf(settings, "oauth_client_secret"),
    scope: textOf(settings, "oauth_scope"),
  };
  return {
    scramKeys: clientKey && serverKey && { clientKey, serverKey },
    oauth: conceal(oauth, ["clientSecret"]),
  };
}

function keyOf(settings: Settings, keyword: Keyword): Uint8Array | null {
  const setting = settings.get(keyword);
  if (setting === undefined || setting.value === "") return null;
  const key = Buffer.from(setting.value, "base64");
  if (key.length !== keyLength || key.toString("base64") !== setting.value) {
    throw invalid(keyword, setting, `must be ${keyLength} bytes in base64`);
  }
  return new Uint8Array(key);
}
