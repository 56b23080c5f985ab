/** What a blocking connection and the worker that owns its socket say to each other by message. */
import type { NetConnectOpts } from "node:net";
import type { TlsPlan } from "./tls.ts";

/** What the caller asks of the worker. */
export type Command =
  | {
      readonly op: "open";
      readonly id: number;
      readonly serial: number;
      readonly memory: SharedArrayBuffer;
      readonly options: NetConnectOpts;
      /** The patience of the write watchdog, in milliseconds; 0 for ever. */
      readonly patience: number;
      readonly direct: boolean;
    }
  | {
      readonly op: "resolve";
      readonly id: number;
      readonly serial: number;
      readonly memory: SharedArrayBuffer;
      readonly host: string;
    }
  | { readonly op: "turn"; readonly id: number; readonly serial: number }
  | {
      readonly op: "claim";
      readonly id: number;
      readonly serial: number;
      /** Whether the descriptor should make the caller wait. */
      readonly blocks: boolean;
    }
  | {
      readonly op: "secure";
      readonly id: number;
      readonly serial: number;
      readonly plan: TlsPlan;
    }
  | { readonly op: "write"; readonly id: number; readonly bytes: Uint8Array }
  | { readonly op: "resume" | "ping" | "destroy"; readonly id: number }
  | { readonly op: "end"; readonly id: number; readonly timeout: number };

/** What the worker tells the caller's event loop, when that has time: a connection has changed. */
export interface Change {
  readonly id: number;
}

/** Where a socket goes, and how it is treated. */
export type ChannelSettings = Omit<Command & { op: "open" }, "op" | "id" | "serial" | "memory">;

/** What a failed socket had to say. */
export interface ChannelError {
  readonly message: string;
  readonly code?: string;
}
