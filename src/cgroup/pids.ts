// The limit of the pids controller, the same file in v1 and v2.

import type { Dir, Sys } from "../sys/sys.ts";

/** A number, or "max". The root has none, nor has a cgroup whose hierarchy lacks the controller. */
export function readPidsMax(sys: Sys, dir: Dir): string {
  return sys.readRecord(dir, "pids.max").trim();
}

/** Those who are there stay; with 0, every fork fails with EAGAIN. */
export function writePidsMax(sys: Sys, dir: Dir, limit: string): void {
  sys.writeFile(dir, "pids.max", limit);
}
