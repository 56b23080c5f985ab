/**
 * The caller's half of the bridge: sleeps while a worker listens.
 *
 * JavaScript cannot wait for a socket without returning to its event loop, but it can wait for a word in
 * shared memory. A worker owns the sockets and puts what arrives into that memory; the caller writes,
 * sleeps in `Atomics.wait` and is woken by the bytes. Every sleep has an end: it is cut into slices, and
 * a worker that shows no sign of life in a few of them is given up, and the connection with it.
 *
 * While the caller sleeps, none of its events run. So nothing may depend on one here: whatever the worker
 * has to say is said in the mailbox.
 */
import { writeSync } from "node:fs";
import type { Worker } from "node:worker_threads";
import { OperationalError } from "../errors.ts";
import { channels, startWorker } from "./bridge-worker.ts";
import type { ChannelError, ChannelSettings, Command } from "./commands.ts";
import type { Taker } from "./direct-reader.ts";
import { DirectReader, MOST_AT_ONCE } from "./direct-reader.ts";
import {
  certificateIn,
  disown,
  ERROR_START,
  hold,
  letGo,
  Phase,
  remainsOf,
  RING_SIZE,
  RING_START,
  Word,
  WORDS,
} from "./mailbox.ts";
import { leaveMailbox, takeMailbox } from "./spare-mailboxes.ts";
import type { TlsPlan } from "./tls.ts";

/** The longest single sleep, in milliseconds. */
const SLICE = 1_000;
/** Slices without a sign of life after which the worker is given up. */
const SILENT_SLICES = 10;

/** What may be on its way to the worker when all is written through it, in bytes. */
const MOST_OUTSTANDING = 256 * 1024;

let serial = 0;

/** One socket of the worker, as its connection sees it. */
export class Channel {
  /** Called from the event loop when the connection has ended while nobody waited. */
  onChange: (() => void) | null = null;
  readonly #id = ++serial;
  readonly #worker: Worker = startWorker();
  #words: Int32Array;
  #ring: Buffer;
  #memory: SharedArrayBuffer = takeMailbox();
  /** Whether somebody else may look into the memory, write into it, or be told of it for as long as it lives. */
  #isKept = false;
  /** Whether pieces of the ring are being looked at. */
  #isReceiving = false;
  /** Reads without the worker, when that is granted. */
  readonly direct: DirectReader;
  #command = 0;
  #given = 0;
  #seen = 0;
  #silent = 0;

  constructor() {
    this.#words = new Int32Array(this.#memory, 0, WORDS);
    this.#ring = Buffer.from(this.#memory, RING_START, RING_SIZE) as Buffer;
    this.direct = new DirectReader(this.#words);
    channels.set(this.#id, this);
  }

  #post(command: Command): void {
    this.#worker.postMessage(command);
  }

  /** Whether the socket has ended; bytes may still lie in the ring. */
  get ended(): boolean {
    return Atomics.load(this.#words, Word.phase) === Phase.ended;
  }

  /** The descriptor; -1 when writing goes through the worker. */
  get descriptor(): number {
    return Atomics.load(this.#words, Word.descriptor);
  }

  /** The descriptor to be watched; -1 where the system offers none. */
  get fileno(): number {
    return Atomics.load(this.#words, Word.fileno);
  }

  /** Shows the memory to other threads, see cancel-handle.ts: it will be no other connection's. */
  share(): SharedArrayBuffer {
    this.#isKept = true;
    return this.#memory;
  }

  /** Whether another thread has a cancel request under way. */
  get isAimedAt(): boolean {
    return Atomics.load(this.#words, Word.cancels) !== 0;
  }

  /** What went wrong with the socket; null when nothing did. */
  get error(): ChannelError | null {
    const length = Atomics.load(this.#words, Word.failed);
    if (length === 0) return null;
    const text = Buffer.from(this.#memory, ERROR_START, length).toString("utf8");
    return JSON.parse(text) as ChannelError;
  }

  /** Starts to open the socket. `direct` allows the caller to write to the descriptor itself. */
  open(settings: ChannelSettings): void {
    const command = { id: this.#id, serial: ++this.#command, memory: this.#memory };
    this.#post({ op: "open", ...command, ...settings });
  }

  /** Has the worker look up a host; what it finds is received as text. */
  resolve(host: string): void {
    const command = { id: this.#id, serial: ++this.#command, memory: this.#memory };
    this.#post({ op: "resolve", ...command, host });
  }

  /** Whether something was received that nobody has taken. */
  get unread(): boolean {
    return Atomics.load(this.#words, Word.written) !== Atomics.load(this.#words, Word.read);
  }

  /** Whether there is something to receive, or an end to be told of. */
  get hasNews(): boolean {
    return this.direct.hasNews || this.unread || this.ended;
  }

  /** Asks the worker for the right to read, when that has proved to pay; returns whether it was asked. */
  claim(): boolean {
    if (!this.direct.wanted || this.descriptor < 0) return false;
    const blocks = this.direct.wantsToBlock();
    this.#post({ op: "claim", id: this.#id, serial: ++this.#command, blocks });
    return true;
  }

  /** Has the worker go through a whole turn of its event loop, in which it looks at all sockets. */
  turn(): void {
    this.#post({ op: "turn", id: this.#id, serial: ++this.#command });
  }

  /** Leaves the reading to the worker again. */
  giveBack(): void {
    this.direct.giveBack();
    this.#post({ op: "resume", id: this.#id });
  }

  /** Has the worker read for now: what follows is no short exchange, or may not wait in the system. */
  listen(): void {
    const { blocks } = this.direct;
    this.direct.stepBack();
    if (blocks) this.#post({ op: "resume", id: this.#id });
  }

  /** Starts a TLS handshake; what it returns gives, once that has succeeded, the server's certificate in DER. */
  secure(plan: TlsPlan): () => Uint8Array | null {
    this.#post({ op: "secure", id: this.#id, serial: ++this.#command, plan });
    return () => certificateIn(this.#memory);
  }

  /** Whether the last command was finished, well or not. */
  get settled(): boolean {
    return Atomics.load(this.#words, Word.done) === this.#command;
  }

  /** Writes the first `length` bytes, or has the worker write what the system doesn't take at once. */
  write(bytes: Uint8Array, length: number): void {
    let start = 0;
    if (this.direct.blocks && length > MOST_AT_ONCE) this.listen();
    else if (this.#given === (Atomics.load(this.#words, Word.sent) | 0))
      start = this.#writeDirectly(bytes, length);
    if (start === length) return;
    this.#given = (this.#given + length - start) | 0;
    // The outbox is overwritten by the next message: what is posted must be a copy.
    const rest = Uint8Array.prototype.slice.call(bytes, start, length);
    this.#post({ op: "write", id: this.#id, bytes: rest });
  }

  /** Whether more should be written: the system has taken what it was given, or most of it through the worker. */
  get drained(): boolean {
    const outstanding = (this.#given - Atomics.load(this.#words, Word.sent)) | 0;
    return outstanding <= (this.descriptor < 0 ? MOST_OUTSTANDING : 0);
  }

  /** Writes to the descriptor as much as the system takes; returns how much that was. */
  #writeDirectly(bytes: Uint8Array, length: number): number {
    const words = this.#words;
    const descriptor = Atomics.load(words, Word.descriptor);
    if (descriptor < 0) return 0;
    let start = 0;
    hold(words);
    try {
      // The worker raises `closing` before it looks at `writing`: one of the two sees the other.
      if (Atomics.load(words, Word.closing) === 1) return length;
      while (start < length) start += writeSync(descriptor, bytes, start, length - start);
      return start;
    } catch (error) {
      const { code } = error as { code?: string };
      // The socket is full or gone. The worker waits for room, or learns what happened.
      return code === "EAGAIN" ? start : length;
    } finally {
      letGo(words);
    }
  }

  /**
   * Hands what has arrived to `taker`, in pieces; it says how far it got.
   *
   * @returns whether there was anything.
   */
  receive(taker: Taker): boolean {
    if (this.direct.receive(taker)) return true;
    const words = this.#words;
    const read = Atomics.load(words, Word.read);
    const count = (Atomics.load(words, Word.written) - read) >>> 0;
    if (count === 0) return false;
    const start = read & (RING_SIZE - 1);
    const end = Math.min(start + count, RING_SIZE);
    // What is called from there may destroy this channel.
    this.#isReceiving = true;
    try {
      const taken = taker.receive(this.#ring, start, end);
      Atomics.add(words, Word.read, taken - start);
    } finally {
      this.#isReceiving = false;
    }
    if (Atomics.load(words, Word.paused) === 1) this.#post({ op: "resume", id: this.#id });
    return true;
  }

  /** Remembers what has been seen: a change after this ends the next {@link sleep} at once. */
  look(): void {
    this.#seen = Atomics.load(this.#words, Word.signal);
  }

  /**
   * Sleeps until something changes, or for `limit` milliseconds.
   *
   * @throws OperationalError when the worker shows no sign of life.
   */
  sleep(limit: number): void {
    const outcome = Atomics.wait(this.#words, Word.signal, this.#seen, Math.min(limit, SLICE));
    if (outcome !== "timed-out") this.#silent = 0;
    if (outcome !== "timed-out" || limit < SLICE) return;
    if (++this.#silent > SILENT_SLICES) {
      this.#isKept = true;
      throw new OperationalError(
        "the worker that owns the connection's socket does not answer any more",
        { code: "ERR_MAHOUT_WORKER" },
      );
    }
    this.#post({ op: "ping", id: this.#id });
  }

  /** The worker is gone, and with it the socket: its descriptor may be anybody's by now. */
  orphan(gone: Worker): void {
    if (this.#worker !== gone) return;
    this.#isKept = true;
    const words = this.#words;
    disown(words);
    const text = JSON.stringify({ message: "its worker has ended" });
    Atomics.store(words, Word.failed, Buffer.from(this.#memory).write(text, ERROR_START));
    Atomics.store(words, Word.done, this.#command);
    Atomics.store(words, Word.phase, Phase.ended);
    channels.delete(this.#id);
    this.onChange?.();
  }

  /** Closes politely, within `timeout` milliseconds; {@link leave} is still to be said. */
  end(timeout: number): void {
    this.#post({ op: "end", id: this.#id, timeout });
    channels.delete(this.#id);
  }

  /** Closes at once. */
  destroy(): void {
    this.#post({ op: "destroy", id: this.#id });
    channels.delete(this.#id);
    this.leave();
  }

  /**
   * Leaves the memory to connections to come, after it was closed: what is asked from here on is answered by a copy,
   * and says that it has ended. Whose memory is in doubt keeps it, and leaves it to the collector of garbage.
   */
  leave(): void {
    if (this.#isKept || this.#isReceiving) return;
    this.#isKept = true;
    const left = this.#memory;
    this.#memory = remainsOf(left);
    this.#words = new Int32Array(this.#memory, 0, WORDS);
    Atomics.store(this.#words, Word.done, this.#command);
    this.#ring = Buffer.alloc(0);
    this.direct.moveTo(this.#words);
    leaveMailbox(left);
  }
}
