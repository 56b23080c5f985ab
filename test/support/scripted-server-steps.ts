// What a script of the scripted server can do, and what its thread reports: plain data, because it
// travels between threads.

/** What a script can do with a connection. */
export type Step =
  /** Waits for messages of these types, in this order; any other is a fault. */
  | { readonly do: "await"; readonly types: readonly string[] }
  /** Sends, in one piece or in pieces of so many bytes with a pause after each. */
  | { readonly do: "send"; readonly bytes: Uint8Array; readonly piece?: number }
  /** So many times: waits for a message of this type and answers it. */
  | {
      readonly do: "serve";
      readonly type: string;
      readonly bytes: Uint8Array;
      readonly times: number;
    }
  /** Answers a SASL message; `{nonce}` in the text is the client's nonce. */
  | { readonly do: "answerSasl"; readonly code: number; readonly text: string }
  /** Takes part in a TLS handshake. */
  | { readonly do: "secure" }
  /** Sends the same again and again until the connection is over. */
  | { readonly do: "flood"; readonly bytes: Uint8Array }
  /** Closes our half. */
  | { readonly do: "end" }
  /** Closes once everything has been sent. */
  | { readonly do: "close" }
  /** Resets the connection. */
  | { readonly do: "reset" }
  /** Reads nothing any more. */
  | { readonly do: "deafen" }
  /** Keeps the connection even when the client closes its half. */
  | { readonly do: "stay" }
  /** Waits until the test opens the gate, or for so many milliseconds. */
  | { readonly do: "gate"; readonly name: string }
  /** Opens a gate itself, for the script of another connection. */
  | { readonly do: "open"; readonly name: string }
  | { readonly do: "pause"; readonly milliseconds: number };

/** What the thread is started with. */
export interface Start {
  /** The first connection plays the first script, and so on. */
  readonly scripts: readonly (readonly Step[])[];
  /** Where to listen: a socket's path, or null for a TCP port of the system's choice. */
  readonly path: string | null;
  readonly cert: string;
  readonly key: string;
}

/** What the thread reports. */
export type Report =
  | { readonly event: "listening"; readonly port: number }
  | { readonly event: "accepted"; readonly id: number }
  /** Bytes came from the client; `encrypted` ones are shown as they were before encryption. */
  | {
      readonly event: "bytes";
      readonly id: number;
      readonly bytes: Uint8Array;
      readonly encrypted: boolean;
    }
  /** A whole message came. */
  | {
      readonly event: "message";
      readonly id: number;
      readonly type: string;
      readonly bytes: Uint8Array;
    }
  /** The client has closed its half; the connection is no more; the script has been played. */
  | { readonly event: "ended" | "closed" | "played"; readonly id: number }
  /** The connection failed, or the client did not do as the script says. */
  | { readonly event: "error" | "fault"; readonly id: number; readonly text: string };
