// What the fault proxy can do to the bytes between a client and a server, and what it tells: plain
// data, because it travels between threads.

/** One way of a connection. */
export type Direction = "toServer" | "toClient";

/** What is done to the bytes of one direction. */
export type Fault =
  /** Nothing: they are passed on, and what was held is, too. */
  | { readonly do: "pass" }
  /** They are read and lost: a network that has gone away. */
  | { readonly do: "hole" }
  /** They are read and kept until something else is said: a peer that stands still. */
  | { readonly do: "freeze" }
  /** They are not read: the buffers between fill up. */
  | { readonly do: "deaf" }
  /** They arrive later. */
  | { readonly do: "delay"; readonly milliseconds: number }
  /** Each byte arrives by itself. */
  | { readonly do: "bytewise" }
  /** What comes from now on arrives in two pieces, cut after so many bytes. */
  | { readonly do: "split"; readonly at: number }
  /** The byte after so many is changed: all its bits, or those of the mask. */
  | { readonly do: "corrupt"; readonly at: number; readonly mask?: number }
  /** So many bytes are passed on, and then another fault begins. */
  | { readonly do: "until"; readonly at: number; readonly next: Fault }
  /** The half is closed; what comes afterwards is lost. */
  | { readonly do: "end" }
  /** The whole connection is reset. */
  | { readonly do: "reset" };

/** What happens to who connects from now on: is passed on, refused, accepted and forgotten, closed, reset. */
export type Admission = "pass" | "refuse" | "hole" | "drop" | "reset";

/** Where a server listens. */
export type Target = { readonly host: string; readonly port: number } | { readonly path: string };

/** What the test asks of the proxy's thread. */
export type Order = { readonly serial: number } & (
  | { readonly do: "admit"; readonly admission: Admission }
  | {
      readonly do: "fault";
      readonly fault: Fault;
      readonly directions: readonly Direction[];
      /** Which connection, in the order in which they were made; null for all. */
      readonly connection: number | null;
      /** Whether connections that are made later begin with it; "only": those that are there don't. */
      readonly newcomers: boolean | "only";
    }
  | {
      readonly do: "arm";
      readonly fault: Fault;
      readonly directions: readonly Direction[];
      readonly connection: number | null;
      /** What must have passed to the server. */
      readonly seen: string;
    }
);

/** What the proxy's thread tells. */
export type Report =
  | { readonly event: "listening"; readonly port: number }
  | { readonly event: "done"; readonly serial: number }
  /** So many bytes came from the server. */
  | { readonly event: "answered"; readonly id: number; readonly bytes: number }
  | { readonly event: "accepted" | "closed" | "cancel"; readonly id: number }
  | { readonly event: "fault"; readonly id: number; readonly fault: Fault["do"] };
