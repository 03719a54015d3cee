// A model of the part of Linux that a kill meets: cgroups, processes, signals, freezing, and a clock that moves only
// when somebody asks or waits. Not a bag of files: the text of a file is made from the model when it is read.

import { SysError } from "../../src/sys/errno.ts";
import {
  type Dir,
  type DirEntry,
  type Fd,
  type FileStatus,
  type PollFd,
  POLLPRI,
  type Sys,
} from "../../src/sys/sys.ts";

export interface FakeProcess {
  readonly pid: number;
  ppid: number;
  comm: string;
  /** Its thread, where the leader has exited; the pid itself otherwise. */
  readonly tid: number;
  readonly groups: Map<FakeHierarchy, FakeGroup>;
  /** How long from the signal to the death. */
  exitMs: number;
  /** Writes to cgroup.kill that miss it: an exec in flight; for ever for one whose leader has exited. */
  missesKill: number;
  ignoresTerm: boolean;
  /** Sits in the kernel and does not die. */
  isStuck: boolean;
  /** Not ours to signal. */
  isDenied: boolean;
  isInvisible: boolean;
  isKernelThread: boolean;
  /** Writes a core dump, and dies when that is done. */
  isDumpingCore: boolean;
  uid: number;
  /** Who holds it in a stop that SIGKILL does not end; 0 for nobody. */
  tracerPid: number;
  /** Its threads besides the first, each with the cgroup that it is in: v1, or v2 if that is threaded. */
  otherThreads: readonly FakeThread[];
  /** Forks whenever time passes, until its cgroup has so many. */
  forksUpTo: number;
  killedAt: number | undefined;
  /** It has begun to die: freezing holds it back no more. */
  isDying: boolean;
  isDead: boolean;
  isReaped: boolean;
}

export interface FakeThread {
  readonly tid: number;
  readonly group: FakeGroup;
}

export class FakeGroup {
  readonly children: Map<string, FakeGroup> = new Map();
  isRemoved = false;
  isSwitchedOn = false;
  /** v2: holds threads, and refuses what is about processes. */
  isThreaded = false;
  /** Where the pids controller is: how many processes, in it and below it. */
  pidsMax = "max";
  /** Reads of freezer.state, or of cgroup.events, until a freeze is complete. */
  readsToFreeze = 0;
  /** What it says it uses, in bytes, where it says so. */
  memory: number | undefined;
  /** v2: cpu.stat, in microseconds, where it says so. */
  cpuUsec: number | undefined;
  notices = 0;
  /** Extended attributes. */
  readonly marks: Map<string, string> = new Map();

  name: string;
  readonly parent: FakeGroup | undefined;
  readonly ino: bigint;

  constructor(name: string, parent: FakeGroup | undefined, ino: bigint) {
    this.name = name;
    this.parent = parent;
    this.ino = ino;
  }

  get path(): string {
    if (this.parent === undefined) return "/";
    return this.parent.parent === undefined ? `/${this.name}` : `${this.parent.path}/${this.name}`;
  }

  /** Where its processes are listed: itself, or the nearest above that is not threaded. */
  get domain(): FakeGroup {
    return this.isThreaded && this.parent !== undefined ? this.parent.domain : this;
  }

  *selfAndAncestors(): Generator<FakeGroup> {
    yield this;
    if (this.parent !== undefined) yield* this.parent.selfAndAncestors();
  }

  *subtree(): Generator<FakeGroup> {
    yield this;
    for (const child of this.children.values()) yield* child.subtree();
  }

  get isFreezing(): boolean {
    return [...this.selfAndAncestors()].some(({ isSwitchedOn }) => isSwitchedOn);
  }
}

export interface FakeHierarchy {
  readonly version: "v1" | "v2";
  readonly controllers: string;
  readonly point: string;
  readonly mountId: number;
  readonly root: FakeGroup;
  isMounted: boolean;
}

/** A cgroup reached on a mount of its hierarchy, or on a detached copy of the mount, which has nothing mounted in it. */
interface Reached {
  readonly hierarchy: FakeHierarchy;
  readonly group: FakeGroup;
  readonly isClone: boolean;
}

type Open =
  | ({ readonly kind: "dir"; readonly path: string } & Partial<Reached>)
  | {
      readonly kind: "file";
      readonly group: FakeGroup;
      readonly hierarchy: FakeHierarchy;
      readonly name: string;
      seen: number;
    }
  | { readonly kind: "pidfd"; readonly process: FakeProcess }
  | { readonly kind: "task"; readonly process: FakeProcess }
  | { readonly kind: "mounts"; seen: string }
  | { readonly kind: "lock"; readonly group: FakeGroup };

export interface Write {
  readonly operation: "write" | "mkdir" | "rmdir" | "signal";
  readonly path: string;
  readonly value: string;
}

interface Fault {
  readonly operation: string;
  readonly path: RegExp;
  readonly errno: string;
  left: number;
}

export interface FakeOptions {
  readonly layout?: "unified" | "legacy" | "hybrid";
  readonly hasCgroupKill?: boolean;
  /** v2: cgroup.freeze, since kernel 5.2. */
  readonly hasCgroupFreeze?: boolean;
  readonly hasPidfd?: boolean;
  /** The v1 hierarchies, besides name=systemd. */
  readonly controllers?: readonly string[];
  /** The root of our cgroup namespace; the mounts are the host's, and show all. */
  readonly namespace?: string;
  /** Are we in a pid namespace of our own, where others have no number? */
  readonly isInPidNamespace?: boolean;
  /** CAP_SYS_ADMIN: copies of mounts, and attributes that only root may write. */
  readonly isPrivileged?: boolean;
}

/** How a path is told to somebody whose namespace has that root. */
function seenFrom(namespace: string, path: string): string {
  const from = namespace.split("/").filter(Boolean);
  const to = path.split("/").filter(Boolean);
  const differs = from.findIndex((name, index) => name !== to[index]);
  const common = differs < 0 ? from.length : differs;
  return `/${[...from.slice(common).fill(".."), ...to.slice(common)].join("/")}`;
}

const STEP_MS = 0.01;
/** The kernel tells no more of a path: /proc/PID/cgroup cuts it off, a link in /proc is an error. */
const PATH_BYTES = 4095;

const bytesOf = (text: string): number => new TextEncoder().encode(text).length;
const cutAt = (bytes: number, text: string): string =>
  bytesOf(text) <= bytes ? text : new TextDecoder().decode(new TextEncoder().encode(text).subarray(0, bytes));

/** SIGKILL does not end it. */
const isHeld = ({ isStuck, isKernelThread, isDumpingCore, tracerPid }: FakeProcess): boolean =>
  isStuck || isKernelThread || isDumpingCore || tracerPid > 0;

/** Some errnos are an answer: no. */
function unless(no: readonly string[], ask: () => boolean): boolean {
  try {
    return ask();
  } catch (error) {
    if (error instanceof SysError && no.includes(error.errno)) return false;
    throw error;
  }
}

const PIDS_FIRST = 2000;
const SIGKILL = 9;

export class FakeKernel implements Sys {
  readonly fallback = null;
  readonly pid = 1000;
  readonly uid = 0;
  time = 0;
  readonly hierarchies: FakeHierarchy[] = [];
  readonly processes: Map<number, FakeProcess> = new Map();
  readonly writes: Write[] = [];
  /** So many descriptors are there for pidfds; the others are taken by whoever shares our limit. */
  mostPidfds: number = Number.POSITIVE_INFINITY;
  /** Called for every file that is opened, read or written, before it is: where a test lets others act. */
  onAccess: (operation: string, path: string) => void = () => {};
  /** Where something else is mounted: over a cgroup, or over one of its files. */
  readonly covers: Set<string> = new Set();
  private readonly options: Required<FakeOptions>;
  private readonly fds: Map<Fd, Open> = new Map();
  private readonly faults: Fault[] = [];
  private readonly schedule: { at: number; action: () => void }[] = [];
  private nextFd = 3;
  private nextPid = PIDS_FIRST;
  private nextIno = 100n;

  constructor(options: FakeOptions = {}) {
    this.options = {
      layout: "hybrid",
      hasCgroupKill: true,
      hasCgroupFreeze: true,
      hasPidfd: true,
      controllers: ["freezer", "memory"],
      namespace: "/",
      isInPidNamespace: false,
      isPrivileged: true,
      ...options,
    };
    const { layout, controllers } = this.options;
    if (layout !== "legacy") this.mount("v2", "", layout === "unified" ? "/sys/fs/cgroup" : "/sys/fs/cgroup/unified");
    if (layout !== "unified") {
      for (const name of controllers) this.mount("v1", name, `/sys/fs/cgroup/${name}`);
      this.mount("v1", "name=systemd", "/sys/fs/cgroup/systemd");
    }
    this.addProcess({ pid: 1, comm: "init" });
    this.addProcess({ pid: this.pid, ppid: 1, comm: "cgkill" });
  }

  // ── what tests do to it ──

  private mount(version: "v1" | "v2", controllers: string, point: string): void {
    const root = new FakeGroup("", undefined, this.nextIno++);
    this.hierarchies.push({
      version,
      controllers,
      point,
      mountId: 30 + this.hierarchies.length,
      root,
      isMounted: true,
    });
  }

  hierarchy(which: string): FakeHierarchy {
    const found = this.hierarchies.find(
      ({ version, controllers }) => (version === "v2" ? "v2" : controllers) === which,
    );
    if (found === undefined) throw new Error(`no such hierarchy in this model: ${which}`);
    return found;
  }

  makeGroup(which: string, path: string): FakeGroup {
    let group = this.hierarchy(which).root;
    for (const name of path.split("/").filter(Boolean)) {
      group = group.children.get(name) ?? this.addGroup(group, name);
    }
    return group;
  }

  private addGroup(parent: FakeGroup, name: string): FakeGroup {
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

  removeGroup(group: FakeGroup): void {
    for (const child of group.children.values()) this.removeGroup(child);
    group.isRemoved = true;
    group.parent?.children.delete(group.name);
    group.notices++;
  }

  addProcess(given: Partial<FakeProcess> & { readonly group?: FakeGroup; readonly which?: string } = {}): FakeProcess {
    const { group, which = "v2", ...rest } = given;
    const pid = given.pid ?? this.nextPid++;
    const groups = new Map(this.hierarchies.map((hierarchy) => [hierarchy, hierarchy.root]));
    if (group !== undefined) groups.set(this.hierarchy(which), group);
    const process: FakeProcess = {
      ppid: 1,
      comm: "sleeper",
      tid: pid,
      exitMs: 0.3,
      missesKill: 0,
      ignoresTerm: false,
      isStuck: false,
      isDenied: false,
      isInvisible: false,
      isKernelThread: false,
      isDumpingCore: false,
      uid: 0,
      tracerPid: 0,
      otherThreads: [],
      forksUpTo: 0,
      killedAt: undefined,
      isDying: false,
      isDead: false,
      isReaped: false,
      ...rest,
      pid,
      groups: given.groups === undefined ? groups : new Map(given.groups),
    };
    this.processes.set(pid, process);
    return process;
  }

  /** Let an operation ("read", "write", "open", "rmdir", "mkdir", "pidfd_open", …) fail on paths that match. */
  failNext(operation: string, path: RegExp, errno: string, times = 1): void {
    this.faults.push({ operation, path, errno, left: times });
  }

  at(ms: number, action: () => void): void {
    this.schedule.push({ at: this.time + ms, action });
  }

  live(group: FakeGroup, hierarchy: FakeHierarchy): FakeProcess[] {
    const groups = new Set(group.subtree());
    return [...this.processes.values()].filter(
      ({ isDead, groups: at, otherThreads }) =>
        !isDead && (groups.has(at.get(hierarchy) as FakeGroup) || otherThreads.some(({ group: of }) => groups.has(of))),
    );
  }

  get openDescriptors(): number {
    return this.fds.size;
  }

  // ── the laws ──

  private isFrozenV1(process: FakeProcess): boolean {
    return [...process.groups].some(([{ version }, group]) => version === "v1" && group.isFreezing);
  }

  private isFrozen(process: FakeProcess): boolean {
    return [...process.groups.values()].some((group) => group.isFreezing);
  }

  private sigkill(process: FakeProcess): void {
    process.killedAt ??= this.time;
  }

  /** Let time pass, as a slow call does. */
  advance(ms: number): void {
    this.time += ms;
    for (const due of this.schedule.filter(({ at }) => at <= this.time)) {
      this.schedule.splice(this.schedule.indexOf(due), 1);
      due.action();
    }
    for (const process of [...this.processes.values()]) {
      this.letDie(process);
      this.letFork(process);
    }
  }

  private letDie(process: FakeProcess): void {
    const { killedAt, isDead, exitMs } = process;
    if (killedAt === undefined || isDead || isHeld(process)) return;
    if (!process.isDying && this.isFrozenV1(process)) {
      // A frozen one begins to die when it is thawed.
      process.killedAt = this.time;
      return;
    }
    process.isDying = true;
    if (this.time < killedAt + exitMs) return;
    process.isDead = true;
    for (const group of process.groups.values()) for (const up of group.selfAndAncestors()) up.notices++;
  }

  private letFork(process: FakeProcess): void {
    if (process.forksUpTo === 0 || process.isDead || process.killedAt !== undefined || this.isFrozen(process)) return;
    const siblings = [...this.processes.values()].filter(({ isDead, forksUpTo }) => !isDead && forksUpTo > 0);
    if (this.isFenced(process)) return;
    if (siblings.length >= process.forksUpTo || this.nextPid > PIDS_FIRST + 20_000) return;
    this.addProcess({ ppid: process.pid, comm: process.comm, groups: process.groups, forksUpTo: process.forksUpTo });
  }

  private isFenced({ groups }: FakeProcess): boolean {
    return [...groups].some(([hierarchy, group]) =>
      [...group.selfAndAncestors()].some((up) => this.live(up, hierarchy).length >= Number(up.pidsMax)),
    );
  }

  private nextEvent(): number {
    const deaths = [...this.processes.values()]
      .filter((process) => process.killedAt !== undefined && !process.isDead && !isHeld(process))
      .map(({ killedAt, exitMs }) => (killedAt as number) + exitMs);
    return Math.min(Number.POSITIVE_INFINITY, ...deaths, ...this.schedule.map(({ at }) => at));
  }

  // ── paths ──

  private enter(operation: string, path: string): void {
    this.advance(STEP_MS);
    this.onAccess(operation, path);
    const fault = this.faults.find(
      (candidate) => candidate.left > 0 && candidate.operation === operation && candidate.path.test(path),
    );
    if (fault === undefined) return;
    fault.left--;
    throw new SysError(operation, path, fault.errno);
  }

  private fullPath(dir: Dir, name: string): string {
    const joined = name.startsWith("/") && dir.through === "" ? name : `${dir.through}/${name}`;
    const [, fd, rest = ""] = /^\/proc\/self\/fd\/(\d+)(\/.*)?$/s.exec(joined) ?? [];
    if (fd === undefined) return joined.replace(/\/\.(?=\/|$)/g, "") || "/";
    return `fd:${fd}${rest.replace(/\/\.(?=\/|$)/g, "")}`;
  }

  /**
   * A directory by its full path: a group of some hierarchy, or `undefined` for one that is no cgroup.
   *
   * @throws SysError  EXDEV: the way from a held directory leads onto another mount
   */
  private findGroup(full: string): Reached | undefined {
    const [, fd, below = ""] = /^fd:(\d+)(.*)$/s.exec(full) ?? [];
    const start = fd === undefined ? this.mountAt(full) : this.fds.get(Number(fd));
    if (start?.kind !== "dir" || start.group === undefined || start.hierarchy === undefined) return undefined;
    const { hierarchy, isClone = false } = start;
    let { group } = start;
    for (const name of (fd === undefined ? full.slice(hierarchy.point.length) : below).split("/").filter(Boolean)) {
      const next: FakeGroup | undefined = name === ".." ? group.parent : group.children.get(name);
      const isOff = name === ".." ? next === undefined : this.covers.has(this.nameOf(hierarchy, next ?? group));
      if (isOff && !isClone) {
        if (fd === undefined) return undefined;
        if (next !== undefined || name === "..") throw new SysError("open", full, "EXDEV");
      }
      if (next === undefined && name !== "..") return undefined;
      group = next ?? group;
    }
    return group.isRemoved ? undefined : { hierarchy, group, isClone };
  }

  private mountAt(full: string): Extract<Open, { readonly kind: "dir" }> | undefined {
    const hierarchy = this.hierarchies.find(
      ({ point, isMounted }) => isMounted && (full === point || full.startsWith(`${point}/`)),
    );
    if (hierarchy === undefined || this.covers.has(hierarchy.point)) return undefined;
    return { kind: "dir", path: hierarchy.point, hierarchy, group: hierarchy.root };
  }

  private nameOf({ point }: FakeHierarchy, { path }: FakeGroup): string {
    return path === "/" ? point : `${point}${path}`;
  }

  /** A file of a cgroup. */
  private findFile(dir: Dir, name: string): (Reached & { readonly file: string }) | undefined {
    const { parent, name: file } = this.splitFile(this.fullPath(dir, name));
    const found = this.findGroup(parent);
    if (found === undefined || !this.hasFile(found, file)) return undefined;
    const isCovered = !found.isClone && this.covers.has(`${this.nameOf(found.hierarchy, found.group)}/${file}`);
    if (isCovered) throw new SysError("open", `${dir.shown}/${name}`, "EXDEV");
    return { ...found, file };
  }

  private splitFile(full: string): { parent: string; name: string } {
    const at = full.lastIndexOf("/");
    return { parent: full.slice(0, at), name: full.slice(at + 1) };
  }

  private newFd(open: Open): Fd {
    this.fds.set(this.nextFd, open);
    return this.nextFd++;
  }

  // ── Sys ──

  now(): number {
    return this.time;
  }

  wallClock(): number {
    return 1_800_000_000_000 + this.time;
  }

  turn(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }

  cwd(): string {
    return "/";
  }

  openDir(dir: Dir, path: string): Fd {
    const shown = `${dir.shown}/${path}`;
    this.enter("open", shown);
    const full = this.fullPath(dir, path);
    const threads = /^\/proc\/(\d+)\/task$/.exec(full)?.[1];
    if (threads !== undefined) return this.newFd({ kind: "task", process: this.processAt(Number(threads), shown) });
    const found = this.findGroup(full);
    if (found !== undefined) return this.newFd({ kind: "dir", path: full, ...found });
    if (["/", "/tmp", "/sys/fs/cgroup", ...this.covers].includes(full)) return this.newFd({ kind: "dir", path: full });
    if (this.isBelowFile(full)) throw new SysError("open", shown, "ENOTDIR");
    throw new SysError("open", shown, "ENOENT");
  }

  /** Is this a file of a cgroup, or something that would be in one? */
  private isBelowFile(full: string): boolean {
    const { parent, name } = this.splitFile(full);
    const found = parent === full ? undefined : this.findGroup(parent);
    if (found !== undefined) return this.hasFile(found, name);
    return parent !== full && parent.includes("/") && this.isBelowFile(parent);
  }

  openFile(dir: Dir, name: string): Fd {
    const shown = `${dir.shown}/${name}`;
    this.enter("open", shown);
    if (shown === "/proc/self/mountinfo") return this.newFd({ kind: "mounts", seen: this.mountInfo() });
    const found = this.findFile(dir, name);
    if (found === undefined) throw new SysError("open", shown, "ENOENT");
    return this.newFd({ kind: "file", ...found, name: found.file, seen: -1 });
  }

  close(fd: Fd): void {
    if (!this.fds.delete(fd)) throw new Error(`closed twice: ${fd}`);
  }

  private opened(fd: Fd): Open {
    const open = this.fds.get(fd);
    if (open === undefined) throw new Error(`not open: ${fd}`);
    return open;
  }

  private processAt(pid: number, shown: string): FakeProcess {
    const process = this.processes.get(pid);
    if (process === undefined || process.isReaped) throw new SysError("open", shown, "ENOENT");
    return process;
  }

  statusOf(fd: Fd): FileStatus {
    const open = this.opened(fd);
    const status = { dev: 1n, ino: 1n, links: 2, mode: 0o40755, uid: 0 };
    if (open.kind === "task") return { ...status, links: 2 + this.threadsOf(open.process).length };
    if (open.kind === "lock") return { ...status, ino: open.group.ino };
    if (open.kind !== "dir") throw new Error("not a directory");
    const links = 2 + (open.group?.children.size ?? 0);
    return { ...status, dev: BigInt(open.hierarchy?.mountId ?? 1), ino: open.group?.ino ?? 1n, links };
  }

  mountIdOf(fd: Fd): number {
    const open = this.opened(fd);
    return open.kind === "dir" && open.hierarchy !== undefined ? open.hierarchy.mountId : 1;
  }

  isWalled(): boolean {
    return true;
  }

  cloneMount(fd: Fd): Fd {
    const object = `descriptor ${fd}`;
    this.enter("open_tree", object);
    const open = this.opened(fd);
    if (!this.options.isPrivileged) throw new SysError("open_tree", object, "EPERM");
    if (open.kind !== "dir") throw new SysError("open_tree", object, "EINVAL");
    return this.newFd({ ...open, isClone: true });
  }

  private lockedGroup(fd: Fd): FakeGroup {
    const open = this.opened(fd);
    if (open.kind !== "lock") throw new Error("not open for reading");
    return open.group;
  }

  /** Without the privilege an attribute that only root may write is as if it were not there. */
  readMark(fd: Fd, name: string): string | undefined {
    this.enter("fgetxattr", name);
    if (name.startsWith("trusted.") && !this.options.isPrivileged) return undefined;
    return this.lockedGroup(fd).marks.get(name);
  }

  writeMark(fd: Fd, name: string, value: string): void {
    this.enter("fsetxattr", name);
    if (name.startsWith("trusted.") && !this.options.isPrivileged) throw new SysError("fsetxattr", name, "EPERM");
    this.lockedGroup(fd).marks.set(name, value);
  }

  removeMark(fd: Fd, name: string): void {
    this.enter("fremovexattr", name);
    if (!this.lockedGroup(fd).marks.delete(name)) throw new SysError("fremovexattr", name, "ENODATA");
  }

  cgroupOf(pidfd: Fd): bigint | undefined {
    const open = this.opened(pidfd);
    if (open.kind !== "pidfd") throw new Error("not a pidfd");
    if (open.process.isReaped) throw new SysError("ioctl", `pidfd ${pidfd}`, "ESRCH");
    const v2 = this.hierarchies.find(({ version }) => version === "v2");
    return v2 === undefined ? undefined : open.process.groups.get(v2)?.ino;
  }

  pathOf(fd: Fd): string {
    const open = this.opened(fd);
    if (open.kind !== "dir") throw new Error("not a directory");
    if (open.group === undefined || open.hierarchy === undefined) return open.path;
    const name = open.isClone === true ? open.group.path : this.nameOf(open.hierarchy, open.group);
    const path = `${name}${open.group.isRemoved ? " (deleted)" : ""}`;
    if (bytesOf(path) > PATH_BYTES) throw new SysError("readlink", `/proc/self/fd/${fd}`, "ENAMETOOLONG");
    return path;
  }

  exists(dir: Dir, name: string): boolean {
    return unless(["ENOENT", "ENODEV"], () => {
      this.enter("access", `${dir.shown}/${name}`);
      return this.findFile(dir, name) !== undefined;
    });
  }

  isWritable(dir: Dir, name: string): boolean {
    return unless(["EACCES", "EPERM", "EROFS", "EXDEV", "ENOENT", "ENODEV"], () => {
      this.enter("open", `${dir.shown}/${name}`);
      return this.findFile(dir, name) !== undefined;
    });
  }

  readSubdirs(dir: Dir): DirEntry[] {
    this.enter("readdir", dir.shown);
    if (dir.through === "/proc") {
      const there = [...this.processes.values()].filter(({ isReaped, isInvisible }) => !isReaped && !isInvisible);
      return there.map(({ pid }) => ({ name: String(pid), ino: BigInt(pid) }));
    }
    const task = /^\/proc\/(\d+)\/task$/.exec(dir.through)?.[1];
    if (task !== undefined) {
      const tids = this.threadsOf(this.processAt(Number(task), dir.shown));
      return tids.map((tid) => ({ name: String(tid), ino: BigInt(tid) }));
    }
    const found = this.findGroup(this.fullPath({ through: "", shown: "" }, dir.through));
    if (found === undefined) throw new SysError("readdir", dir.shown, "ENOENT");
    return [...found.group.children].map(([name, { ino }]) => ({ name, ino }));
  }

  readLink(dir: Dir, name: string): string {
    if (name === "self/ns/pid") return this.options.isInPidNamespace ? "pid:[4026532000]" : "pid:[4026531836]";
    throw new SysError("readlink", `${dir.shown}/${name}`, "EINVAL");
  }

  readFile(dir: Dir, name: string): string {
    const shown = `${dir.shown}/${name}`;
    this.enter("read", shown);
    const full = this.fullPath(dir, name);
    if (full.startsWith("/proc/")) return this.readProc(full.slice("/proc/".length), shown);
    const found = this.findFile(dir, name);
    if (found === undefined) throw new SysError("read", shown, "ENOENT");
    return this.readGroupFile(found.hierarchy, found.group, found.file);
  }

  readRecord(dir: Dir, name: string): string {
    return this.readFile(dir, name);
  }

  rereadRecord(fd: Fd, shown: string): string {
    this.enter("read", shown);
    const open = this.opened(fd);
    if (open.kind !== "file") throw new Error("not a file");
    if (open.group.isRemoved) throw new SysError("read", shown, "ENODEV");
    open.seen = open.group.notices;
    return this.readGroupFile(open.hierarchy, open.group, open.name);
  }

  private hasFile({ hierarchy, group }: { hierarchy: FakeHierarchy; group: FakeGroup }, name: string): boolean {
    if (name === "cgroup.procs") return true;
    const isRoot = group.parent === undefined;
    if (hierarchy.version === "v1") {
      if (name === "tasks") return true;
      if (name === "memory.usage_in_bytes") return hierarchy.controllers === "memory" && group.memory !== undefined;
      if (isRoot) return false;
      if (hierarchy.controllers === "pids") return name === "pids.max";
      return hierarchy.controllers === "freezer" && name.startsWith("freezer.");
    }
    if (name === "cgroup.threads") return true;
    if (name === "memory.current") return group.memory !== undefined;
    if (name === "cpu.stat") return group.cpuUsec !== undefined;
    if (name === "cgroup.kill" && !this.options.hasCgroupKill) return false;
    if (name === "cgroup.freeze" && !this.options.hasCgroupFreeze) return false;
    return !isRoot && ["cgroup.kill", "cgroup.freeze", "cgroup.events", "cgroup.type"].includes(name);
  }

  private readGroupFile(hierarchy: FakeHierarchy, group: FakeGroup, name: string): string {
    const here = [...this.processes.values()].filter(
      ({ isDead, groups }) => !isDead && groups.get(hierarchy) === group,
    );
    const lines = (pids: readonly number[]): string => pids.map((pid) => `${pid}\n`).join("");
    switch (name) {
      case "cgroup.procs": {
        if (group.isThreaded) throw new SysError("read", `${hierarchy.point}${group.path}/${name}`, "EOPNOTSUPP");
        // v1 lists a process wherever one of its threads is; v2 where its leader is, or the domain above that.
        const isListed = ({ groups, otherThreads }: FakeProcess): boolean =>
          groups.get(hierarchy)?.domain === group ||
          (hierarchy.version === "v1" && otherThreads.some((thread) => thread.group === group));
        const listed = [...this.processes.values()].filter((process) => !process.isDead && isListed(process));
        const seen = hierarchy.version === "v1" ? listed.filter(({ isInvisible }) => !isInvisible) : listed;
        return lines(seen.map(({ pid, isInvisible }) => (isInvisible ? 0 : pid)));
      }
      case "cgroup.threads":
      case "tasks":
        return lines([
          ...here.filter(({ isInvisible }) => !isInvisible).map(({ tid }) => tid),
          ...[...this.processes.values()]
            .filter(({ isDead }) => !isDead)
            .flatMap(({ otherThreads }) => otherThreads)
            .filter((thread) => thread.group === group)
            .map(({ tid }) => tid),
        ]);
      case "cgroup.events": {
        const isPopulated = this.live(group, hierarchy).length > 0;
        const populated = `populated ${isPopulated ? 1 : 0}\n`;
        if (!this.options.hasCgroupFreeze) return populated;
        const isFrozen = group.isFreezing && group.readsToFreeze-- <= 0;
        return `${populated}frozen ${isFrozen ? 1 : 0}\n`;
      }
      case "memory.current":
      case "memory.usage_in_bytes":
        return `${group.memory}\n`;
      case "cpu.stat":
        return `usage_usec ${group.cpuUsec}\nuser_usec 0\nsystem_usec 0\n`;
      case "cgroup.freeze":
        return `${group.isSwitchedOn ? 1 : 0}\n`;
      case "cgroup.type":
        if (group.isThreaded) return "threaded\n";
        return [...group.children.values()].some(({ isThreaded }) => isThreaded) ? "domain threaded\n" : "domain\n";
      case "pids.max":
        return `${group.pidsMax}\n`;
      case "freezer.state":
        if (!group.isFreezing) return "THAWED\n";
        return group.readsToFreeze-- > 0 ? "FREEZING\n" : "FROZEN\n";
      case "freezer.self_freezing":
        return `${group.isSwitchedOn ? 1 : 0}\n`;
      case "freezer.parent_freezing":
        return `${group.parent?.isFreezing ? 1 : 0}\n`;
      default:
        throw new SysError("read", `${hierarchy.point}${group.path}/${name}`, "EINVAL");
    }
  }

  private readProc(path: string, shown: string): string {
    const [who = "", ...rest] = path.split("/");
    const file = rest.join("/");
    if (path === "stat") return "btime 1800000000\n";
    if (who === "self" && file === "mountinfo") return this.mountInfo();
    if (who === "self" && file.startsWith("fdinfo/")) {
      const open = this.fds.get(Number(file.slice("fdinfo/".length)));
      return `pos:\t0\nmnt_id:\t${open?.kind === "dir" && open.hierarchy !== undefined ? open.hierarchy.mountId : 1}\n`;
    }
    const number = who === "self" ? this.pid : Number(who);
    const isThread = ({ tid }: { readonly tid: number }): boolean => tid === number;
    const process = [...this.processes.values()].find(
      ({ pid, tid, otherThreads }) => pid === number || tid === number || otherThreads.some(isThread),
    );
    if (process === undefined || process.isReaped) throw new SysError("read", shown, "ENOENT");
    const thread = process.otherThreads.find(isThread);
    const groups = new Map(process.groups);
    if (thread !== undefined) groups.set(this.hierarchyOf(thread.group), thread.group);
    // The leader that has exited is a zombie for as long as a thread lives.
    const isExited = process.isDead || (number === process.pid && process.tid !== process.pid);
    const text = this.processFile({ ...process, groups }, file, isExited);
    if (text === undefined) throw new SysError("read", shown, "ENOENT");
    return text;
  }

  private hierarchyOf(group: FakeGroup): FakeHierarchy {
    const root = [...group.selfAndAncestors()].at(-1);
    return this.hierarchies.find((hierarchy) => hierarchy.root === root) as FakeHierarchy;
  }

  /** As /proc/PID/task lists them: the leader too, which stays a zombie while a thread lives. */
  private threadsOf({ pid, tid, isDead, otherThreads }: FakeProcess): number[] {
    return isDead ? [pid] : [...new Set([pid, tid, ...otherThreads.map((thread) => thread.tid)])];
  }

  private mountInfo(): string {
    const covers = [...this.covers].map((point, index) => `${90 + index} 1 0:90 / ${point} rw - tmpfs none rw\n`);
    const own = this.hierarchies
      .filter(({ isMounted }) => isMounted)
      .map(({ version, controllers, point, mountId }) => {
        const type = version === "v2" ? "cgroup2 none rw" : `cgroup none rw,${controllers}`;
        return `${mountId} 1 0:${mountId} ${seenFrom(this.options.namespace, "/")} ${point} rw - ${type}\n`;
      });
    return [...own, ...covers].join("");
  }

  private stateOf(process: FakeProcess, isExited: boolean): string {
    if (isExited) return "Z";
    if (process.isStuck || this.isFrozenV1(process)) return "D";
    return process.tracerPid > 0 ? "t" : "S";
  }

  private processFile(process: FakeProcess, file: string, isExited: boolean): string | undefined {
    const { pid, ppid, comm, groups, isDead, isKernelThread, uid, tracerPid } = process;
    const state = this.stateOf(process, isExited);
    const threads = this.threadsOf(process).length;
    const pending = process.killedAt !== undefined && !isDead ? "100" : "0";
    switch (file) {
      case "cgroup":
        return [...groups]
          .map(([{ version, controllers }, group], index) => {
            // On v1 what is about to end is told as being in the root.
            const seen = version === "v1" && isExited ? "/" : seenFrom(this.options.namespace, group.path);
            const path = cutAt(PATH_BYTES, `${seen}${seen !== "/" && group.isRemoved ? " (deleted)" : ""}`);
            return `${controllers === "" ? 0 : index + 1}:${controllers}:${path}\n`;
          })
          .join("");
      case "stat":
        return `${pid} (${comm}) ${state} ${ppid} 1 1 0 -1 ${isKernelThread ? 0x200000 : 0} 0 0 0 0 1 1 0 0 20 0 ${threads} 0 100 0 10`;
      case "status":
        return `Tgid:\t${pid}\nUid:\t${uid}\t${uid}\t${uid}\t${uid}\nTracerPid:\t${tracerPid}\nCoreDumping:\t${process.isDumpingCore ? 1 : 0}\nSigPnd:\t0\nShdPnd:\t${pending}\nVmRSS:\t40 kB\n`;
      case "comm":
        return `${comm}\n`;
      case "wchan":
        return process.isStuck ? "request_wait_answer" : "0";
      case "cmdline":
        return `${comm}\0`;
      default:
        return undefined;
    }
  }

  writeFile(dir: Dir, name: string, value: string): void {
    const shown = `${dir.shown}/${name}`;
    this.enter("write", shown);
    const found = this.findFile(dir, name);
    if (found === undefined) throw new SysError("open", shown, "ENOENT");
    const { hierarchy, group, file } = found;
    this.writes.push({
      operation: "write",
      path: `${hierarchy.point}${group.path === "/" ? "" : group.path}/${file}`,
      value,
    });
    this.writeGroupFile(hierarchy, group, file, value, shown);
  }

  private writeGroupFile(hierarchy: FakeHierarchy, group: FakeGroup, file: string, value: string, shown: string): void {
    const invalid = (errno: string): SysError => new SysError("write", shown, errno, value);
    switch (file) {
      case "cgroup.kill":
        if (group.isThreaded) throw invalid("EOPNOTSUPP");
        if (value !== "1") throw invalid("ERANGE");
        for (const process of this.live(group, hierarchy)) {
          if (process.missesKill-- <= 0) this.sigkill(process);
        }
        return;
      case "cgroup.freeze":
        if (value !== "0" && value !== "1") throw invalid("ERANGE");
        group.isSwitchedOn = value === "1";
        group.notices++;
        return;
      case "freezer.state":
        if (value !== "FROZEN" && value !== "THAWED") throw invalid("EINVAL");
        group.isSwitchedOn = value === "FROZEN";
        return;
      case "pids.max":
        group.pidsMax = value;
        return;
      case "cgroup.procs": {
        if (group.isThreaded) throw invalid("EOPNOTSUPP");
        const process = this.processes.get(value === "0" ? this.pid : Number(value));
        if (process === undefined || process.isDead) throw invalid("ESRCH");
        for (const up of process.groups.get(hierarchy)?.selfAndAncestors() ?? []) up.notices++;
        for (const up of group.selfAndAncestors()) up.notices++;
        process.groups.set(hierarchy, group);
        const isHere = (thread: FakeThread): boolean => this.hierarchyOf(thread.group) === hierarchy;
        process.otherThreads = process.otherThreads.map((thread) => (isHere(thread) ? { ...thread, group } : thread));
        return;
      }
      default:
        throw invalid("EINVAL");
    }
  }

  makeDir(dir: Dir, name: string): void {
    const shown = `${dir.shown}/${name}`;
    this.enter("mkdir", shown);
    const found = this.findGroup(this.fullPath({ through: "", shown: "" }, dir.through));
    if (found === undefined) throw new SysError("mkdir", shown, "ENOENT");
    if (found.group.children.has(name)) throw new SysError("mkdir", shown, "EEXIST");
    this.writes.push({ operation: "mkdir", path: shown, value: "" });
    this.addGroup(found.group, name);
  }

  removeDir(dir: Dir, name: string): void {
    const shown = `${dir.shown}/${name}`;
    this.enter("rmdir", shown);
    const found = this.findGroup(this.fullPath(dir, name));
    if (found === undefined) throw new SysError("rmdir", shown, "ENOENT");
    const { group, hierarchy } = found;
    if (group.children.size > 0 || this.live(group, hierarchy).length > 0) throw new SysError("rmdir", shown, "EBUSY");
    this.writes.push({ operation: "rmdir", path: `${hierarchy.point}${group.path}`, value: "" });
    this.removeGroup(group);
  }

  tryLock(dir: Dir): Fd | undefined {
    this.enter("flock", dir.shown);
    const found = this.findGroup(this.fullPath({ through: "", shown: "" }, dir.through));
    if (found === undefined) throw new SysError("open", dir.shown, "ENOENT");
    const isHeld = [...this.fds.values()].some((open) => open.kind === "lock" && open.group === found.group);
    return isHeld ? undefined : this.newFd({ kind: "lock", group: found.group });
  }

  pidfdOpen(pid: number): Fd | undefined {
    this.enter("pidfd_open", `pid ${pid}`);
    if (!this.options.hasPidfd) throw new SysError("pidfd_open", `pid ${pid}`, "ENOSYS");
    const process = this.processes.get(pid);
    if (process === undefined || process.isReaped) return undefined;
    const pidfds = [...this.fds.values()].filter(({ kind }) => kind === "pidfd").length;
    if (pidfds >= this.mostPidfds) throw new SysError("pidfd_open", `pid ${pid}`, "EMFILE");
    return this.newFd({ kind: "pidfd", process });
  }

  pidfdSendSignal(pidfd: Fd, pid: number, signal: number): void {
    this.enter("pidfd_send_signal", `pid ${pid}`);
    const open = this.opened(pidfd);
    if (open.kind !== "pidfd") throw new Error("not a pidfd");
    this.signal(open.process, signal);
  }

  kill(pid: number, signal: number): void {
    this.enter("kill", `pid ${pid}`);
    const process = this.processes.get(pid);
    if (process === undefined || process.isReaped) throw new SysError("kill", `pid ${pid}`, "ESRCH");
    this.signal(process, signal);
  }

  private signal(process: FakeProcess, signal: number): void {
    const pid = `pid ${process.pid}`;
    if (process.isReaped) throw new SysError("pidfd_send_signal", pid, "ESRCH");
    if (process.isDenied) throw new SysError("pidfd_send_signal", pid, "EPERM");
    this.writes.push({ operation: "signal", path: pid, value: String(signal) });
    if (signal === SIGKILL || !process.ignoresTerm) this.sigkill(process);
  }

  poll(fds: readonly PollFd[], timeoutMs: number): readonly Fd[] {
    const end = this.time + timeoutMs;
    for (;;) {
      const ready = fds.filter(({ fd, events }) => this.isReady(this.opened(fd), events)).map(({ fd }) => fd);
      if (ready.length > 0 || this.time >= end) return ready;
      // Time moves to what happens next; who forks does so meanwhile.
      const next = Math.max(this.time + STEP_MS, Math.min(this.nextEvent(), end));
      this.advance(Math.min(next, this.time + 1, end) - this.time);
    }
  }

  private isReady(open: Open, events: number): boolean {
    if (open.kind === "pidfd") return open.process.isDead;
    if (open.kind === "mounts" && events === POLLPRI) {
      // A change is told once.
      const now = this.mountInfo();
      const isChanged = open.seen !== now;
      open.seen = now;
      return isChanged;
    }
    if (open.kind === "file" && events === POLLPRI) return open.seen !== open.group.notices || open.group.isRemoved;
    return true;
  }

  setUrgent(): void {}

  /** How many holds there are at this moment. */
  ignoring = 0;

  ignoreUndeliverable(): Disposable {
    this.ignoring++;
    return { [Symbol.dispose]: () => void this.ignoring-- };
  }

  hasRoomFor(): boolean {
    return true;
  }

  raiseFileLimit(): number {
    return 4096;
  }
}
