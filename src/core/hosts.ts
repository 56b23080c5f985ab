/**
 * Which servers are tried in which order, and whether one that let us in is of the wanted kind.
 *
 * Manual, 32.1.1.3 "Specifying Multiple Hosts", `target_session_attrs` and `load_balance_hosts`. All
 * supported servers report by themselves whether they are a standby and whether transactions are read-only
 * by default; what stands before one, a pooler for example, may not pass that on, and is asked as libpq does.
 */
import type {
  ConnectionParameters,
  Endpoint,
  TargetSessionAttributes,
} from "../conninfo/parameters.ts";
import type { Conversation } from "../protocol/effects.ts";
import type { Session } from "../protocol/session.ts";
import type { Encryption } from "../protocol/startup.ts";
import { fieldOf } from "./field.ts";

/** One round through the hosts. */
export interface HostPass {
  /** In the order in which they are tried. */
  readonly endpoints: readonly Endpoint[];
  /** The kind of session that this round takes. */
  readonly wanted: TargetSessionAttributes;
}

/** The rounds: one, or with `prefer-standby` a second one that takes any server. */
export function passesOf(parameters: ConnectionParameters): readonly HostPass[] {
  const { targetSessionAttrs: wanted, loadBalanceHosts, attempts } = parameters;
  const endpoints = loadBalanceHosts === "random" ? shuffled(attempts) : attempts;
  if (wanted !== "prefer-standby") return [{ endpoints, wanted }];
  return [
    { endpoints, wanted: "standby" },
    { endpoints, wanted: "any" },
  ];
}

/** The same in an order left to chance. */
export function shuffled<T>(items: readonly T[]): T[] {
  const result = [...items];
  for (let index = result.length - 1; index > 0; index--) {
    const other = Math.floor(Math.random() * (index + 1));
    [result[index], result[other]] = [result[other] as T, result[index] as T];
  }
  return result;
}

/**
 * Why the session is not of the wanted kind; null when it is.
 *
 * @throws the server's error when it has to be asked and doesn't answer.
 */
export function* unsuitable(
  session: Session,
  wanted: TargetSessionAttributes,
): Conversation<string | null> {
  switch (wanted) {
    case "read-write":
      return (yield* isReadOnly(session)) ? "the session is read-only" : null;
    case "read-only":
      return (yield* isReadOnly(session)) ? null : "the session is not read-only";
    case "primary":
      return (yield* isStandby(session)) ? "the server is a standby" : null;
    case "standby":
      return (yield* isStandby(session)) ? null : "the server is not a standby";
    default:
      return null;
  }
}

function* isReadOnly(session: Session): Conversation<boolean> {
  const standby = session.parameters.get("in_hot_standby");
  const readOnly = session.parameters.get("default_transaction_read_only");
  if (standby !== undefined && readOnly !== undefined) return standby === "on" || readOnly === "on";
  return (yield* fieldOf(session, "SHOW transaction_read_only")) === "on";
}

function* isStandby(session: Session): Conversation<boolean> {
  const standby = session.parameters.get("in_hot_standby");
  if (standby !== undefined) return standby === "on";
  return (yield* fieldOf(session, "SELECT pg_catalog.pg_is_in_recovery()")) === "t";
}

/** Which ways to encrypt are tried with an endpoint, in order; a unix socket needs none. */
export function encryptionsOf(
  parameters: ConnectionParameters,
  endpoint: Endpoint,
): readonly Encryption[] {
  if (endpoint.socketPath !== null) return ["none"];
  // In the clear there is nothing to bind to, and no certificate to show.
  const mustEncrypt =
    parameters.channelBinding === "require" || parameters.sslcertmode === "require";
  switch (parameters.sslmode) {
    case "disable":
      return ["none"];
    case "allow":
      return mustEncrypt ? ["required"] : ["none", "required"];
    case "prefer":
      return mustEncrypt ? ["offered"] : ["offered", "none"];
    default:
      return [parameters.sslnegotiation === "direct" ? "direct" : "required"];
  }
}

/** The encryption that a connection ended up with: another one to the same server asks for no less. */
export function settled(tried: Encryption, encrypted: boolean): Encryption {
  if (!encrypted) return "none";
  return tried === "direct" ? "direct" : "required";
}
