// Writes the two archive formats of a Debian package, tar and ar. The same files give the same bytes: every member is
// owned by root and has the same date. Also writes members as files, for packages that another program makes.

import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

interface Member {
  readonly path: string;
  readonly bytes: Buffer;
}

export interface TarMember extends Member {
  readonly mode: number;
}

export const member = (path: string, bytes: Buffer, mode = 0o644): TarMember => ({ path, mode, bytes });

/** Write members as files below a directory. */
export function writeMembers(dir: string, members: readonly TarMember[]): void {
  for (const { path, mode, bytes } of members) {
    mkdirSync(dirname(`${dir}/${path}`), { recursive: true });
    writeFileSync(`${dir}/${path}`, new Uint8Array(bytes));
    chmodSync(`${dir}/${path}`, mode);
  }
}

const TAR_BLOCK = 512;

/**
 * POSIX ustar. Parent directories are added.
 *
 * @param date  of every member, in seconds since 1970
 * @throws Error  a path has more than 100 bytes
 */
export function tar(members: readonly TarMember[], date: number): Buffer<ArrayBuffer> {
  const made = new Set<string>();
  const blocks: Buffer[] = [];
  for (const { path, mode, bytes } of members) {
    for (const parent of parentsOf(path)) {
      if (made.has(parent)) continue;
      made.add(parent);
      blocks.push(tarHeader(parent, 0o755, 0, "5", date));
    }
    blocks.push(tarHeader(path, mode, bytes.length, "0", date), bytes, Buffer.alloc(-bytes.length & (TAR_BLOCK - 1)));
  }
  return Buffer.concat([...blocks, Buffer.alloc(2 * TAR_BLOCK)]);
}

/** "./usr/bin/x" → "./", "./usr/", "./usr/bin/" */
function parentsOf(path: string): string[] {
  const names = path.split("/").slice(0, -1);
  return names.map((_, index) => `${names.slice(0, index + 1).join("/")}/`);
}

function tarHeader(path: string, mode: number, size: number, type: "0" | "5", date: number): Buffer<ArrayBuffer> {
  if (Buffer.byteLength(path) > 100) throw new Error(`${path}: too long for an archive`);
  const header = Buffer.alloc(TAR_BLOCK);
  const octal = (value: number, width: number): string => `${value.toString(8).padStart(width - 1, "0")}\0`;
  const put = (at: number, text: string): void => void header.write(text, at, "latin1");
  put(0, path);
  put(100, octal(mode, 8));
  put(108, octal(0, 8));
  put(116, octal(0, 8));
  put(124, octal(size, 12));
  put(136, octal(date, 12));
  put(148, " ".repeat(8));
  put(156, type);
  put(257, "ustar\u000000");
  put(265, "root");
  put(297, "root");
  const sum = header.reduce((total, byte) => total + byte, 0);
  put(148, `${sum.toString(8).padStart(6, "0")}\0 `);
  return header;
}

/** The common ar(5) format, as dpkg reads it. @param date  of every member, in seconds since 1970 */
export function ar(members: readonly Member[], date: number): Buffer<ArrayBuffer> {
  const parts: Buffer[] = [Buffer.from("!<arch>\n")];
  for (const { path, bytes } of members) {
    const header = `${path.padEnd(16)}${String(date).padEnd(12)}${"0".padEnd(6)}${"0".padEnd(6)}${"100644".padEnd(8)}${String(bytes.length).padEnd(10)}\`\n`;
    parts.push(Buffer.from(header), bytes, Buffer.from(bytes.length % 2 === 1 ? "\n" : ""));
  }
  return Buffer.concat(parts);
}
