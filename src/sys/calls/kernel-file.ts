// Reads a kernel file to its end.

import { decodeBytes, joined } from "../bytes.ts";
import type { Fd } from "../sys.ts";
import { type Calls, ERRNO, type Result } from "./calls.ts";

/** Also the maximum size of a record; the kernel's are one page. */
export const READ_BYTES: number = 64 * 1024;

/**
 * Make a function that reads an open kernel file from its start to its end. A read may return less than asked for, and
 * only 0 means the end. A record file (`isRecord`) takes one read, because a short read of it is the whole record.
 *
 * @see linux: fs/seq_file.c, seq_read_iter
 */
export function kernelFileReader(calls: Calls, buffer: Uint8Array): (fd: Fd, isRecord: boolean) => string | Result {
  return (fd, isRecord) => {
    let full: Uint8Array[] | undefined;
    let filled = 0;
    for (let at = 0; ;) {
      const placed = calls.pread(fd, buffer, filled, at);
      // A file of the FUSE control file system cannot be read at an offset; one read gives all of it.
      const got = placed === -ERRNO.ESPIPE && at === 0 ? calls.read(fd, buffer) : placed;
      if (got < 0) return got;
      if (got === 0) break;
      at += got;
      filled += got;
      if (filled === READ_BYTES) {
        (full ??= []).push(buffer.slice());
        filled = 0;
      } else if (isRecord) {
        break;
      }
    }
    if (full === undefined) return decodeBytes(buffer, filled);
    full.push(buffer.subarray(0, filled));
    return decodeBytes(joined(full));
  };
}
