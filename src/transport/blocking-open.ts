/**
 * Opening and securing a blocking connection's socket: what is asked of the worker, and what became of it.
 *
 * How to wait for the worker is the transport's business, and is given as a function.
 */
import type { ConnectionParameters } from "../conninfo/parameters.ts";
import type { Address, ResolveEffect, SecureEffect } from "../protocol/effects.ts";
import { unprotected } from "../protocol/session.ts";
import { Channel } from "./bridge.ts";
import { asError, unreachable, unresolved } from "./failures.ts";
import type { Looked } from "./lookup.ts";
import { socketOptions } from "./socket-options.ts";
import { explaining, tlsPlan } from "./tls.ts";

/**
 * Has the worker look up a host; `settle` waits until it has.
 *
 * @throws OperationalError when the host can't be found.
 */
export function resolveThrough(effect: ResolveEffect, settle: (channel: Channel) => void): void {
  const channel = new Channel();
  let text = "";
  try {
    channel.resolve(effect.host);
    settle(channel);
    if (channel.ended) throw unresolved(effect.host, channel.error ?? { message: "no answer" });
    channel.receive({
      receive: (bytes, start, end) => {
        text = bytes.toString("utf8", start, end);
        return end;
      },
    });
  } finally {
    channel.destroy();
  }
  const looked = JSON.parse(text) as Looked;
  if ("error" in looked) throw unresolved(effect.host, looked.error);
  effect.addresses = looked.addresses;
}

/** Starts to open a socket. */
export function openChannel(parameters: ConnectionParameters, address: Address): Channel {
  const channel = new Channel();
  channel.open({
    options: socketOptions(parameters, address),
    patience: parameters.tcpUserTimeoutMs ?? 0,
    direct: process.platform !== "win32",
  });
  return channel;
}

/**
 * Looks what became of that.
 *
 * @throws OperationalError when it could not be opened.
 */
export function checkOpened(channel: Channel, address: Address): void {
  const failure = asError(channel.error);
  // Without an error it was open and has ended since; what the server said on its way is still to be read.
  if (channel.ended && failure) {
    channel.destroy();
    throw unreachable(address, failure);
  }
}

/**
 * Starts TLS; `settle` waits until the handshake has ended.
 *
 * @throws OperationalError when that did not go well.
 */
export function secureChannel(
  channel: Channel,
  parameters: ConnectionParameters,
  effect: SecureEffect,
  settle: () => void,
): void {
  const plan = tlsPlan(parameters, effect.serverName);
  const certificate = channel.secure(plan);
  settle();
  // The worker reads at all times: what slipped in before the handshake would pass for encrypted.
  if (channel.unread) {
    channel.destroy();
    throw unprotected();
  }
  if (channel.ended) {
    channel.destroy();
    throw explaining(parameters, plan)(asError(channel.error));
  }
  effect.peerCertificate = certificate();
}
