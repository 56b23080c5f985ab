/**
 * Channel binding: what ties an authentication to the TLS connection that it happens in.
 *
 * Both sides put the hash of the server's certificate into the exchange that proves the password
 * (`tls-server-end-point`, RFC 5929, section 4.1). Somebody in between has another certificate, and so the
 * proof that passes through is worth nothing to them, whether or not the certificate was verified.
 *
 * The hash is that of the certificate's own signature, with SHA-256 in place of MD5 and SHA-1. Node does
 * not tell it in all supported versions, so it is read from the certificate itself: just that field, and
 * nothing that isn't where it belongs is guessed at.
 */
import { createHash } from "node:crypto";

/** What goes into the exchange. */
export interface ScramBinding {
  /** The header of RFC 5802, section 7 that says whether and how it is bound. */
  readonly header: string;
  /** What it is bound to; empty when it isn't. */
  readonly data: Uint8Array;
}

/** Not bound, and can't be. */
export const UNBOUND: ScramBinding = { header: "n,,", data: new Uint8Array() };
/** Not bound, but would be if the server had offered it: one that did knows that somebody lied to us. */
export const BINDABLE: ScramBinding = { header: "y,,", data: new Uint8Array() };

/** Bound to the certificate that has this hash. */
export function boundTo(hash: Uint8Array): ScramBinding {
  return { header: "p=tls-server-end-point,,", data: hash };
}

/** Signature algorithms by the bytes of their object identifiers, and the hash in each. */
const SIGNATURES: Readonly<Record<string, string>> = {
  // RSA, PKCS #1: 1.2.840.113549.1.1.x
  "2a864886f70d010104": "md5",
  "2a864886f70d010105": "sha1",
  "2a864886f70d01010e": "sha224",
  "2a864886f70d01010b": "sha256",
  "2a864886f70d01010c": "sha384",
  "2a864886f70d01010d": "sha512",
  // ECDSA: 1.2.840.10045.4.x
  "2a8648ce3d0401": "sha1",
  "2a8648ce3d040301": "sha224",
  "2a8648ce3d040302": "sha256",
  "2a8648ce3d040303": "sha384",
  "2a8648ce3d040304": "sha512",
};
/** RSA-PSS, 1.2.840.113549.1.1.10, has its hash among the parameters. */
const RSA_PSS = "2a864886f70d01010a";
const HASHES: Readonly<Record<string, string>> = {
  "2b0e03021a": "sha1",
  "608648016503040204": "sha224",
  "608648016503040201": "sha256",
  "608648016503040202": "sha384",
  "608648016503040203": "sha512",
};

/**
 * The hash of a server's certificate (in DER) to bind to; null when its signature knows no hash, as with
 * Ed25519, or not one of the usual.
 */
export function endPointHash(certificate: Uint8Array): Buffer | null {
  const algorithm = hashOfSignature(certificate);
  if (algorithm === null) return null;
  const isBroken = algorithm === "md5" || algorithm === "sha1";
  return createHash(isBroken ? "sha256" : algorithm)
    .update(certificate)
    .digest();
}

const SEQUENCE = 0x30;
const OBJECT_IDENTIFIER = 0x06;
const FIRST_PARAMETER = 0xa0;

/** Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm SEQUENCE { algorithm, parameters }, ... } */
function hashOfSignature(certificate: Uint8Array): string | null {
  const fields = childrenOf(elementAt(certificate, 0, SEQUENCE));
  const [algorithm, parameters] = childrenOf(ofTag(fields?.[1], SEQUENCE)) ?? [];
  const name = nameOf(algorithm);
  if (name !== RSA_PSS) return SIGNATURES[name] ?? null;
  // RSASSA-PSS-params ::= SEQUENCE { hashAlgorithm [0] AlgorithmIdentifier DEFAULT sha1, ... }
  const options = childrenOf(ofTag(parameters, SEQUENCE));
  if (options === null) return null;
  const hash = options.find(({ tag }) => tag === FIRST_PARAMETER);
  if (hash === undefined) return "sha1";
  return HASHES[nameOf(childrenOf(childrenOf(hash)?.[0] ?? null)?.[0])] ?? null;
}

/** An element of DER. */
interface Element {
  readonly tag: number;
  readonly content: Uint8Array;
  /** Where the next one begins. */
  readonly end: number;
}

/** Reads the element at `start`; null when it is cut off, or not of that tag. */
function elementAt(bytes: Uint8Array, start: number, wanted: number | null): Element | null {
  const tag = bytes[start];
  let length = bytes[start + 1];
  if (tag === undefined || length === undefined) return null;
  let at = start + 2;
  if (length >= 0x80) {
    const count = length - 0x80;
    if (count === 0 || count > 4) return null;
    length = 0;
    for (const byte of bytes.subarray(at, at + count)) length = length * 256 + byte;
    at += count;
  }
  const end = at + length;
  if (end > bytes.length || (wanted !== null && tag !== wanted)) return null;
  return { tag, content: bytes.subarray(at, end), end };
}

function childrenOf(parent: Element | null): Element[] | null {
  if (parent === null) return null;
  const children: Element[] = [];
  for (let at = 0; at < parent.content.length;) {
    const child = elementAt(parent.content, at, null);
    if (child === null) return null;
    children.push(child);
    at = child.end;
  }
  return children;
}

function ofTag(element: Element | undefined, tag: number): Element | null {
  return element?.tag === tag ? element : null;
}

/** The bytes of an object identifier in hexadecimal; empty when it is none. */
function nameOf(element: Element | undefined): string {
  return Buffer.from(ofTag(element, OBJECT_IDENTIFIER)?.content ?? []).toString("hex");
}
