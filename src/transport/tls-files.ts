/**
 * The files that TLS is made with: read on the caller's thread, and blamed when their contents are no good.
 *
 * Every error names the keyword, the path and who said so. Only plain files are read: a pipe could keep the
 * whole program waiting for whoever fills it. What is in a file is looked at again when a handshake has
 * failed, because OpenSSL's words name none, and it passes over some that hold nothing of use.
 */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { appendFileSync, readdirSync, readFileSync, statSync } from "node:fs";
import type { Stats } from "node:fs";
import { join } from "node:path";
import { createSecureContext } from "node:tls";
import type { SecureContextOptions } from "node:tls";
import type { ConnectionParameters, TlsFile } from "../conninfo/parameters.ts";
import { OperationalError } from "../errors.ts";

/** A file that was named, and how errors call it. */
interface NamedFile {
  readonly path: string;
  /** With comma: `sslcert "client.crt", from the connection string,`. */
  readonly words: string;
  readonly isPresentable: boolean;
}

/** The file of a keyword; null when there is none. */
function fileOf(parameters: ConnectionParameters, keyword: TlsFile): NamedFile | null {
  const path = parameters[keyword];
  if (path === null) return null;
  const { words, isPresentable: isHarmless } = parameters.fileOrigins[keyword] ?? {
    words: "at its usual place",
    isPresentable: true,
  };
  if (path.includes("-----BEGIN ")) {
    throw flawed(
      `${keyword}, ${words}, is a text in PEM where the path of a file should be; ` +
        `texts are given in the option tls`,
    );
  }
  return {
    path,
    words: `${keyword}${isHarmless ? ` "${path}"` : ""}, ${words},`,
    isPresentable: isHarmless,
  };
}

/**
 * Reads a PEM file that holds at least one block whose title ends so; null when none was named.
 *
 * @throws OperationalError when it can't be read, or there is no such thing in it.
 */
export function readPem(
  parameters: ConnectionParameters,
  keyword: TlsFile,
  title: string,
): string | null {
  const file = fileOf(parameters, keyword);
  return file === null ? null : read(file, title);
}

function read({ path, words, isPresentable }: NamedFile, title: string): string {
  const text = attempt(
    () => (statSync(path).isFile() ? readFileSync(path, "latin1") : null),
    `${words} cannot be read`,
    isPresentable,
  );
  if (text === null) throw flawed(`${words} is not a plain file`);
  if (new RegExp(`^-----BEGIN (?:[A-Z0-9 ]+ )?${title}-----`, "m").test(text)) return text;
  throw flawed(`${words} is not a PEM file with a "${title}" in it`);
}

/**
 * Reads the revocation lists: one file, and every file of a directory.
 *
 * @throws OperationalError when one can't be read or isn't one.
 */
export function readRevocations(parameters: ConnectionParameters): string[] {
  const single = readPem(parameters, "sslcrl", "CRL");
  const lists = single === null ? [] : [single];
  for (const file of filesOf(fileOf(parameters, "sslcrldir"))) lists.push(read(file, "CRL"));
  return lists;
}

function filesOf(directory: NamedFile | null): NamedFile[] {
  if (directory === null) return [];
  const { path, words, isPresentable } = directory;
  const names = attempt(() => readdirSync(path), `${words} cannot be read`, isPresentable);
  return names.map((name) => ({
    path: join(path, name),
    words: `the file "${name}" in ${words}`,
    isPresentable,
  }));
}

/**
 * Reads a private key; refuses one that others than its owner can read. Root's may be readable by a group,
 * which is how systems share one.
 *
 * @throws OperationalError for that, and when it can't be read or isn't one.
 */
export function readKey(parameters: ConnectionParameters): string | null {
  const file = fileOf(parameters, "sslkey");
  if (file === null) return null;
  const text = read(file, "PRIVATE KEY");
  const stats: Stats = attempt(
    () => statSync(file.path),
    `${file.words} cannot be read`,
    file.isPresentable,
  );
  // Windows protects the directory instead.
  const others = stats.uid === 0 ? 0o037 : 0o077;
  if (process.platform === "win32" || (stats.mode & others) === 0) return text;
  throw flawed(
    `${file.words} can be read by others than its owner; its permissions should be u=rw (0600) or less, ` +
      `or u=rw,g=r (0640) if it is root's`,
  );
}

/** Makes sure, before any secret comes up, that it can be kept, and that nobody else can read it. */
export function checkKeyLog(parameters: ConnectionParameters): void {
  const file = fileOf(parameters, "sslkeylogfile");
  if (file === null) return;
  const { path, words, isPresentable } = file;
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats !== undefined && !stats.isFile()) throw flawed(`${words} is not a plain file`);
  attempt(
    () => appendFileSync(path, "", { mode: 0o600 }),
    `${words} cannot be written`,
    isPresentable,
  );
}

/**
 * Finds what of a plan is no good by itself, after it has failed as a whole; null when all of it is.
 *
 * The answer begins with the name of the thing, and shows nothing of its contents.
 */
export function blame(
  parameters: ConnectionParameters,
  options: SecureContextOptions,
): string | null {
  const { ca, cert, key, passphrase, crl, pfx } = options;
  for (const part of listOf(ca)) {
    const flaw = flawOf(() => checkCertificates(part));
    if (flaw !== null) return blamed(parameters, "sslrootcert", "ca", flaw);
  }
  const certificateFlaw = cert && flawOf(() => createSecureContext({ cert }));
  if (certificateFlaw) return blamed(parameters, "sslcert", "cert", certificateFlaw);
  for (const part of listOf(key as typeof ca)) {
    const flaw = flawOf(() =>
      createPrivateKey({
        key: part as Buffer,
        ...(passphrase === undefined ? {} : { passphrase }),
      }),
    );
    if (flaw === null) continue;
    const password = parameters.sslkey === null ? "tls.passphrase" : "sslpassword";
    return blamed(parameters, "sslkey", "key", `${flaw}${passwordHint(flaw, password)}`);
  }
  for (const part of listOf(crl)) {
    const flaw = flawOf(() => createSecureContext({ crl: part }));
    if (flaw !== null) return blamedList(parameters, part, flaw);
  }
  const bundle = pfx && flawOf(() => createSecureContext({ pfx, passphrase } as never));
  if (bundle)
    return blamed(parameters, null, "pfx", `${bundle}${passwordHint(bundle, "tls.passphrase")}`);
  const pair = cert && key && flawOf(() => createSecureContext({ cert, key, passphrase } as never));
  if (!pair) return null;
  const [our, its] = [nameOf(parameters, "sslkey", "key"), nameOf(parameters, "sslcert", "cert")];
  return `${our} is not the key of ${its.replace(/,$/, "")}: ${pair}`;
}

/** OpenSSL passes over what it can't read of these. */
function checkCertificates(part: string | Uint8Array): void {
  const text = Buffer.from(part as Uint8Array).toString("latin1");
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^]*?-----END CERTIFICATE-----/g);
  for (const block of blocks ?? []) void new X509Certificate(block);
}

function passwordHint(flaw: string, password: string): string {
  return /decrypt|passphrase|mac verify|interrupted or cancelled/i.test(flaw)
    ? `; is ${password} the one that it needs?`
    : "";
}

function listOf<T>(value: T | readonly T[] | undefined): readonly T[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? (value as readonly T[]) : [value as T];
}

function flawOf(check: () => unknown): string | null {
  try {
    check();
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

function nameOf(parameters: ConnectionParameters, keyword: TlsFile | null, option: string): string {
  const file = keyword === null ? null : fileOf(parameters, keyword);
  return file === null ? `the option tls.${option}` : file.words;
}

function blamed(
  parameters: ConnectionParameters,
  keyword: TlsFile | null,
  option: string,
  flaw: string,
): string {
  return `${nameOf(parameters, keyword, option)} can't be used: ${flaw}`;
}

/** A list may be one of many in a directory. */
function blamedList(
  parameters: ConnectionParameters,
  part: string | Uint8Array,
  flaw: string,
): string {
  const files = [fileOf(parameters, "sslcrl"), ...filesOf(fileOf(parameters, "sslcrldir"))];
  const bad = files.find((file) => file !== null && read(file, "CRL") === part);
  return `${bad?.words ?? "the option tls.crl"} can't be used: ${flaw}`;
}

function attempt<T>(run: () => T, words: string, isPresentable: boolean): T {
  try {
    return run();
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    // The system's words end with the path.
    const reason = isPresentable ? message.replace(/, \w+ '[^]*$/, "") : (code ?? "");
    throw flawed(`${words}: ${reason}`, isPresentable ? error : undefined);
  }
}

function flawed(message: string, cause?: unknown): OperationalError {
  return new OperationalError(message, { cause, code: "ERR_MAHOUT_TLS" });
}
