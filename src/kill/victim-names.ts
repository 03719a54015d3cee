// The names of killed processes, for the report: read while they die, within a time that delays nothing.

import { readOr } from "../sys/errno.ts";
import { readComm } from "../sys/proc.ts";
import type { Millis, Pid } from "../sys/sys.ts";
import type { KillContext } from "./context.ts";

const MAX_READ_MS = 1;

/**
 * Read the names of dying processes into `record.signalled`. A name that cannot be read stays `null`, and ends nothing.
 *
 * @param pids  signalled just now; a pid that was signalled earlier may have been recycled
 */
export function readVictimNames({ sys, record }: KillContext, pids: Iterable<Pid>): void {
  const until: Millis = sys.now() + MAX_READ_MS;
  for (const pid of pids) {
    if (sys.now() > until) return;
    if (record.signalled.get(pid) !== null) continue;
    const comm = readOr(undefined, () => readComm(sys, pid));
    if (comm !== undefined) record.signalled.set(pid, comm);
  }
}
