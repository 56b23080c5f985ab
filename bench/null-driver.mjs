// The null driver: what Node and the server cost when a driver costs nothing. It writes bytes that
// were encoded beforehand and cuts the replies into frames just far enough to find ReadyForQuery:
// no values, no rows, no promises per message. It answers the question "how far is the limit".
//
// What makes it fast was measured, not assumed: reading with `onread` into one reused buffer instead
// of 'data' events, and writing straight to the socket's descriptor, which skips the bookkeeping of
// a stream write. The descriptor is a private member of Node's socket; without it, or when the kernel's
// buffer is full, the ordinary write is used. `new NullDriver({ publicOnly: true })` uses only that.
// PostgreSQL manual: "Frontend/Backend Protocol", "Message Formats".

import { writeSync } from "node:fs";
import { connect } from "node:net";

const COPY_DATA = 100;
const DATA_ROW = 68;
const ERROR_RESPONSE = 69;
const READY_FOR_QUERY = 90;

/** One connection without a driver. */
export class NullDriver {
  /** DataRow and CopyData messages seen so far: the only thing by which its replies can be checked. */
  rowCount = 0;
  /** Called for each row, if anybody wants to know. */
  onRow = null;
  #socket;
  #descriptor = -1;
  #publicOnly;
  #readyOwed = 0;
  #done = () => {};
  #header = Buffer.alloc(5);
  #headerLength = 0;
  #bodyLeft = 0;

  constructor({ publicOnly = false } = {}) {
    this.#publicOnly = publicOnly;
  }

  /** Connects, to a unix socket if the host is a folder, and writes the startup packet; resolves at the first ReadyForQuery. */
  connect({ host, port }, startup) {
    return new Promise((resolve, reject) => {
      const callback = (length, buffer) => {
        this.#frame(buffer, length);
        return true;
      };
      const onread = { buffer: Buffer.allocUnsafeSlow(65_536), callback };
      const place = host.startsWith("/")
        ? { path: `${host}/.s.PGSQL.${port}` }
        : { host, port, noDelay: true };
      this.#socket = connect({ ...place, onread });
      this.#socket.once("error", reject);
      this.#socket.once("connect", () => {
        if (!this.#publicOnly) this.#descriptor = this.#socket._handle?.fd ?? -1;
        this.exchange(startup, 1, resolve);
      });
    });
  }

  /** Writes the bytes and calls back once that many ReadyForQuery have arrived. */
  exchange(bytes, readyCount, done) {
    this.#readyOwed = readyCount;
    this.#done = done;
    let written = 0;
    if (this.#descriptor >= 0) {
      try {
        written = writeSync(this.#descriptor, bytes);
      } catch (error) {
        if (error.code !== "EAGAIN") throw error;
      }
    }
    if (written < bytes.length) this.#socket.write(written === 0 ? bytes : bytes.subarray(written));
  }

  /** Writes Terminate and resolves when the server has closed. */
  close(terminate) {
    return new Promise((resolve) => {
      this.#socket.once("close", resolve);
      this.#socket.end(terminate);
    });
  }

  #frame(chunk, length) {
    let at = this.#bodyLeft;
    if (at >= length) {
      this.#bodyLeft = at - length;
      return;
    }
    while (at < length) {
      if (this.#headerLength === 0 && length - at >= 5) {
        this.#seen(chunk[at], chunk, at + 5);
        at +=
          1 +
          ((chunk[at + 1] << 24) | (chunk[at + 2] << 16) | (chunk[at + 3] << 8) | chunk[at + 4]);
        continue;
      }
      // A header that is spread over two reads.
      while (this.#headerLength < 5 && at < length) {
        this.#header[this.#headerLength++] = chunk[at++];
      }
      if (this.#headerLength < 5) break;
      this.#headerLength = 0;
      this.#seen(this.#header[0], chunk, at);
      at += this.#header.readInt32BE(1) - 4;
    }
    this.#bodyLeft = at - length;
  }

  #seen(type, chunk, bodyStart) {
    if (type === DATA_ROW || type === COPY_DATA) {
      this.rowCount++;
      if (this.onRow !== null) this.onRow();
    } else if (type === READY_FOR_QUERY && --this.#readyOwed === 0) this.#done();
    else if (type === ERROR_RESPONSE) {
      throw new Error(`the server answered with an error: ${chunk.latin1Slice(bodyStart)}`);
    }
  }
}
