/**
 * The TLS handshake of both shells: begun on an open socket, and judged once it is over.
 *
 * It runs where the socket lives, so for the blocking shell in the worker, to which it is shipped as text:
 * it may use nothing from outside itself but types. What is to be asked of a handshake is decided in tls.ts.
 */
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { TlsPlan } from "./tls.ts";

/** What a handshake takes. */
export interface Handshake {
  /** Begins it; `secureConnect` or `error` tell of its end. */
  begin(plain: Socket, plan: TlsPlan): TLSSocket;
  /** Why a handshake that succeeded is not good enough; null when it is. */
  flaw(socket: TLSSocket, plan: TlsPlan): string | null;
}

/** Makes the handshake of what Node.js has for it. */
export function handshakeOf(
  tls: Pick<typeof import("node:tls"), "connect">,
  fs: Pick<typeof import("node:fs"), "appendFileSync">,
): Handshake {
  type Write = (...given: unknown[]) => void;

  /**
   * A write that fails because nobody reads any more would destroy the socket, and with it what the server
   * has said before it left: that is still to be read, and reading tells of the end as well.
   */
  function surviveWriting(socket: TLSSocket): void {
    const writable = socket as unknown as Record<"_write" | "_writev", Write | undefined>;
    for (const name of ["_write", "_writev"] as const) {
      const write = writable[name];
      if (write === undefined) continue;
      writable[name] = (...given): void => {
        const done = given.pop() as (error?: (Error & { code?: string }) | null) => void;
        write.call(socket, ...given, (error?: (Error & { code?: string }) | null) => {
          done(error?.code === "EPIPE" || error?.code === "ECONNRESET" ? null : error);
        });
      };
    }
  }

  return {
    begin(plain, { options, checksHost, keyLog }) {
      const socket = tls.connect({
        ...options,
        socket: plain,
        ...(checksHost ? {} : { checkServerIdentity: () => undefined }),
      });
      surviveWriting(socket);
      if (keyLog !== null) {
        socket.on("keylog", (line: Uint8Array) => {
          try {
            fs.appendFileSync(keyLog, line, { mode: 0o600 });
          } catch (error) {
            socket.destroy(error as Error);
          }
        });
      }
      return socket;
    },
    flaw(socket, { needsProtocol, needsCertificate }) {
      if (needsProtocol && socket.alpnProtocol !== "postgresql")
        return "the server speaks TLS but does not speak PostgreSQL's protocol in it";
      // OpenSSL's client learns of the server's signature algorithms only from such a request.
      if (needsCertificate && socket.getSharedSigalgs().length === 0)
        return "the server did not ask for a client certificate, but sslcertmode is require";
      return null;
    },
  };
}
