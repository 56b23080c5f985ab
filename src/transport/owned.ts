/** What the worker of blocking connections knows of one of its sockets; see pump.ts. */
import type { Socket } from "node:net";

/** One socket, and the memory in which its connection is told of it. */
export interface Owned {
  readonly id: number;
  words: Int32Array;
  bytes: Uint8Array;
  socket: Socket;
  /** Bytes that found no room in the ring. */
  waiting: Uint8Array[];
  /** What is read into while the ring has no room: a read needs a buffer that isn't empty. */
  overflow: Uint8Array | null;
  serial: number;
  /** Whether the socket has ended, and whether the caller was told. */
  over: boolean;
  ended: boolean;
  /** Whether the system has closed the socket: nothing is read into the ring any more. */
  closed: boolean;
  /** Called when the socket was given something to write. */
  given: () => void;
  /** What `activity` was when it was last looked at. */
  activity: number;
  /** What `blocked` was when it was last looked at. */
  blocked: number;
}
