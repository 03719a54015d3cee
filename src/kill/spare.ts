// Stepping aside: moving processes out of the target before anything else. Every move is read back.

import { isWithin, leavesNamespace, readCgroupPath } from "../cgroup/hierarchy.ts";
import { moveProcess, readMembers } from "../cgroup/members.ts";
import { openInHierarchy } from "../cgroup/path.ts";
import { walkSubtree } from "../cgroup/tree.ts";
import type { Cgroup } from "../cgroup/types.ts";
import { SysError } from "../sys/errno.ts";
import type { Pid, Sys } from "../sys/sys.ts";
import { RefusedError } from "./errors.ts";
import { destinations } from "./places.ts";
import { emit, type KillRun } from "./run.ts";
import type { KillOptions } from "./types.ts";

/** Which of the processes to be spared, ourselves among them, are inside the target now. */
export function findInside(sys: Sys, cgroup: Cgroup, options: KillOptions): Pid[] {
  const wanted = new Set([sys.pid, ...options.spare]);
  return [...wanted].filter((pid) => {
    const path = readPlace(sys, cgroup, pid);
    return path !== undefined && isInside(sys, cgroup, pid, path);
  });
}

/** Ourselves not by number: /proc may be that of another pid namespace, where the number is somebody else's. */
function readPlace(sys: Sys, { hierarchy }: Cgroup, pid: Pid): string | undefined {
  return readCgroupPath(sys, hierarchy, pid === sys.pid ? "self" : pid);
}

/** @param path  where the process is, as /proc says */
function isInside(sys: Sys, cgroup: Cgroup, pid: Pid, path: string): boolean {
  if (!leavesNamespace(cgroup.path)) return isWithin(path, cgroup.path);
  using subtree = walkSubtree(sys, cgroup);
  return readMembers(sys, subtree.dirs).pids.has(pid);
}

/**
 * Move ourselves and the others to be spared out of the target.
 *
 * @throws RefusedError  there is nowhere to go; who had been moved is back where he was
 */
export function stepAside(run: KillRun): void {
  const inside = findInside(run.sys, run.cgroup, run.plan.options);
  const origins = new Map<Pid, string>();
  for (const pid of inside) {
    const came = readPlace(run.sys, run.cgroup, pid);
    const to = moveOut(run, pid, origins);
    if (to === undefined) continue;
    run.spared.push({ pid, cgroup: to });
    origins.set(pid, came ?? run.cgroup.path);
    emit(run, "info", "moved out of the target", { pid, from: came ?? null, to });
  }
}

/** Move one process to the first place that takes it; `undefined` where it is gone meanwhile. */
function moveOut(run: KillRun, pid: Pid, origins: ReadonlyMap<Pid, string>): string | undefined {
  const refusals: string[] = [];
  for (const destination of destinations(run.sys, run.cgroup, run.plan.options.spareTo)) {
    try {
      moveProcess(run.sys, destination.dir, pid);
      const now = readPlace(run.sys, run.cgroup, pid);
      if (now === undefined) return undefined;
      if (!isInside(run.sys, run.cgroup, pid, now)) return now;
      refusals.push(`${destination.name}: accepted, but pid ${pid} is in ${now}`);
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      if (error.errno === "ESRCH") return undefined;
      refusals.push(error.message);
    } finally {
      closeUnlessGiven(run, destination);
    }
  }
  moveBack(run, origins);
  throw new RefusedError({
    code: "nowhere-to-step-aside",
    message: `pid ${pid} is inside ${run.cgroup.path} and could not be moved out: ${refusals.join("; ") || "no place to move it to"}`,
    hint: "name a cgroup outside the target that takes processes: --spare-to CGROUP",
  });
}

function closeUnlessGiven(run: KillRun, destination: Cgroup): void {
  if (destination !== run.plan.options.spareTo) run.sys.close(destination.fd);
}

/** Nothing is to be touched by a kill that is refused. */
function moveBack(run: KillRun, origins: ReadonlyMap<Pid, string>): void {
  const { sys, cgroup } = run;
  for (const { pid } of run.spared.splice(0)) {
    let origin: Cgroup | undefined;
    try {
      origin = openInHierarchy(sys, cgroup.hierarchy, origins.get(pid) ?? cgroup.path);
      moveProcess(sys, (origin ?? cgroup).dir, pid);
    } catch (error) {
      emit(run, "warn", "could not be moved back into the target", { pid, error: String(error) });
    } finally {
      if (origin !== undefined) sys.close(origin.fd);
    }
  }
}
