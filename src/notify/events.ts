/** What a listener tells: on a channel, and about itself. */

/** A notification that has come through a channel. */
export interface NotificationEvent {
  readonly kind: "notification";
  readonly channel: string;
  /** What was sent along; empty when nothing was. */
  readonly payload: string;
  /** The process id of the server session that sent it. */
  readonly pid: number;
}

/** Notifications may have been missed: what they tell of has to be looked up. Listening goes on after it. */
export interface GapEvent {
  readonly kind: "gap";
  readonly channel: string;
  /** When the listener was last known to hear everything. */
  readonly since: Date;
  /** What went wrong. */
  readonly reason: Error;
}

/** What comes through a channel. */
export type ChannelEvent = NotificationEvent | GapEvent;

/** Called with what comes through a channel, as it arrives; what it returns is ignored. */
export type ChannelHandler = (event: ChannelEvent) => unknown;

/** What happens to a listener's connection. */
export type ListenerEvent =
  /** It is connected, has proved that it hears notifications, and listens to all channels. */
  | { readonly kind: "connected"; readonly pid: number }
  /** The connection was lost, or has proved to be deaf. */
  | { readonly kind: "disconnected"; readonly error: Error }
  /** It is connected again; each channel was told of the gap before. */
  | { readonly kind: "gap"; readonly since: Date; readonly reason: Error }
  /** An attempt to connect again has failed; the next one follows after so many milliseconds. */
  | { readonly kind: "error"; readonly error: Error; readonly delay: number }
  /** It has ended: by `close()`, or with the error of the last attempt. */
  | { readonly kind: "closed"; readonly error: Error | null };
