// Stepping aside: moving processes out of the target before anything else, and moving the killed out of a frozen
// ancestor's reach so that they can die. Every move is read back.

import { ancestorPaths, readFreezing } from "../cgroup/freezing.ts";
import { isWithin, readCgroupPath } from "../cgroup/hierarchy.ts";
import { moveProcess } from "../cgroup/members.ts";
import { openInHierarchy } from "../cgroup/path.ts";
import type { Cgroup } from "../cgroup/types.ts";
import * as v1 from "../cgroup/v1.ts";
import { isGone, SysError } from "../sys/errno.ts";
import type { Pid, Sys } from "../sys/sys.ts";
import { RefusedError } from "./errors.ts";
import { emit, type KillRun, listMembers } from "./run.ts";
import type { KillOptions } from "./types.ts";

const INIT: Pid = 1;

/** Which of the processes to be spared, ourselves among them, are inside the target now. */
export function findInside(sys: Sys, cgroup: Cgroup, options: KillOptions): Pid[] {
  const wanted = new Set([sys.pid, ...options.spare]);
  return [...wanted].filter((pid) => {
    const path = readCgroupPath(sys, cgroup.hierarchy, pid === sys.pid ? "self" : pid);
    return path !== undefined && isWithin(path, cgroup.path);
  });
}

/**
 * Move ourselves and the others to be spared out of the target.
 *
 * @throws RefusedError  there is nowhere to go; who had been moved is back where he was
 */
export function stepAside(run: KillRun): void {
  const inside = findInside(run.sys, run.cgroup, run.plan.options);
  for (const pid of inside) {
    const came = readCgroupPath(run.sys, run.cgroup.hierarchy, pid);
    const to = moveOut(run, pid);
    if (to === undefined) continue;
    run.spared.push({ pid, cgroup: to });
    emit(run, "info", "moved out of the target", { pid, from: came ?? null, to });
  }
}

/** Move one process to the first place that takes it; `undefined` where it is gone meanwhile. */
function moveOut(run: KillRun, pid: Pid): string | undefined {
  const refusals: string[] = [];
  for (const destination of destinations(run)) {
    try {
      moveProcess(run.sys, destination.dir, pid);
      const now = readCgroupPath(run.sys, run.cgroup.hierarchy, pid);
      if (now === undefined) return undefined;
      if (!isWithin(now, run.cgroup.path)) return now;
      refusals.push(`${destination.name}: accepted, but pid ${pid} is in ${now}`);
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      if (error.errno === "ESRCH") return undefined;
      refusals.push(error.message);
    } finally {
      closeUnlessGiven(run, destination);
    }
  }
  moveBack(run);
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
function moveBack(run: KillRun): void {
  for (const { pid } of run.spared.splice(0)) {
    try {
      moveProcess(run.sys, run.cgroup.dir, pid);
    } catch (error) {
      emit(run, "warn", "could not be moved back into the target", { pid, error: String(error) });
    }
  }
}

/**
 * Where a process can be moved, best first: where the caller says, init.scope (v2), where PID 1 is, the ancestors of
 * the target from the nearest up, the root. Never a place inside the target, and never a frozen one: who joins it
 * freezes in the very write.
 */
function* destinations(run: KillRun): Generator<Cgroup> {
  const { sys, cgroup, plan } = run;
  const { hierarchy } = cgroup;
  const { spareTo } = plan.options;
  if (spareTo !== undefined) yield spareTo;
  const paths = new Set<string>();
  if (hierarchy.version === "v2") paths.add("/init.scope");
  const init = readCgroupPath(sys, hierarchy, INIT);
  if (init !== undefined) paths.add(init);
  if (hierarchy.version === "v2") for (const path of ancestorPaths(cgroup.path)) paths.add(path);
  paths.add("/");
  for (const path of paths) {
    if (isWithin(path, cgroup.path)) continue;
    const destination = openInHierarchy(sys, hierarchy, path);
    if (destination === undefined) continue;
    if (readFreezing(sys, destination).state === "thawed") yield destination;
    else sys.close(destination.fd);
  }
}

/**
 * Below a frozen ancestor nobody dies, and thawing the child has no effect. The killed can be moved to a thawed
 * cgroup: they die there at once, and run no more of their code.
 */
export function moveDeadOut(run: KillRun): void {
  if (!isHeldByAncestor(run)) return;
  const dead = [...listMembers(run).pids].filter((pid) => run.killed.has(pid));
  for (const destination of destinations(run)) {
    try {
      for (const pid of dead) moveDead(run, destination, pid);
      emit(run, "info", "an ancestor is frozen: moved the killed out to die", { to: destination.path, pids: dead });
      return;
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      emit(run, "debug", "could not move the killed out", { to: destination.path, error: error.message });
    } finally {
      closeUnlessGiven(run, destination);
    }
  }
}

function moveDead(run: KillRun, destination: Cgroup, pid: Pid): void {
  try {
    moveProcess(run.sys, destination.dir, pid);
  } catch (error) {
    // ESRCH is this process; ENOENT would be the destination.
    if (!(error instanceof SysError && error.errno === "ESRCH")) throw error;
  }
}

function isHeldByAncestor({ sys, cgroup }: KillRun): boolean {
  if (!cgroup.hierarchy.hasFreezer) return false;
  try {
    return v1.readParentFreezing(sys, cgroup.dir);
  } catch (error) {
    if (isGone(error)) return false;
    throw error;
  }
}
