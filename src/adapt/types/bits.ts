/**
 * The types bit and varbit, as string of zeros and ones.
 *
 * A number would lose leading zeros and anything beyond 2 ** 53, and no type of JavaScript holds a count of bits
 * that isn't a multiple of eight. Strings in other forms (`x1f`) go to the server as they are. PostgreSQL manual, 8.10.
 */
import { int32 } from "../../protocol/bytes.ts";
import type { Writer } from "../../protocol/writer.ts";
import type { Codec } from "../registry.ts";
import { malformed } from "./refuse.ts";
import { stringCodec } from "./string-codec.ts";

const OCTETS: readonly string[] = Array.from({ length: 256 }, (_, byte) =>
  byte.toString(2).padStart(8, "0"),
);

function bitString(type: string): Codec {
  return stringCodec(type, {
    takes: "a string of zeros and ones",
    loadBinary(bytes, start, end) {
      const count = end - start >= 4 ? int32(bytes, start) : -1;
      if (count < 0 || end - start - 4 !== Math.ceil(count / 8)) {
        throw malformed(type, "not as many bits as it says");
      }
      let text = "";
      for (let at = start + 4; at < end; at++) text += OCTETS[bytes[at] as number] as string;
      return text.slice(0, count);
    },
    write,
  });
}

function write(text: string, out: Writer): boolean {
  if (!/^[01]*$/.test(text)) return false;
  out.int32(text.length);
  for (let at = 0; at < text.length; at += 8) {
    out.int8(Number.parseInt(text.slice(at, at + 8).padEnd(8, "0"), 2));
  }
  return true;
}

/** bit(n), as string of zeros and ones. */
export const bit: Codec = bitString("bit");

/** bit varying, as string of zeros and ones. */
export const varbit: Codec = bitString("varbit");
