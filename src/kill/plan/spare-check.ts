// Is every process of --spare inside a target? One mistyped digit would kill what was to be protected. Reads only.

import { findInside } from "../../cgroup/inside.ts";
import type { Cgroup } from "../../cgroup/types.ts";
import { SysError } from "../../sys/errno.ts";
import { readStat } from "../../sys/proc.ts";
import type { Pid, Sys } from "../../sys/sys.ts";
import type { Refusal } from "../types.ts";

export interface SpareCheck {
  /** Look for the processes in one of the targets, while it is open. */
  lookIn(cgroup: Cgroup): Promise<void>;
  /** Why the call is refused, once every target was looked into; `null` if each was found. */
  refusal(): Refusal | null;
}

export function createSpareCheck(sys: Sys, spare: readonly Pid[]): SpareCheck {
  const unseen = new Set(spare);
  let hasTarget = false;
  return {
    async lookIn(cgroup) {
      hasTarget = true;
      for (const pid of await findInside(sys, cgroup, unseen)) unseen.delete(pid);
    },
    refusal() {
      const [pid] = unseen;
      if (pid === undefined || !hasTarget) return null;
      return {
        code: "spare-not-inside",
        message: `--spare ${pid}: ${isThere(sys, pid) ? "this process is not inside any target" : "no such process"}`,
        hint: "correct the number, or leave it out: what is outside the targets is not touched anyway",
        commands: [],
      };
    },
  };
}

/** One that is hidden from us is there. */
function isThere(sys: Sys, pid: Pid): boolean {
  try {
    return readStat(sys, pid) !== undefined;
  } catch (error) {
    if (error instanceof SysError) return true;
    throw error;
  }
}
