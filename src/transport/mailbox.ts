/**
 * The shared memory between a blocking connection and the worker that owns its socket.
 *
 * A few 32-bit words, an area for the text of an error, and a ring of received bytes. The worker is the
 * only one that moves `written`, the caller the only one that moves `read`; both only grow, modulo 2^32,
 * and their difference is what lies in the ring. Whoever changes anything raises `signal` and notifies it.
 * The worker gets this table with its start data, because its code can import nothing.
 */

/** The words, by index. */
export const Word = {
  /** Raised with every change; what the caller waits on. */
  signal: 0,
  /** Where the socket stands, see {@link Phase}. */
  phase: 1,
  /** The socket's descriptor, -1 when the caller has to write through the worker. */
  descriptor: 2,
  /** Bytes put into the ring. */
  written: 3,
  /** Bytes taken out of the ring. */
  read: 4,
  /** 1 while the worker has stopped reading because the ring is full. */
  paused: 5,
  /** The number of the last command that the worker finished. */
  done: 6,
  /** The length of the error text, 0 when there is none. */
  failed: 7,
  /** Raised in answer to a ping. */
  alive: 8,
  /** 1 once the worker is about to give the descriptor back to the system. */
  closing: 9,
  /** 1 while the caller writes to the descriptor, or reads it. */
  writing: 10,
  /** Bytes that the worker was given to write and the system has taken. */
  sent: 11,
  /** Who may read the socket, see {@link Reader}. */
  reader: 13,
  /** Raised with every operation that read for itself. */
  activity: 14,
  /** Reserved for several threads that share a connection. */
  lock: 12,
  /** How many cancel requests of other threads are under way. */
  cancels: 15,
  /** Never changes: what a short sleep waits for. */
  nap: 16,
  /** 1 while the descriptor makes who uses it wait: raised before that begins, and taken down after it has ended. */
  blocking: 17,
  /** Raised before and after a call that may have to wait: odd while one is under way. */
  blocked: 18,
  /** 1 once the worker holds nothing of this memory any more; the last that it says. */
  released: 19,
  /** The length of the server's certificate, 0 when it is unknown. */
  certificate: 20,
  /** The socket's descriptor for whoever wants to watch it, encrypted or not; -1 where the system offers none. */
  fileno: 21,
} as const;

/** Where a socket stands. */
export const Phase = { opening: 0, open: 1, ended: 2 } as const;

/** Who may read the socket: the worker; the caller, and just does; the caller, but the worker may take over. */
export const Reader = { worker: 0, caller: 1, free: 2 } as const;

/** A flag among the cancel requests: one of them was not confirmed, and may hit whatever runs next. */
export const CANCEL_LOST: number = 1 << 30;

/** How many words there are. */
export const WORDS = 32;
/** Where the error text begins. */
export const ERROR_START: number = WORDS * 4;
/** Where the ring begins. */
export const RING_START = 4096;
/** The ring's size in bytes; a power of two. */
export const RING_SIZE = 262_144;
/** Where the server's certificate begins, which the worker leaves after a TLS handshake. */
const CERTIFICATE_START: number = RING_START + RING_SIZE;
/** The longest certificate that has room, in bytes. */
const CERTIFICATE_SIZE = 65_536;

/** The layout as plain data, for the worker. */
export interface MailboxLayout {
  readonly word: typeof Word;
  readonly phase: typeof Phase;
  readonly reader: typeof Reader;
  readonly words: number;
  readonly errorStart: number;
  readonly ringStart: number;
  readonly ringSize: number;
  readonly certificateStart: number;
  readonly certificateSize: number;
}

/** The layout. */
export const layout: MailboxLayout = {
  word: Word,
  phase: Phase,
  reader: Reader,
  words: WORDS,
  errorStart: ERROR_START,
  ringStart: RING_START,
  ringSize: RING_SIZE,
  certificateStart: CERTIFICATE_START,
  certificateSize: CERTIFICATE_SIZE,
};

/** Holds the descriptor: it is not closed before it is let go of, and a call that waits for long is interrupted. */
export function hold(words: Int32Array): void {
  Atomics.store(words, Word.writing, 1);
  if (Atomics.load(words, Word.blocking) === 1) Atomics.add(words, Word.blocked, 1);
}

/** Lets go of the descriptor. Who closes it says so before it looks whether somebody holds it, and waits only then. */
export function letGo(words: Int32Array): void {
  Atomics.store(words, Word.writing, 0);
  if ((Atomics.load(words, Word.blocked) & 1) === 1) Atomics.add(words, Word.blocked, 1);
  if (Atomics.load(words, Word.closing) === 1) Atomics.notify(words, Word.writing);
}

/** Says that the descriptor isn't ours any more: it may be anybody's. */
export function disown(words: Int32Array): void {
  Atomics.store(words, Word.closing, 1);
  Atomics.store(words, Word.descriptor, -1);
  Atomics.store(words, Word.fileno, -1);
}

/** Memory for one connection. */
export function newMailbox(): SharedArrayBuffer {
  return new SharedArrayBuffer(CERTIFICATE_START + CERTIFICATE_SIZE);
}

/** Makes memory look like new, and without a descriptor: what lies behind the head is told by it. */
export function clear(memory: SharedArrayBuffer): SharedArrayBuffer {
  new Uint8Array(memory, 0, RING_START).fill(0);
  const words = new Int32Array(memory, 0, WORDS);
  words[Word.descriptor] = -1;
  words[Word.fileno] = -1;
  return memory;
}

/** The server's certificate in DER; null when the worker has left none. */
export function certificateIn(memory: SharedArrayBuffer): Uint8Array | null {
  const length = Atomics.load(new Int32Array(memory, 0, WORDS), Word.certificate);
  if (length === 0) return null;
  return new Uint8Array(memory.slice(CERTIFICATE_START, CERTIFICATE_START + length));
}

/**
 * What is left of a mailbox for whom it doesn't belong to any more: its words, saying that all is over, and the
 * error if there was one.
 */
export function remainsOf(memory: SharedArrayBuffer): SharedArrayBuffer {
  const failed = Atomics.load(new Int32Array(memory, 0, WORDS), Word.failed);
  const remains = memory.slice(0, ERROR_START + failed);
  const words = new Int32Array(remains, 0, WORDS);
  // The worker may have said how it failed while that was copied, and there is no room for it then.
  words[Word.failed] = failed;
  words[Word.phase] = Phase.ended;
  disown(words);
  words[Word.read] = words[Word.written] as number;
  words[Word.paused] = 0;
  words[Word.reader] = Reader.worker;
  words[Word.blocking] = 0;
  return remains;
}
