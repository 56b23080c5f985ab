/**
 * IP addresses between bytes and the text that PostgreSQL prints for them.
 *
 * The text is also what `inet_ntop` of most systems prints: the longest run of zero words of IPv6 is `::`, and
 * addresses that hold one of IPv4 end in its dotted form. Knows no codec. RFC 4291, 2.2.
 */
import { uint16 } from "../../protocol/bytes.ts";

/** The IPv4 address at `at`. */
export function printIpv4(bytes: Uint8Array, at: number): string {
  return `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`;
}

/** The IPv6 address at `at`. */
export function printIpv6(bytes: Uint8Array, at: number): string {
  const words = Array.from({ length: 8 }, (_, index) => uint16(bytes, at + 2 * index));
  const { first, length } = longestZeros(words);
  const holdsIpv4 =
    first === 0 &&
    (length === 6 || (length === 7 && words[7] !== 1) || (length === 5 && words[5] === 0xffff));
  let text = "";
  for (let index = 0; index < 8; index++) {
    if (index === first) {
      text += index + length === 8 ? "::" : ":";
      index += length - 1;
      continue;
    }
    if (index > 0) text += ":";
    if (index === 6 && holdsIpv4) return text + printIpv4(bytes, at + 12);
    text += (words[index] as number).toString(16);
  }
  return text;
}

/** The first of the longest runs of two and more zero words. */
function longestZeros(words: readonly number[]): { first: number; length: number } {
  let first = -1;
  let length = 1;
  for (let index = 0; index < words.length; index++) {
    let end = index;
    while (words[end] === 0) end++;
    if (end - index > length) {
      first = index;
      length = end - index;
    }
    if (end > index) index = end;
  }
  return { first, length };
}

const OCTET = "(?:0|[1-9]\\d?|1\\d\\d|2[0-4]\\d|25[0-5])";
const IPV4 = new RegExp(`^${OCTET}(?:\\.${OCTET}){3}$`);
const WORD = /^[0-9a-f]{1,4}$/i;

/** The four bytes of an IPv4 address; null for other text. */
export function parseIpv4(text: string): Uint8Array | null {
  return IPV4.test(text) ? Uint8Array.from(text.split("."), Number) : null;
}

/** The 16 bytes of an IPv6 address; null for other text. */
export function parseIpv6(text: string): Uint8Array | null {
  if (text.length > 45) return null;
  const halves = text.split("::");
  if (halves.length > 2) return null;
  const head = wordsOf(halves[0] as string, halves.length === 1);
  const tail = wordsOf(halves[1] ?? "", true);
  if (head === null || tail === null) return null;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return null;
  const words = [...head, ...Array.from({ length: missing }, () => 0), ...tail];
  return Uint8Array.from(words.flatMap((word) => [word >> 8, word & 0xff]));
}

/** The words of a part of an address; only the last part may end in dotted form. */
function wordsOf(text: string, isLast: boolean): number[] | null {
  if (text === "") return [];
  const words: number[] = [];
  const parts = text.split(":");
  for (const [index, part] of parts.entries()) {
    const ipv4 = isLast && index === parts.length - 1 ? parseIpv4(part) : null;
    if (ipv4) words.push(uint16(ipv4, 0), uint16(ipv4, 2));
    else if (WORD.test(part)) words.push(Number.parseInt(part, 16));
    else return null;
  }
  return words;
}
