// Any value of every built-in scalar type, in the form in which the type is read. Types whose text has one
// canonical form are drawn as bytes and read by the codec, which other tests hold against the server's text.

import fc from "fast-check";
import { Interval } from "../../src/adapt/types/interval-value.ts";
import { quoteLexeme } from "../../src/adapt/types/tsvector.ts";
import { codecOf, load } from "./forms.ts";

const bytes = (length: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((drawn) => Buffer.from(drawn));

/** What the codec makes of drawn bytes. */
const fromBinary = (type: string, field: fc.Arbitrary<Buffer>): fc.Arbitrary<unknown> =>
  field.map((drawn) => load(codecOf(type).loadBinary, drawn));

const int32 = (value: number): Buffer => {
  const field = Buffer.alloc(4);
  field.writeInt32BE(value | 0);
  return field;
};
const int64 = (value: bigint): Buffer => {
  const field = Buffer.alloc(8);
  field.writeBigInt64BE(value);
  return field;
};
const doubles = (values: readonly number[]): Buffer => {
  const field = Buffer.alloc(values.length * 8);
  for (const [index, value] of values.entries()) field.writeDoubleBE(value, index * 8);
  return field;
};

const text = fc
  .string({ unit: "binary", maxLength: 30 })
  .map((drawn) => drawn.replaceAll("\0", ""));
const word = fc.string({ unit: "grapheme", minLength: 1, maxLength: 8 });
const printable = word.map((drawn) => drawn.replaceAll(/[\0-\x1f<&>]/g, "x"));
const coordinate = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e100, max: 1e100 }),
  fc.integer(),
  fc.constantFrom(0, -0, 1e15, 1e-5, 0.1),
);
const coordinates = (count: number): fc.Arbitrary<number[]> =>
  fc.array(coordinate, { minLength: count, maxLength: count });
const points = fc.integer({ min: 1, max: 5 }).chain((count) => coordinates(count * 2));

const network = (type: "inet" | "cidr"): fc.Arbitrary<unknown> =>
  fc.constantFrom(4, 16).chain((size) =>
    fc
      .tuple(
        fc.oneof(
          bytes(size),
          fc.array(fc.constantFrom(0, 0, 0, 255, 1), { minLength: size, maxLength: size }),
        ),
        fc.integer({ min: 0, max: size * 8 }),
      )
      .map(([drawn, bits]) => {
        const address = Uint8Array.from(drawn, (byte, index) =>
          type === "inet" ? byte : byte & ~(0xff >> Math.min(8, Math.max(0, bits - index * 8))),
        );
        const head = [size === 4 ? 2 : 3, bits, type === "cidr" ? 1 : 0, size];
        return load(codecOf(type).loadBinary, Buffer.from([...head, ...address]));
      }),
  );

const lexemes = fc
  .uniqueArray(word, { maxLength: 6 })
  .map((drawn) =>
    [...drawn].sort((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other))),
  );
const tsvector = lexemes.chain((words) =>
  fc
    .array(
      fc.uniqueArray(fc.integer({ min: 1, max: 16382 }), { maxLength: 4 }).chain((positions) =>
        fc
          .array(fc.constantFrom("", "A", "B", "C"), {
            minLength: positions.length,
            maxLength: positions.length,
          })
          .map((weights) =>
            positions
              .sort((one, other) => one - other)
              .map((position, index) => `${position}${weights[index]}`)
              .join(),
          ),
      ),
      { minLength: words.length, maxLength: words.length },
    )
    .map((lists) =>
      words
        .map((each, index) => quoteLexeme(each) + (lists[index] && `:${lists[index]}`))
        .join(" "),
    ),
);

/** A query as the server sends it: operators before their operands, the right one first. */
const { query } = fc.letrec<{ query: Buffer[]; leaf: Buffer[]; node: Buffer[] }>((tie) => ({
  query: fc.oneof({ maxDepth: 4, withCrossShrink: true }, tie("leaf"), tie("node")),
  leaf: fc
    .tuple(fc.integer({ min: 0, max: 15 }), fc.integer({ min: 0, max: 1 }), word)
    .map(([weights, prefix, lexeme]) => [
      Buffer.concat([Buffer.from([1, weights, prefix]), Buffer.from(lexeme), Buffer.alloc(1)]),
    ]),
  node: fc.oneof(
    tie("query").map((operand) => [Buffer.from([2, 1]), ...operand]),
    fc
      .tuple(fc.constantFrom(2, 3), tie("query"), tie("leaf"))
      .map(([operator, left, right]) => [Buffer.from([2, operator]), ...right, ...left]),
    fc
      .tuple(fc.integer({ min: 1, max: 16384 }), tie("query"), tie("leaf"))
      .map(([distance, left, right]) => [
        Buffer.from([2, 4, distance >> 8, distance & 0xff]),
        ...right,
        ...left,
      ]),
  ),
}));

const FIRST_DAY = -2451545;
const days = fc.oneof(
  fc.integer({ min: FIRST_DAY, max: 2145031948 }),
  fc.integer({ min: -40000, max: 40000 }),
  fc.constantFrom(0x7fffffff, -0x80000000),
);
const micros = fc.oneof(
  fc.bigInt({ min: -211813488000000000n, max: 9223371331199999999n }),
  fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n }),
  fc.constantFrom(2n ** 63n - 1n, -(2n ** 63n)),
);
const DAY = 86_400_000_000n;
const decimal = fc
  .tuple(fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }), fc.integer({ min: 0, max: 30 }))
  .map(([digits, scale]) => {
    const size = String(digits < 0n ? -digits : digits).padStart(scale + 1, "0");
    const whole = size.slice(0, size.length - scale);
    return `${digits < 0n ? "-" : ""}${whole}${scale === 0 ? "" : `.${size.slice(-scale)}`}`;
  });
const running = fc.uniqueArray(fc.integer({ min: 11, max: 90 }), { maxLength: 5 });

/** Any value of each type. */
export const arbitraries: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  bool: fc.boolean(),
  int2: fc.integer({ min: -32768, max: 32767 }),
  int4: fc.integer(),
  int8: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  oid: fc.integer({ min: 0, max: 4294967295 }),
  xid: fc.integer({ min: 0, max: 4294967295 }),
  cid: fc.integer({ min: 0, max: 4294967295 }),
  xid8: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  float4: fromBinary("float4", bytes(4)),
  float8: fc.double(),
  numeric: fc.oneof(decimal, fc.constantFrom("NaN", "Infinity", "-Infinity")),
  text,
  varchar: text,
  refcursor: text,
  name: fc.string({ unit: "grapheme-ascii", maxLength: 63 }),
  char: fc.string({ unit: "grapheme-ascii", maxLength: 1 }),
  xml: printable.map((drawn) => `<a b="${drawn.replaceAll('"', "")}">${drawn}</a>`),
  bytea: fc.uint8Array({ maxLength: 40 }).map((drawn) => Buffer.from(drawn)),
  bit: fc.constantFrom("0", "1"),
  varbit: fc.string({ unit: fc.constantFrom("0", "1"), maxLength: 70 }),
  uuid: fc.uuid(),
  json: fc.jsonValue().map((value) => JSON.parse(JSON.stringify({ value })) as unknown),
  jsonb: fc
    .jsonValue({ noUnicodeString: false })
    .map((value) => JSON.stringify({ value }))
    .filter((json) => !/\\u(?:0000|d[89a-f])/.test(json))
    .map((json) => JSON.parse(json) as unknown),
  jsonpath: printable.map((drawn) => `$.${JSON.stringify(drawn.replaceAll(/["\\]/g, ""))}[*]`),
  date: fromBinary("date", days.map(int32)),
  time: fromBinary("time", fc.bigInt({ min: 0n, max: DAY }).map(int64)),
  timetz: fromBinary(
    "timetz",
    fc
      .tuple(fc.bigInt({ min: 0n, max: DAY }), fc.integer({ min: -57599, max: 57599 }))
      .map(([time, offset]) => Buffer.concat([int64(time), int32(offset)])),
  ),
  timestamp: fromBinary("timestamp", micros.map(int64)),
  timestamptz: fc.oneof(
    fc.date({ min: new Date(Date.UTC(-4713, 10, 24)), noInvalidDate: true }),
    fc.constantFrom(Infinity, -Infinity),
  ),
  interval: fc
    .tuple(fc.integer(), fc.integer(), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }))
    .map(([months, dayCount, time]) => new Interval(months, dayCount, time)),
  inet: network("inet"),
  cidr: network("cidr"),
  macaddr: fromBinary("macaddr", bytes(6)),
  macaddr8: fromBinary("macaddr8", bytes(8)),
  point: fromBinary("point", coordinates(2).map(doubles)),
  lseg: fromBinary("lseg", coordinates(4).map(doubles)),
  line: fromBinary(
    "line",
    coordinates(3).map(([a = 0, b = 0, c = 0]) => doubles([Math.abs(a) < 1 ? 1 : a, b, c])),
  ),
  box: fromBinary(
    "box",
    coordinates(4).map(([a = 0, b = 0, c = 0, d = 0]) =>
      // A zero's sign is no reason for the server to change the corners.
      doubles([
        Math.max(a + 0, c + 0),
        Math.max(b + 0, d + 0),
        Math.min(a + 0, c + 0),
        Math.min(b + 0, d + 0),
      ]),
    ),
  ),
  circle: fromBinary(
    "circle",
    coordinates(3).map(([x = 0, y = 0, radius = 0]) => doubles([x, y, Math.abs(radius)])),
  ),
  path: fromBinary(
    "path",
    fc
      .tuple(fc.integer({ min: 0, max: 1 }), points)
      .map(([closed, list]) =>
        Buffer.concat([Buffer.from([closed]), int32(list.length / 2), doubles(list)]),
      ),
  ),
  polygon: fromBinary(
    "polygon",
    points.map((list) => Buffer.concat([int32(list.length / 2), doubles(list)])),
  ),
  tsvector,
  tsquery: fromBinary(
    "tsquery",
    query.map((items) => Buffer.concat([int32(items.length), ...items])),
  ),
  pg_lsn: fromBinary("pg_lsn", bytes(8)),
  tid: fromBinary("tid", bytes(6)),
  pg_snapshot: running.map((list) => `10:99:${list.sort((one, other) => one - other).join()}`),
  txid_snapshot: running.map((list) => `10:99:${list.sort((one, other) => one - other).join()}`),
  int2vector: fc.array(fc.integer({ min: -32768, max: 32767 }), { minLength: 1, maxLength: 9 }),
  oidvector: fc.array(fc.integer({ min: 0, max: 4294967295 }), { minLength: 1, maxLength: 9 }),
  regtype: fc.constantFrom("integer", "timestamp with time zone", '"char"', "-"),
  // Its cast from text is a function that doesn't know "-".
  regclass: fc.constantFrom("pg_class", "pg_type"),
  regrole: fc.constantFrom("pg_monitor", "-"),
};

/** Whether servers of a major version read what they print for a value: 14 can't read intervals of very many hours. */
export function isReadBy(major: number): (value: unknown) => boolean {
  return (value) => {
    if (major > 14 || !(value instanceof Interval)) return true;
    const hours = value.microseconds / 3_600_000_000n;
    return hours > -(2n ** 31n) && hours < 2n ** 31n - 1n;
  };
}
