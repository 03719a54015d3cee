// Lists the entries of an open directory, such as its subdirectories, with getdents64(2).

import { decodeBytes } from "../bytes.ts";
import type { DirEntry } from "../sys.ts";
import { ERRNO, type Result } from "./calls.ts";
import { addressOf, type Libc } from "./libc.ts";

export const DENTS_BYTES: number = 32 * 1024;
const DT_DIR = 4;
/** @see getdents64(2): d_ino, d_off, d_reclen, d_type, d_name */
const D_RECLEN = 16;
const D_TYPE = 18;
const D_NAME = 19;

/**
 * List the subdirectories, or everything. Relies on d_type, which cgroup file systems and /proc always fill in.
 *
 * @param entries  a buffer of DENTS_BYTES
 * @param isLate   asked after each read of the buffer
 */
export function readEntries(
  { c, machine, errno }: Libc,
  fd: number,
  entries: Uint8Array,
  kind: "subdirs" | "all",
  isLate?: () => boolean,
): DirEntry[] | Result {
  const isEachWanted = kind === "all";
  const found: DirEntry[] = [];
  const inodes = new BigUint64Array(entries.buffer);
  const entriesAt = addressOf(entries);
  for (;;) {
    const length = c.syscall(machine.getdents64, fd, entriesAt, DENTS_BYTES, 0, 0);
    if (length < 0) return -errno();
    if (length === 0) return found;
    if (isLate?.() === true) return -ERRNO.ETIMEDOUT;
    for (let at = 0, size = 0; at < length; at += size) {
      size = (entries[at + D_RECLEN] as number) | ((entries[at + D_RECLEN + 1] as number) << 8);
      if (!isEachWanted && entries[at + D_TYPE] !== DT_DIR) continue;
      const name = decodeBytes(entries.subarray(at + D_NAME, entries.indexOf(0, at + D_NAME)));
      if (name !== "." && name !== "..") found.push({ name, ino: inodes[at >>> 3] as bigint });
    }
  }
}
