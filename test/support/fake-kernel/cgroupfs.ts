// The files of a cgroup: their text, made from the model when it is read, and what writing to them does.

import { SysError } from "../../../src/sys/errno.ts";
import { type FakeGroup, type FakeHierarchy, nameOf } from "./groups.ts";
import type { KernelModel } from "./model.ts";
import type { FakeProcess, FakeThread } from "./processes.ts";

const lines = (numbers: readonly number[]): string => numbers.map((number) => `${number}\n`).join("");
const flag = (isSet: boolean): string => (isSet ? "1" : "0");

export function readGroupFile(model: KernelModel, hierarchy: FakeHierarchy, group: FakeGroup, name: string): string {
  const failed = (errno: string): SysError => new SysError("read", `${hierarchy.point}${group.path}/${name}`, errno);
  switch (name) {
    case "cgroup.procs":
      if (group.isThreaded) throw failed("EOPNOTSUPP");
      return lines(listProcs(model, hierarchy, group));
    case "cgroup.threads":
    case "tasks":
      return lines(listThreads(model, hierarchy, group));
    case "cgroup.events": {
      const populated = `populated ${flag(model.live(group, hierarchy).length > 0)}\n`;
      if (!model.options.hasCgroupFreeze) return populated;
      return `${populated}frozen ${flag(group.isFreezing && group.readsToFreeze-- <= 0)}\n`;
    }
    case "memory.current":
    case "memory.usage_in_bytes":
      return `${group.memory}\n`;
    case "cpu.stat":
      return `usage_usec ${group.cpuUsec}\nuser_usec 0\nsystem_usec 0\n`;
    case "cgroup.stat":
      return `nr_descendants ${[...group.subtree()].length - 1}\nnr_dying_descendants 0\n`;
    case "cgroup.freeze":
    case "freezer.self_freezing":
      return `${flag(group.isSwitchedOn)}\n`;
    case "cgroup.type":
      if (group.isThreaded) return "threaded\n";
      return [...group.children.values()].some(({ isThreaded }) => isThreaded) ? "domain threaded\n" : "domain\n";
    case "pids.max":
      return `${group.pidsMax}\n`;
    case "freezer.state":
      if (!group.isFreezing) return "THAWED\n";
      return group.overlooks > 0 || group.readsToFreeze-- > 0 ? "FREEZING\n" : "FROZEN\n";
    case "freezer.parent_freezing":
      return `${flag(group.parent?.isFreezing === true)}\n`;
    default:
      throw failed("EINVAL");
  }
}

/**
 * v1 lists a process in every cgroup that has a thread of it, and leaves out processes without a pid in our namespace.
 * v2 lists it in the domain of its leader, as 0 if it has no pid.
 */
function listProcs({ processes }: KernelModel, hierarchy: FakeHierarchy, group: FakeGroup): number[] {
  const isV1 = hierarchy.version === "v1";
  const pids: number[] = [];
  for (const { pid, isDead, isInvisible, groups, otherThreads } of processes.values()) {
    if (isDead || (isV1 && isInvisible)) continue;
    const isListed =
      groups.get(hierarchy)?.domain === group || (isV1 && otherThreads.some((thread) => thread.group === group));
    if (isListed) pids.push(isInvisible ? 0 : pid);
  }
  return pids;
}

function listThreads({ processes }: KernelModel, hierarchy: FakeHierarchy, group: FakeGroup): number[] {
  const first: number[] = [];
  const others: number[] = [];
  for (const { tid, isDead, isInvisible, groups, otherThreads } of processes.values()) {
    if (isDead) continue;
    if (!isInvisible && groups.get(hierarchy) === group) first.push(tid);
    for (const thread of otherThreads) if (thread.group === group) others.push(thread.tid);
  }
  return [...first, ...others];
}

/** @param shown  the path for errors */
export function writeGroupFile(
  model: KernelModel,
  hierarchy: FakeHierarchy,
  group: FakeGroup,
  name: string,
  value: string,
  shown: string,
): void {
  const failed = (errno: string): SysError => new SysError("write", shown, errno, value);
  model.writes.push({ operation: "write", path: `${nameOf(hierarchy, group)}/${name}`, value });
  switch (name) {
    case "cgroup.kill":
      if (group.isThreaded) throw failed("EOPNOTSUPP");
      if (value !== "1") throw failed("ERANGE");
      for (const process of model.live(group, hierarchy)) if (process.missesKill-- <= 0) model.sigkill(process);
      return;
    case "cgroup.freeze":
      if (value !== "0" && value !== "1") throw failed("ERANGE");
      group.isSwitchedOn = value === "1";
      group.notices++;
      return;
    case "freezer.state":
      if (value !== "FROZEN" && value !== "THAWED") throw failed("EINVAL");
      if (group.isSwitchedOn && value === "FROZEN") group.overlooks--;
      group.isSwitchedOn = value === "FROZEN";
      return;
    case "pids.max":
      group.pidsMax = value;
      return;
    case "cgroup.procs": {
      if (group.isThreaded) throw failed("EOPNOTSUPP");
      const process = model.processes.get(value === "0" ? model.pid : Number(value));
      if (process === undefined || process.isDead) throw failed("ESRCH");
      moveProcess(model, process, hierarchy, group);
      return;
    }
    default:
      throw failed("EINVAL");
  }
}

/** Move a process with all its threads, within one hierarchy. */
function moveProcess(model: KernelModel, process: FakeProcess, hierarchy: FakeHierarchy, group: FakeGroup): void {
  for (const up of process.groups.get(hierarchy)?.selfAndAncestors() ?? []) up.notices++;
  for (const up of group.selfAndAncestors()) up.notices++;
  process.groups.set(hierarchy, group);
  const isHere = (thread: FakeThread): boolean => model.hierarchyOf(thread.group) === hierarchy;
  process.otherThreads = process.otherThreads.map((thread) => (isHere(thread) ? { ...thread, group } : thread));
}
