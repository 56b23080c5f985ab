// The lines of a trace, of messages that tests write or have a server say.

import { type TraceSettings, Tracer } from "../../src/protocol/trace.ts";
import { Writer } from "../../src/protocol/writer.ts";

/** How lines are written, where that differs from the default. */
export type Style = Partial<Omit<TraceSettings, "emit">>;

/** A tracer, and the lines that it has made so far. */
export interface Traced {
  readonly tracer: Tracer;
  readonly lines: string[];
}

/** A tracer of a session that is ready, or starts. */
export function traced(style: Style = {}, isStarting = false): Traced {
  const lines: string[] = [];
  const emit = (line: string): void => void lines.push(line);
  const settings = { regress: false, values: false, time: null, ...style, emit };
  return { tracer: new Tracer(settings, isStarting), lines };
}

/** The lines of what `write` writes. */
export function linesOf(
  write: (out: Writer) => void,
  style: Style = {},
  isStarting = false,
): string[] {
  const { tracer, lines } = traced(style, isStarting);
  const out = new Writer();
  write(out);
  tracer.sent(out.bytes, 0, out.length);
  return lines;
}

/** The lines of what a server says to a session that is ready, or starts. */
export function linesOfServer(said: Uint8Array, style: Style = {}, isStarting = false): string[] {
  const { tracer, lines } = traced(style, isStarting);
  const bytes = Buffer.from(said);
  for (let at = 0; at < bytes.length;) {
    const next = at + 1 + bytes.readInt32BE(at + 1);
    tracer.received(bytes[at] as number, bytes, at + 5, next);
    at = next;
  }
  return lines;
}
