/**
 * Network addresses: inet, cidr, macaddr, macaddr8; all as string, as the server prints them.
 *
 * JavaScript has no type for addresses; text is what sockets, URLs and other packages take. PostgreSQL manual,
 * 8.9; the binary form of inet and cidr is that of network_send: family, bits, whether it is cidr, count, bytes.
 */
import type { Writer } from "../../protocol/writer.ts";
import type { Codec } from "../registry.ts";
import { parseIpv4, parseIpv6, printIpv4, printIpv6 } from "./ip-text.ts";
import { malformed, wrongLength } from "./refuse.ts";
import { stringCodec } from "./string-codec.ts";

const IPV4 = 2;
const IPV6 = 3;

function readNetwork(type: string, bytes: Buffer, start: number, end: number): string {
  const isLong = bytes[start] === IPV6;
  const size = isLong ? 16 : 4;
  if (end - start !== 4 + size || (bytes[start] !== IPV4 && !isLong)) {
    throw malformed(type, "an address of a family that does not exist");
  }
  const bits = bytes[start + 1] as number;
  if (bits > size * 8 || bytes[start + 3] !== size) throw malformed(type, "an impossible length");
  const text = (isLong ? printIpv6 : printIpv4)(bytes, start + 4);
  return bits === size * 8 && type === "inet" ? text : `${text}/${bits}`;
}

function writeNetwork(type: string, text: string, out: Writer): boolean {
  const slash = text.indexOf("/");
  const address = slash < 0 ? text : text.slice(0, slash);
  const bytes = parseIpv4(address) ?? parseIpv6(address);
  if (bytes === null) return false;
  const most = bytes.length * 8;
  const length = slash < 0 ? String(most) : text.slice(slash + 1);
  const bits = /^(?:0|[1-9]\d{0,2})$/.test(length) ? Number(length) : Infinity;
  if (bits > most) return false;
  const isCidr = type === "cidr";
  // What lies beyond the network's length must be 0 in cidr: the server says so better.
  if (isCidr && bytes.some((byte, index) => (byte & (0xff >> clamp(bits - index * 8))) !== 0))
    return false;
  out.int8(bytes.length === 4 ? IPV4 : IPV6);
  out.int8(bits);
  out.int8(isCidr ? 1 : 0);
  out.int8(bytes.length);
  out.raw(bytes);
  return true;
}

function clamp(bits: number): number {
  return Math.min(8, Math.max(0, bits));
}

function network(type: "inet" | "cidr", example: string): Codec {
  return stringCodec(type, {
    takes: `a string like ${example}`,
    loadBinary: (bytes, start, end) => readNetwork(type, bytes, start, end),
    write: (text, out) => writeNetwork(type, text, out),
  });
}

/** inet, as string: `192.168.0.1`, `192.168.0.1/24`, `2001:db8::1`. */
export const inet: Codec = network("inet", "192.168.0.1");

/** cidr, as string, always with the length of the network: `10.0.0.0/8`. */
export const cidr: Codec = network("cidr", "10.0.0.0/8");

function hardware(type: string, size: number): Codec {
  const pattern = new RegExp(`^(?:[0-9a-f]{2}:){${size - 1}}[0-9a-f]{2}$`, "i");
  return stringCodec(type, {
    takes: `a string like ${Array.from({ length: size }, (_, at) => `0${at}`).join(":")}`,
    loadBinary(bytes, start, end) {
      if (end - start !== size) throw wrongLength(type, size, end - start);
      return bytes.toString("hex", start, end).replaceAll(/(..)(?!$)/g, "$1:");
    },
    write(text, out) {
      if (!pattern.test(text)) return false;
      out.raw(Buffer.from(text.replaceAll(":", ""), "hex"));
      return true;
    },
  });
}

/** macaddr, as string: `08:00:2b:01:02:03`. */
export const macaddr: Codec = hardware("macaddr", 6);

/** macaddr8, as string: `08:00:2b:01:02:03:04:05`. */
export const macaddr8: Codec = hardware("macaddr8", 8);
