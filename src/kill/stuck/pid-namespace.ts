// Why the init of a pid namespace does not exit: the kernel kills every other process of the namespace first, and waits
// until each of them has been reaped. One may be frozen elsewhere, or have a parent outside that never reaps it.

import type { Advice } from "../../advice.ts";
import { findFreezer } from "../../cgroup/open/hierarchy.ts";
import { PROC } from "../../sys/dir.ts";
import { readOr } from "../../sys/errno.ts";
import { isInExec, type ProcessStat, readStat, readStatus } from "../../sys/proc.ts";
import type { Millis, Pid, Sys } from "../../sys/sys.ts";
import { type KillContext, yieldToSignals } from "../context.ts";
import { readFrozenBy, thawCommand } from "../frozen-by.ts";
import type { Survivor } from "../types.ts";

/** @see linux: kernel/pid_namespace.c */
const WAITS_FOR_NAMESPACE = "zap_pid_ns_processes";

/** @returns `undefined` if it does not wait for its namespace, or for no process that can be found before `until` */
export async function explainNamespace(
  ctx: KillContext,
  { pid, wchan }: Survivor,
  until: Millis,
): Promise<Advice | undefined> {
  const { sys } = ctx;
  if (wchan !== WAITS_FOR_NAMESPACE) return undefined;
  const namespace = readNamespace(sys, pid);
  if (namespace === undefined) return undefined;
  for (const { name } of sys.readSubdirs(PROC)) {
    if (sys.now() > until) return undefined;
    await yieldToSignals(ctx);
    const other = Number(name);
    if (!Number.isInteger(other) || other === pid || readNamespace(sys, other) !== namespace) continue;
    const stat = readOr(undefined, () => readStat(sys, other));
    if (stat !== undefined) return adviceFor(sys, other, stat);
  }
  return undefined;
}

/** Only of a process that has SIGKILL pending or is exiting: any other may begin an exec, and this read would block. */
function readNamespace(sys: Sys, pid: Pid): string | undefined {
  return readOr(undefined, () => {
    if (isInExec(sys, pid)) return undefined;
    const isKilled = readStatus(sys, pid)?.sigkillPending === true || readStat(sys, pid)?.isExiting === true;
    return isKilled ? sys.readLink(PROC, `${pid}/ns/pid`) : undefined;
  });
}

function adviceFor(sys: Sys, pid: Pid, { comm, state, ppid, threads }: ProcessStat): Advice {
  const waits = `as the init of a pid namespace it waits for ${comm}, pid ${pid}, which is in that namespace`;
  const freezer = findFreezer(sys);
  const frozenBy = freezer === undefined ? null : readOr(null, () => readFrozenBy(sys, freezer, pid, threads));
  if (frozenBy !== null) {
    const hint = `${waits} and frozen: thaw the cgroup that freezes it, and both die`;
    return { hint, commands: [thawCommand(frozenBy)] };
  }
  const dead = `dead, but not reaped by its parent, pid ${ppid}: end that parent, and this one dies`;
  return { hint: `${waits} and ${state === "Z" ? dead : `in state ${state}: they die together`}`, commands: [] };
}
