/**
 * timestamptz as Temporal.Instant: exact, where a Date ends at milliseconds.
 *
 * A codec to be registered in place of the default, made for the Temporal at hand: the runtime's, or one that
 * the program brings. Infinities are the numbers Infinity and -Infinity, as for Date. PostgreSQL manual, 8.5.1.3.
 */
import { DataError, ProgrammingError } from "../../errors.ts";
import { BINARY } from "../format.ts";
import type { Codec } from "../registry.ts";
import { DAY_MICROS, EPOCH_DAYS, infinitySign, printMoment } from "./calendar.ts";
import { wrongLength } from "./refuse.ts";
import type { TemporalNamespace } from "./temporal.ts";
import { readMoment, timestamptz } from "./timestamptz.ts";

const DAY = BigInt(DAY_MICROS);
const EPOCH_MICROS = BigInt(EPOCH_DAYS) * DAY;
/** The last microsecond that an Instant can hold, in the year 275760. */
const LAST_MICROS = 8_640_000_000_000_000_000n;

/**
 * A codec that reads timestamptz as Temporal.Instant.
 *
 * @param temporal the Temporal to make Instants of; the runtime's by default.
 * @throws ProgrammingError when there is none.
 */
export function timestamptzAsTemporal(temporal?: TemporalNamespace): Codec {
  const { Instant } = temporal ?? runtimeTemporal();
  const instantOf = (micros: bigint): unknown => {
    if (micros <= LAST_MICROS) return Instant.fromEpochNanoseconds(micros * 1000n);
    const ofDay = micros % DAY;
    const days = Number((micros - ofDay) / DAY) - EPOCH_DAYS;
    throw new DataError(
      `the timestamptz ${printMoment(days, Number(ofDay), 0)} is beyond what a Temporal.Instant can hold ` +
        `(the year 275760); read timestamptz as string`,
    );
  };
  return {
    ...timestamptz,
    results: BINARY,
    loadText(bytes: Buffer, start: number, end: number): unknown {
      const moment = readMoment(bytes, start, end);
      if (typeof moment === "number") return moment;
      return instantOf(BigInt(moment.days + EPOCH_DAYS) * DAY + BigInt(moment.micros));
    },
    loadBinary(bytes: Buffer, start: number, end: number): unknown {
      if (end - start !== 8) throw wrongLength("timestamptz", 8, end - start);
      const sign = infinitySign(bytes, start);
      if (sign !== 0) return sign * Infinity;
      return instantOf(bytes.readBigInt64BE(start) + EPOCH_MICROS);
    },
  };
}

function runtimeTemporal(): TemporalNamespace {
  const { Temporal } = globalThis as { Temporal?: TemporalNamespace };
  if (Temporal !== undefined) return Temporal;
  throw new ProgrammingError(
    'this runtime has no Temporal; pass one: { timestamptz: "temporal", temporal: Temporal }, with the Temporal of a polyfill',
  );
}
