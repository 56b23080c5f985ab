// Which addresses are tried, in which order and for how long, driven by hand: names have the addresses that the
// test says, and what becomes of each attempt is up to it.

import { describe, expect, test } from "@jest/globals";
import { resolveConninfo } from "../../src/conninfo/resolve.ts";
import { connect } from "../../src/core/connect.ts";
import { ping } from "../../src/core/ping.ts";
import { NO_SECRETS } from "../../src/core/secrets.ts";
import { ConnectionTimeout, OperationalError } from "../../src/errors.ts";
import type { Conversation, OpenEffect } from "../../src/protocol/effects.ts";

const refused = (): Error => new OperationalError("refused", { code: "ERR_MAHOUT_CONNECT" });

/** What is opened, until `outcome` throws something else than a refusal; and what it ends with. */
function played(
  conversation: Conversation<unknown>,
  names: Readonly<Record<string, readonly string[]>>,
  outcome: (open: OpenEffect) => Error = refused,
): { opened: string[]; waits: unknown[]; error: Error | null; value: unknown } {
  const opened: string[] = [];
  const waits: unknown[] = [];
  let failure: Error | null = null;
  try {
    for (;;) {
      const step = failure ? conversation.throw(failure) : conversation.next();
      failure = null;
      if (step.done) return { opened, waits, error: null, value: step.value };
      const effect = step.value;
      if (effect.kind === "resolve") {
        effect.addresses = names[effect.host] ?? [];
        if (!(effect.host in names)) failure = new OperationalError(`no ${effect.host}`);
      } else if (effect.kind === "open") {
        opened.push(`${effect.address.path ?? `${effect.address.host}:${effect.address.port}`}`);
        waits.push(effect.timeout === null ? null : [effect.timeout, effect.untilOpen]);
        failure = outcome(effect);
      }
    }
  } catch (error) {
    return { opened, waits, error: error as Error, value: undefined };
  }
}

const names = { one: ["10.0.0.1"], two: ["10.0.0.2", "fd00::2"], none: [] };
const connecting = (said: object): Conversation<unknown> => {
  const parameters = resolveConninfo({ user: "u", sslmode: "disable", ...said }, null, {});
  return connect(parameters, () => {}, NO_SECRETS);
};

describe("the addresses of hosts", () => {
  test("are tried one by one, and each is told with its reason", () => {
    const { opened, error } = played(connecting({ host: "two,one", port: "1,2" }), names);
    expect(opened).toEqual(["10.0.0.2:1", "fd00::2:1", "10.0.0.1:2"]);
    expect(error?.message.split("\n")).toEqual([
      "no connection could be made:",
      "- two (10.0.0.2), port 1: refused",
      "- two (fd00::2), port 1: refused",
      "- one (10.0.0.1), port 2: refused",
    ]);
  });

  test("that can't be had don't end the search", () => {
    const { opened, error } = played(connecting({ host: "missing,none,one" }), names);
    expect(opened).toEqual(["10.0.0.1:5432"]);
    expect(error?.message).toContain("- missing, port 5432: no missing");
  });

  test("are looked up only where there is a name", () => {
    const host = "127.0.0.1,::1,/tmp,unknown";
    const { opened } = played(connecting({ host, hostaddr: ",,,10.0.0.9" }), {});
    expect(opened).toEqual(["127.0.0.1:5432", "::1:5432", "/tmp/.s.PGSQL.5432", "10.0.0.9:5432"]);
  });

  test("have to answer soon, but for the last one", () => {
    const { waits } = played(connecting({ host: "two,one" }), names);
    expect(waits).toEqual([[3_500, true], [3_500, true], null]);
  });

  test("have what connect_timeout gives them, if it was said", () => {
    const { waits } = played(connecting({ host: "two,one", connect_timeout: 5 }), names);
    expect(waits).toEqual([
      [5_000, false],
      [5_000, false],
      [5_000, false],
    ]);
  });

  test("are tried twice where a standby is only preferred", () => {
    const said = { host: "two", target_session_attrs: "prefer-standby" };
    const { opened, waits } = played(connecting(said), names);
    expect(opened).toHaveLength(4);
    expect(waits.map((wait) => wait === null)).toEqual([false, false, false, true]);
  });

  test("are shuffled by load_balance_hosts=random", () => {
    const firsts = new Set<string | undefined>();
    for (let round = 0; round < 64 && firsts.size < 2; round++) {
      firsts.add(
        played(connecting({ host: "two", load_balance_hosts: "random" }), names).opened[0],
      );
    }
    expect(firsts).toEqual(new Set(["10.0.0.2:5432", "fd00::2:5432"]));
  });

  test("are left when the time is up or the caller has left", () => {
    for (const end of [
      new ConnectionTimeout("late"),
      new OperationalError("", { code: "ERR_MAHOUT_ABORTED" }),
    ]) {
      const { opened, error } = played(connecting({ host: "two,one" }), names, () => end);
      expect([opened.length, error]).toEqual([1, end]);
    }
  });

  test("are all pinged", () => {
    const parameters = resolveConninfo({ host: "missing,two,one", sslmode: "disable" }, null, {});
    const { opened, value } = played(ping(parameters), names);
    expect([opened.length, value]).toEqual([3, "noAnswer"]);
  });
});
