// Whether a read of /proc/PID that needs the memory of the process may block.

import { listThreads, type ProcessStat, readStat } from "./proc.ts";
import type { Pid, Sys } from "./sys.ts";

/**
 * May reading the command line hang? It is read from the memory of the process, under a lock that a thread in state D
 * may hold.
 */
export function mayHang(sys: Sys, pid: Pid, stat: ProcessStat): boolean {
  if (stat.state === "D") return true;
  if (stat.threads <= 1) return false;
  return listThreads(sys, pid).some((tid) => readStat(sys, tid)?.state === "D");
}
