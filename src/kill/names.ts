// The names of the killed, for the report: read while they die, and only as long as that keeps nobody waiting.

import { SysError } from "../sys/errno.ts";
import { readComm } from "../sys/proc.ts";
import type { Millis, Pid } from "../sys/sys.ts";
import type { KillRun } from "./run.ts";

const NAMES_MS = 1;

/**
 * Whoever has none is as good as before: a name is for people.
 *
 * @param pids  signalled at this moment: the number of who was signalled earlier may be another process's by now
 */
export function nameTheDying(run: KillRun, pids: ReadonlySet<Pid>): void {
  const until: Millis = run.sys.now() + NAMES_MS;
  for (const pid of pids) {
    if (run.sys.now() > until) return;
    if (run.killed.get(pid) === null) run.killed.set(pid, nameOf(run, pid));
  }
}

/** A name that we may not read is one that is not told. */
function nameOf({ sys }: KillRun, pid: Pid): string | null {
  try {
    return readComm(sys, pid) ?? null;
  } catch (error) {
    if (error instanceof SysError) return null;
    throw error;
  }
}
