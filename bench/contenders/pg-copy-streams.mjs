// pg with pg-copy-streams: COPY's bytes in text format, which the program would have to make or to read
// itself. Nothing is decoded, so what comes is counted.

import { createRequire } from "node:module";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import pg from "pg";
import copyStreams from "pg-copy-streams";
import { passes, textPieces } from "../bulk.mjs";
import { statements } from "../workloads.mjs";

const { version } = createRequire(import.meta.url)("pg-copy-streams/package.json");

/** Makes the contender. */
export async function create(target) {
  const client = new pg.Client(target);
  return {
    name: "pg-copy-streams",
    version,
    countsOnly: true,
    connect: () => client.connect(),
    close: () => client.end(),
    ready: () => void textPieces(),
    async copyIn(n) {
      const copy = client.query(copyStreams.from(statements.copyIn));
      await pipeline(Readable.from(passes(n).flatMap(textPieces)), copy);
      return copy.rowCount;
    },
    async copyOut() {
      const copy = client.query(copyStreams.to(statements.copyOut));
      let size = 0;
      for await (const piece of copy) size += piece.length;
      return size === 0 ? 0 : copy.rowCount;
    },
  };
}
