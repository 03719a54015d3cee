// The names of the killed, for the report: read while they die, and only as long as that delays nothing.

import { SysError } from "../sys/errno.ts";
import { readComm } from "../sys/proc.ts";
import type { Millis, Pid } from "../sys/sys.ts";
import type { KillContext } from "./context.ts";

const NAMES_MS = 1;

/**
 * Read the names of processes that are dying. One that could not be read stays `null`: a name is for people.
 *
 * @param pids  signalled at this moment: the number of one that was signalled earlier may be another's by now
 */
export function readVictimNames({ sys, record }: KillContext, pids: Iterable<Pid>): void {
  const until: Millis = sys.now() + NAMES_MS;
  for (const pid of pids) {
    if (sys.now() > until) return;
    if (record.signalled.get(pid) !== null) continue;
    try {
      record.signalled.set(pid, readComm(sys, pid) ?? null);
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
    }
  }
}
