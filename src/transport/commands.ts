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
  | { readonly op: "claim" | "turn"; readonly id: number; readonly serial: number }
  | {
      readonly op: "secure";
      readonly id: number;
      readonly serial: number;
      readonly plan: TlsPlan;
      readonly certificate: SharedArrayBuffer;
    }
  | { readonly op: "write"; readonly id: number; readonly bytes: Uint8Array }
  | { readonly op: "resume" | "ping" | "destroy"; readonly id: number }
  | { readonly op: "end"; readonly id: number; readonly timeout: number };

/** What the worker tells the caller's event loop, when that has time: a connection has changed. */
export interface Change {
  readonly id: number;
}
