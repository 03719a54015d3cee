// The state of the modelled kernel and its laws: how processes fork and die, how freezing delays that, and a clock that
// moves only when the caller reads, writes or waits. Not here: system calls, and the text of files.

import { Descriptors } from "./descriptors.ts";
import { Faults } from "./faults.ts";
import { FakeGroup, type FakeHierarchy } from "./groups.ts";
import { DEFAULT_HOST, type FakeOptions } from "./options.ts";
import { defaultProcess, type FakeProcess, ignoresSigkill, isFrozenAnywhere, isFrozenOnV1 } from "./processes.ts";

export interface Write {
  readonly operation: "write" | "mkdir" | "rmdir" | "signal";
  readonly path: string;
  readonly value: string;
}

/** What every access costs, on the model's clock. */
const STEP_MS = 0.01;
const FIRST_PID = 2000;
/** A runaway fork bomb ends here. */
const MAX_FORKS = 20_000;

export class KernelModel {
  readonly pid = 1000;
  time = 0;
  readonly hierarchies: FakeHierarchy[] = [];
  readonly processes: Map<number, FakeProcess> = new Map();
  readonly writes: Write[] = [];
  /** Every change of a scheduling policy. */
  readonly policies: { readonly pid: number; readonly policy: number; readonly isKilled: boolean }[] = [];
  /** How many pidfds can be open at once; other holders of the limit have the rest. */
  maxPidfds: number = Number.POSITIVE_INFINITY;
  /** What one read of a directory costs; a long one takes several. */
  dentsMs = 0.2;
  /** Called before every access to a file or process: a test acts here as another process. */
  onAccess: (operation: string, path: string) => void = () => {};
  /** Paths that something else is mounted over: a cgroup, or one of its files. */
  readonly covers: Set<string> = new Set();
  readonly options: Required<FakeOptions>;
  readonly fds: Descriptors = new Descriptors();
  private readonly faults: Faults = new Faults();
  private schedule: { readonly at: number; readonly action: () => void }[] = [];
  private nextPid = FIRST_PID;
  private nextIno = 100n;

  constructor(options: FakeOptions = {}) {
    this.options = { ...DEFAULT_HOST, ...options };
    const { layout, controllers } = this.options;
    if (layout !== "legacy") this.mount("v2", "", layout === "unified" ? "/sys/fs/cgroup" : "/sys/fs/cgroup/unified");
    if (layout !== "unified") {
      for (const name of controllers) this.mount("v1", name, `/sys/fs/cgroup/${name}`);
      this.mount("v1", "name=systemd", "/sys/fs/cgroup/systemd");
    }
    this.addProcess({ pid: 1, comm: "init" });
    this.addProcess({ pid: this.pid, ppid: 1, comm: "cgkill" });
  }

  private mount(version: "v1" | "v2", controllers: string, point: string): void {
    const root = new FakeGroup("", undefined, this.nextIno++);
    const mountId = 30 + this.hierarchies.length;
    this.hierarchies.push({ version, controllers, point, mountId, root, isMounted: true });
  }

  // ── for tests to set up and change ──

  hierarchy(which: string): FakeHierarchy {
    const found = this.hierarchies.find(
      ({ version, controllers }) => (version === "v2" ? "v2" : controllers) === which,
    );
    if (found === undefined) throw new Error(`no such hierarchy in this model: ${which}`);
    return found;
  }

  hierarchyOf(group: FakeGroup): FakeHierarchy {
    const root = [...group.selfAndAncestors()].at(-1);
    return this.hierarchies.find((hierarchy) => hierarchy.root === root) as FakeHierarchy;
  }

  /** Make a cgroup and its missing ancestors. */
  makeGroup(which: string, path: string): FakeGroup {
    let group = this.hierarchy(which).root;
    for (const name of path.split("/").filter(Boolean)) {
      group = group.children.get(name) ?? this.addGroup(group, name);
    }
    return group;
  }

  addGroup(parent: FakeGroup, name: string): FakeGroup {
    const group = new FakeGroup(name, parent, this.nextIno++);
    parent.children.set(name, group);
    return group;
  }

  /** As rename(2) does on v1. */
  renameGroup(group: FakeGroup, name: string): void {
    group.parent?.children.delete(group.name);
    group.name = name;
    group.parent?.children.set(name, group);
  }

  /** Remove a cgroup and everything below it. */
  removeGroup(group: FakeGroup): void {
    for (const child of group.children.values()) this.removeGroup(child);
    group.isRemoved = true;
    group.parent?.children.delete(group.name);
    group.notices++;
  }

  addProcess(given: Partial<FakeProcess> & { readonly group?: FakeGroup; readonly which?: string } = {}): FakeProcess {
    const { group, which = "v2", ...rest } = given;
    const pid = given.pid ?? this.nextPid++;
    const groups = new Map(given.groups ?? this.hierarchies.map((hierarchy) => [hierarchy, hierarchy.root]));
    if (group !== undefined && given.groups === undefined) groups.set(this.hierarchy(which), group);
    const process: FakeProcess = { ...defaultProcess(pid), ...rest, pid, groups };
    this.processes.set(pid, process);
    return process;
  }

  /** Make an operation ("read", "write", "open", "rmdir", "mkdir", "pidfd_open", …) fail on paths that match. */
  failNext(operation: string, path: RegExp, errno: string, times = 1): void {
    this.faults.add(operation, path, errno, times);
  }

  /** Run an action in `ms` milliseconds of the model's time. */
  at(ms: number, action: () => void): void {
    this.schedule.push({ at: this.time + ms, action });
  }

  /** The live processes of a subtree, those with only a thread in it included. */
  live(group: FakeGroup, hierarchy: FakeHierarchy): FakeProcess[] {
    const isInside = ({ isDead, groups, otherThreads }: FakeProcess): boolean =>
      !isDead &&
      (groups.get(hierarchy)?.isWithin(group) === true || otherThreads.some((thread) => thread.group.isWithin(group)));
    return [...this.processes.values()].filter(isInside);
  }

  get openDescriptors(): number {
    return this.fds.size;
  }

  // ── the laws ──

  /** Begin an access: it takes time, others may act during it, and it may fail. */
  enter(operation: string, path: string): void {
    this.advance(STEP_MS);
    this.onAccess(operation, path);
    this.faults.check(operation, path);
  }

  sigkill(process: FakeProcess): void {
    process.killedAt ??= this.time;
  }

  /** A process that gets a processor begins to die now. */
  protected setPolicy(process: FakeProcess, policy: number): void {
    process.policy = policy;
    this.policies.push({ pid: process.pid, policy, isKilled: process.killedAt !== undefined });
    if (process.isStarved && process.killedAt !== undefined) process.killedAt = this.time;
  }

  /** Let time pass until something is ready. @returns what was ready, nothing at the deadline */
  waitUntil<T>(end: number, findReady: () => readonly T[]): readonly T[] {
    for (;;) {
      const ready = findReady();
      if (ready.length > 0 || this.time >= end) return ready;
      const next = Math.max(this.time + STEP_MS, Math.min(this.nextEvent(), end));
      this.advance(Math.min(next, end) - this.time);
    }
  }

  /** Let time pass, as a slow call does. */
  advance(ms: number): void {
    this.time += ms;
    if (this.schedule.some(({ at }) => at <= this.time)) this.runScheduled();
    // Only those that can change; a list, because letFork adds to the map.
    const changing: FakeProcess[] = [];
    for (const process of this.processes.values()) if (canDie(process) || canFork(process)) changing.push(process);
    for (const process of changing) {
      this.letDie(process);
      this.letFork(process);
    }
  }

  private runScheduled(): void {
    // An action may thaw: a process that was frozen until now begins to die now, not at the previous access.
    for (const process of this.processes.values()) {
      if (canDie(process) && isWaitingForThaw(process)) process.killedAt = this.time;
    }
    const due = this.schedule.filter(({ at }) => at <= this.time);
    this.schedule = this.schedule.filter(({ at }) => at > this.time);
    for (const { action } of due) action();
  }

  private letDie(process: FakeProcess): void {
    if (!canDie(process)) return;
    if (isWaitingForThaw(process)) {
      process.killedAt = this.time;
      return;
    }
    process.isDying = true;
    if (this.time < (process.killedAt as number) + process.exitMs) return;
    process.isDead = true;
    for (const group of process.groups.values()) for (const up of group.selfAndAncestors()) up.notices++;
  }

  private letFork(process: FakeProcess): void {
    if (!canFork(process) || isFrozenAnywhere(process) || this.nextPid > FIRST_PID + MAX_FORKS) return;
    if (this.countForking() >= process.forksUpTo || this.isFenced(process)) return;
    this.addProcess({ ppid: process.pid, comm: process.comm, groups: process.groups, forksUpTo: process.forksUpTo });
  }

  private countForking(): number {
    let count = 0;
    for (const { isDead, forksUpTo } of this.processes.values()) if (!isDead && forksUpTo > 0) count++;
    return count;
  }

  /** Whether pids.max of its cgroup or of an ancestor is reached. */
  private isFenced({ groups }: FakeProcess): boolean {
    for (const [hierarchy, group] of groups) {
      for (const up of group.selfAndAncestors()) {
        if (up.pidsMax !== "max" && this.live(up, hierarchy).length >= Number(up.pidsMax)) return true;
      }
    }
    return false;
  }

  /** When something changes next if nothing is accessed; `Infinity` if nothing does. */
  private nextEvent(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const { at } of this.schedule) next = Math.min(next, at);
    for (const process of this.processes.values()) {
      // A process that may fork does so at least once per millisecond.
      if (canFork(process) && !isFrozenAnywhere(process)) next = Math.min(next, this.time + 1);
      if (!canDie(process) || isWaitingForThaw(process)) continue;
      next = Math.min(next, (process.killedAt as number) + process.exitMs);
    }
    return next;
  }
}

const canDie = (process: FakeProcess): boolean =>
  process.killedAt !== undefined && !process.isDead && !ignoresSigkill(process);

const canFork = ({ forksUpTo, isDead, killedAt }: FakeProcess): boolean =>
  forksUpTo > 0 && !isDead && killedAt === undefined;

/** A killed process that is frozen on v1 dies after the thaw, unless it had begun to exit before. */
const isWaitingForThaw = (process: FakeProcess): boolean => !process.isDying && isFrozenOnV1(process);
