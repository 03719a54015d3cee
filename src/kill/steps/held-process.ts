// One process that is held: by a pidfd, or by its number and start time where there is none.

import { isDenied } from "../../sys/errno.ts";
import { isDead, type ProcessStat, readStat } from "../../sys/proc.ts";
import type { Pid, Pidfd, PollFd, Sys } from "../../sys/sys.ts";

/** A process that is held. As poll(2) takes it, if it is held by a pidfd. */
export interface HeldProcess extends Partial<PollFd> {
  readonly pid: Pid;
  readonly fd?: Pidfd;
  readonly events?: number;
  /** Clock ticks after boot; only if there is no pidfd. Where /proc hides it, its death cannot be told: the lists must do. */
  readonly startTicks?: number | undefined;
}

export function holdByNumber(sys: Sys, pid: Pid): HeldProcess {
  return { pid, startTicks: readStatIfShown(sys, pid)?.startTicks };
}

/** Is it dead, as far as can be told now? A recycled pid is another process: the one that was held is dead. */
export function isHeldDead(sys: Sys, held: HeldProcess): boolean {
  if (held.fd !== undefined) return sys.poll([held as PollFd], 0).length > 0;
  const stat = readStatIfShown(sys, held.pid);
  if (stat === undefined || stat.startTicks !== held.startTicks) return true;
  return isDead(stat);
}

/** `undefined` if it is gone, or hidden from us. */
export function readStatIfShown(sys: Sys, pid: Pid): ProcessStat | undefined {
  try {
    return readStat(sys, pid);
  } catch (error) {
    if (isDenied(error)) return undefined;
    throw error;
  }
}
