// Checks that every process of --spare is inside a target: a mistyped pid would let the intended process die. Reads only.

import { findInside } from "../../cgroup/inside.ts";
import type { Cgroup } from "../../cgroup/types.ts";
import { readOr } from "../../sys/errno.ts";
import { readStat } from "../../sys/proc.ts";
import type { Pid, Sys } from "../../sys/sys.ts";
import type { Refusal } from "../types.ts";

export interface SpareCheck {
  /** Look for the processes in one open target. */
  lookIn(cgroup: Cgroup): Promise<void>;
  /** After every target was searched: why the call is refused; `null` if all were found. */
  refusal(): Refusal | null;
}

export function createSpareCheck(sys: Sys, spare: readonly Pid[]): SpareCheck {
  const unseen = new Set(spare);
  let hasTarget = false;
  return {
    async lookIn(cgroup) {
      hasTarget = true;
      if (unseen.size === 0) return;
      for (const pid of await findInside(sys, cgroup, unseen)) unseen.delete(pid);
    },
    refusal() {
      const [pid] = unseen;
      if (pid === undefined || !hasTarget) return null;
      return {
        code: "spare-not-inside",
        message: `--spare ${pid}: ${exists(sys, pid) ? "this process is not inside any target" : "no such process"}`,
        hint: "correct the pid, or leave it out: processes outside the targets are not touched anyway",
        commands: [],
      };
    },
  };
}

/** Also `true` if /proc hides it. */
const exists = (sys: Sys, pid: Pid): boolean => readOr(true, () => readStat(sys, pid) !== undefined);
