// The limit of the pids controller; the file is the same on v1 and v2.

import type { Dir } from "../sys/dir.ts";
import type { Sys } from "../sys/sys.ts";

/**
 * Read the limit: a number or "max".
 *
 * @throws SysError  ENOENT: the root, or a hierarchy without the controller
 */
export function readPidsMax(sys: Sys, dir: Dir): string {
  return sys.readRecord(dir, "pids.max").trim();
}

/** Write the limit. Existing processes stay; at 0, every fork fails with EAGAIN. */
export function writePidsMax(sys: Sys, dir: Dir, limit: string): void {
  sys.writeFile(dir, "pids.max", limit);
}
