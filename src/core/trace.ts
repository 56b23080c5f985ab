/**
 * Where a trace goes, and what is asked of it: checks, the clock, and a sink that can do no harm.
 *
 * The lines are made in protocol/trace.ts. A sink is the program's: what it throws is reported as a process
 * warning and ends the trace, never the statement that was traced.
 */
import { MahoutWarning, ProgrammingError } from "../errors.ts";
import type { Session } from "../protocol/session.ts";
import type { TraceSettings } from "../protocol/trace.ts";
import { Tracer } from "../protocol/trace.ts";

/**
 * Takes the lines of a trace: a function that is called with each, without its end, or something to write to (a
 * stream of Node.js for example), which gets each with a line feed. It must not use the connection.
 */
export type TraceSink = ((line: string) => unknown) | { write(text: string): unknown };

/** What a trace shows. */
export interface TraceOptions {
  /**
   * Hides what differs from run to run, so that traces can be compared: times, pids, oids of objects that
   * aren't built in, generated names, places in the server's source, parameters reported at the start.
   * false by default.
   */
  readonly regress?: boolean;
  /** Begins each line with the time, as ISO 8601 in UTC; true by default, but not with `regress`. */
  readonly timestamps?: boolean;
  /**
   * Shows data: values of parameters, rows, COPY, payloads of notifications, details of errors. false by
   * default: only their lengths are shown. Passwords and keys are never shown.
   */
  readonly values?: boolean;
}

/** A trace that begins with the connection. */
export interface TraceRequest extends TraceOptions {
  /** Where the lines go. */
  readonly sink: TraceSink;
}

const OPTIONS: ReadonlySet<string> = new Set<keyof TraceRequest>([
  "regress",
  "timestamps",
  "values",
  "sink",
]);

/** Traces `session` from now on, instead of what was traced before. */
export function startTrace(session: Session, sink: TraceSink, options: TraceOptions): void {
  session.tracer = new Tracer(settingsOf(sink, options), false);
}

/**
 * Gives a tracer to each session of a connection that is about to be made.
 *
 * @throws ProgrammingError for what is no sink, or no option.
 */
export function tracingOf(
  trace: TraceSink | TraceRequest | undefined,
): ((session: Session) => void) | null {
  if (trace === undefined) return null;
  const isRequest = typeof trace === "object" && trace !== null && "sink" in trace;
  const settings = isRequest ? settingsOf(trace.sink, trace) : settingsOf(trace, {});
  return (session) => {
    session.tracer = new Tracer(settings, true);
  };
}

function settingsOf(sink: TraceSink, options: TraceOptions): TraceSettings {
  for (const name of Object.keys(options)) {
    if (!OPTIONS.has(name)) {
      throw new ProgrammingError(
        `there is no option "${name}" for a trace; there are regress, timestamps and values`,
      );
    }
  }
  const { regress = false, timestamps = !regress, values = false } = options;
  return { regress, values, time: timestamps ? now : null, emit: emitterOf(sink) };
}

function emitterOf(sink: TraceSink): (line: string) => void {
  const write = writerOf(sink);
  let hasFailed = false;
  const fail = (error: unknown): void => {
    if (hasFailed) return;
    hasFailed = true;
    report(error);
  };
  return (line) => {
    if (hasFailed) return;
    try {
      const returned = write(line) as { then?: (done: null, failed: typeof fail) => void } | null;
      // An asynchronous sink fails later; nobody else would hear of it.
      if (typeof returned?.then === "function") returned.then(null, fail);
    } catch (error) {
      fail(error);
    }
  };
}

function writerOf(sink: TraceSink): (line: string) => unknown {
  if (typeof sink === "function") return sink;
  if (typeof (sink as { write?: unknown } | null | undefined)?.write !== "function") {
    throw new ProgrammingError("a trace needs a function, or something with a method write()");
  }
  return (line) => sink.write(`${line}\n`);
}

function now(): string {
  return new Date().toISOString();
}

function report(error: unknown): void {
  let shown = "a value that cannot be shown";
  try {
    shown = String(error);
  } catch {
    // Nothing more is known of it.
  }
  process.emitWarning(`the sink of a trace threw, so the trace has ended: ${shown}`, {
    type: MahoutWarning,
    code: "MAHOUT_TRACE_SINK",
  });
}
