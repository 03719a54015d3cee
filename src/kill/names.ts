// The names of the killed, for the report: read while they die, and only as long as that keeps nobody waiting.

import { SysError } from "../sys/errno.ts";
import { readComm } from "../sys/proc.ts";
import type { Millis, Pid } from "../sys/sys.ts";
import type { KillRun } from "./run.ts";

const NAMES_MS = 1;

/** Whoever has none is as good as before: a name is for people. */
export function nameTheDying(run: KillRun): void {
  const until: Millis = run.sys.now() + NAMES_MS;
  for (const [pid, comm] of run.killed) {
    if (run.sys.now() > until) return;
    if (comm === null) run.killed.set(pid, nameOf(run, pid));
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
