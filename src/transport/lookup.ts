/**
 * Looking up the addresses of a host as the system does.
 *
 * It runs wherever sockets live, so for the blocking shell in the worker, to which it is shipped as text: it may
 * use nothing from outside itself but types.
 */
import type { Command } from "./commands.ts";
import type { SocketFailure } from "./failures.ts";
import type { MailboxLayout } from "./mailbox.ts";

/** What came of it. */
export type Looked = { readonly addresses: readonly string[] } | { readonly error: SocketFailure };

/** What a lookup takes. */
export interface Lookup {
  /** Looks up a host's addresses, and tells them in the order of the system. */
  ask(host: string, done: (looked: Looked) => void): void;
  /** Looks up what another thread wants to know, and puts what was found, as text, into the ring between them. */
  answer(layout: MailboxLayout, command: Command & { op: "resolve" }): void;
}

/** Makes the lookup of what Node.js has for it. */
export function lookupOf(dns: Pick<typeof import("node:dns"), "lookup">): Lookup {
  /** More than any host has, and few enough to be told in one piece. */
  const MOST = 1_000;

  function ask(host: string, done: (looked: Looked) => void): void {
    dns.lookup(host, { all: true }, (error, found) => {
      if (error) return done({ error: { message: error.message, code: error.code } });
      const addresses = found.slice(0, MOST).map(({ address }) => address);
      done({ addresses: [...new Set(addresses)] });
    });
  }

  return {
    ask,
    answer({ word, words: count, ringStart }, { memory, host, serial }) {
      const words = new Int32Array(memory, 0, count);
      ask(host, (looked) => {
        const text = new TextEncoder().encode(JSON.stringify(looked));
        new Uint8Array(memory).set(text, ringStart);
        Atomics.add(words, word.written, text.length);
        Atomics.store(words, word.done, serial);
        Atomics.add(words, word.signal, 1);
        Atomics.notify(words, word.signal);
        Atomics.store(words, word.released, 1);
      });
    },
  };
}
