// SHA256SUMS, and its signature.

import { existsSync, readFileSync, rmSync } from "node:fs";

import { $ } from "bun";

/** The namespace of the signature: a signature made for another purpose is not valid here. */
export const NAMESPACE = "cgkill";

export const sha256 = (bytes: Uint8Array): string => Bun.SHA256.hash(new Uint8Array(bytes), "hex");

/** In the format of sha256sum, sorted by name. */
export function sumsOf(files: ReadonlyMap<string, Uint8Array>): string {
  return renderSums(new Map([...files].map(([name, bytes]) => [name, sha256(bytes)])));
}

/** @param sums  SHA-256 by file name */
export function renderSums(sums: ReadonlyMap<string, string>): string {
  return [...sums]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, sum]) => `${sum}  ${name}\n`)
    .join("");
}

/**
 * Sign a file with OpenSSH, into FILE.sig.
 *
 * @param key  a file with the private key, or with a public key whose private key the agent has
 * @throws Error  ssh-keygen failed
 */
export async function sign(file: string, key: string): Promise<void> {
  rmSync(`${file}.sig`, { force: true });
  const ran = await $`ssh-keygen -Y sign -f ${key} -n ${NAMESPACE} ${file}`.quiet().nothrow();
  if (ran.exitCode !== 0 || !existsSync(`${file}.sig`)) throw new Error(`ssh-keygen cannot sign:\n${ran.stderr}`);
}

/**
 * Read the public key that belongs to a key file, as "type base64".
 *
 * @throws Error  there is no public key beside it
 */
export function publicKeyOf(key: string): string {
  const isPublic = key.endsWith(".pub");
  if (!isPublic && !existsSync(`${key}.pub`)) throw new Error(`${key}.pub: the public key is missing`);
  const [type, data] = readFileSync(isPublic ? key : `${key}.pub`, "utf8")
    .trim()
    .split(/\s+/);
  return `${type} ${data}`;
}
