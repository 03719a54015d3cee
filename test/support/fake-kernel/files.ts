// System calls on files and directories: cgroup file systems and /proc. Nothing else exists in the model.

import { type Dir, PROC } from "../../../src/sys/dir.ts";
import { SysError } from "../../../src/sys/errno.ts";
import type { DirEntry, Fd, FileStatus, Millis, Pid, WriteWatch } from "../../../src/sys/sys.ts";
import { readGroupFile, writeGroupFile } from "./cgroupfs.ts";
import { unless } from "./faults.ts";
import { nameOf } from "./groups.ts";
import { KernelModel } from "./model.ts";
import { findFile, findGroup, fullPath, fullPathOf, isFileOrBelow } from "./paths.ts";
import { type FakeProcess, threadsOf } from "./processes.ts";
import { bytesOf, mountInfo, PATH_BYTES, readProc } from "./procfs.ts";
import { FakeWriteWatch } from "./write-watch.ts";

const TASK = /^\/proc\/(\d+)\/task$/;
const THREAD = /^\/proc\/(\d+)\/task\/(\d+)$/;
/** As many entries as one getdents64(2) returns, at most. */
const MAX_DENTS = 512;
const OTHER_DIRS: readonly string[] = ["/", "/tmp", "/sys/fs/cgroup"];

const shownAs = (dir: Dir, name: string): string => `${dir.shown}/${name}`;
const entryOf = (id: number): DirEntry => ({ name: String(id), ino: BigInt(id) });

export class FileCalls extends KernelModel {
  cwd(): string {
    return "/";
  }

  openDir(dir: Dir, path: string): Fd {
    const shown = shownAs(dir, path);
    this.enter("open", shown);
    const full = fullPath(dir, path);
    const found = findGroup(this, full);
    if (found !== undefined) return this.fds.add({ kind: "dir", path: full, ...found });
    if (OTHER_DIRS.includes(full) || this.covers.has(full)) return this.fds.add({ kind: "dir", path: full });
    throw new SysError("open", shown, isFileOrBelow(this, full) ? "ENOTDIR" : "ENOENT");
  }

  openFile(dir: Dir, name: string): Fd {
    const shown = shownAs(dir, name);
    this.enter("open", shown);
    if (shown === "/proc/self/mountinfo") return this.fds.add({ kind: "mounts", seen: mountInfo(this) });
    const found = findFile(this, dir, name);
    if (found === undefined) throw new SysError("open", shown, "ENOENT");
    return this.fds.add({ kind: "file", ...found, name: found.file, seen: -1 });
  }

  close(fd: Fd): void {
    this.fds.close(fd);
  }

  private processAt(pid: string, shown: string): FakeProcess {
    const process = this.processes.get(Number(pid));
    if (process === undefined || process.isReaped) throw new SysError("open", shown, "ENOENT");
    return process;
  }

  statusOf(fd: Fd): FileStatus {
    const open = this.fds.get(fd);
    const status = { dev: 1n, ino: 1n, links: 2, mode: 0o40755, uid: 0 };

    if (open.kind === "lock") return { ...status, ino: open.group.ino };
    if (open.kind !== "dir") throw new Error(`descriptor ${fd} is not a directory`);
    const links = 2 + (open.group?.children.size ?? 0);
    return { ...status, dev: BigInt(open.hierarchy?.mountId ?? 1), ino: open.group?.ino ?? 1n, links };
  }

  statusIn(dir: Dir, name: string): FileStatus {
    const shown = shownAs(dir, name);
    this.enter("stat", shown);
    const status = { dev: 1n, ino: 1n, links: 2, mode: 0o40755, uid: 0 };
    const owner = TASK.exec(fullPath(dir, name))?.[1];
    if (owner !== undefined) return { ...status, links: 2 + threadsOf(this.processAt(owner, shown)).length };
    try {
      const found = findGroup(this, fullPath(dir, name));
      if (found === undefined) throw new SysError("stat", shown, "ENOENT");
      const { group, hierarchy } = found;
      return { ...status, dev: BigInt(hierarchy.mountId), ino: group.ino, links: 2 + group.children.size };
    } catch (error) {
      // What is mounted over it.
      if (error instanceof SysError && error.errno === "EXDEV") return status;
      throw error;
    }
  }

  isWalled(): boolean {
    return true;
  }

  cloneMount(fd: Fd): Fd {
    const object = `descriptor ${fd}`;
    this.enter("open_tree", object);
    const open = this.fds.get(fd);
    if (!this.options.isPrivileged) throw new SysError("open_tree", object, "EPERM");
    if (open.kind !== "dir") throw new SysError("open_tree", object, "EINVAL");
    return this.fds.add({ ...open, isClone: true });
  }

  watchWrites(dir: Fd): WriteWatch | undefined {
    this.enter("fanotify", `descriptor ${dir}`);
    const { hierarchy } = this.fds.getOf("dir", dir);
    if (!this.options.isPrivileged || hierarchy === undefined) return undefined;
    const fd = this.fds.add({ kind: "watch" });
    return new FakeWriteWatch(this, hierarchy, () => this.fds.close(fd));
  }

  pathOf(fd: Fd): string {
    const { path, group, hierarchy, isClone } = this.fds.getOf("dir", fd);
    if (group === undefined || hierarchy === undefined) return path;
    const name = isClone === true ? group.path : nameOf(hierarchy, group);
    const shown = group.isRemoved ? `${name} (deleted)` : name;
    if (bytesOf(shown) > PATH_BYTES) throw new SysError("readlink", `/proc/self/fd/${fd}`, "ENAMETOOLONG");
    return shown;
  }

  exists(dir: Dir, name: string): boolean {
    return unless(["ENOENT", "ENODEV"], () => {
      this.enter("access", shownAs(dir, name));
      const [, pid, tid] = THREAD.exec(shownAs(dir, name)) ?? [];
      if (pid === undefined && dir === PROC) return readProc(this, name, shownAs(dir, name)) !== "";
      if (pid === undefined) return findFile(this, dir, name) !== undefined;
      const process = this.processes.get(Number(pid));
      return process !== undefined && !process.isReaped && threadsOf(process).includes(Number(tid));
    });
  }

  isWritable(dir: Dir, name: string): boolean {
    return unless(["EACCES", "EPERM", "EROFS", "EXDEV", "ENOENT", "ENODEV"], () => {
      this.enter("open", shownAs(dir, name));
      return findFile(this, dir, name) !== undefined;
    });
  }

  readSubdirs(dir: Dir, until: Millis = Number.POSITIVE_INFINITY): DirEntry[] {
    this.enter("readdir", dir.shown);
    const listed = this.subdirsOf(dir);
    for (let read = MAX_DENTS; read < listed.length; read += MAX_DENTS) {
      this.advance(this.dentsMs);
      if (this.time > until) throw new SysError("readdir", dir.shown, "ETIMEDOUT");
    }
    return listed;
  }

  private subdirsOf(dir: Dir): DirEntry[] {
    if (dir.path === "/proc") {
      const listed = [...this.processes.values()].filter(({ isReaped, isInvisible }) => !isReaped && !isInvisible);
      return listed.map(({ pid }) => entryOf(pid));
    }
    const owner = TASK.exec(dir.path)?.[1];
    if (owner !== undefined) return threadsOf(this.processAt(owner, dir.shown)).map(entryOf);
    const found = findGroup(this, fullPathOf(dir));
    if (found === undefined) throw new SysError("readdir", dir.shown, "ENOENT");
    return [...found.group.children].map(([name, { ino }]) => ({ name, ino }));
  }

  readNames(dir: Dir): string[] {
    this.enter("readdir", dir.shown);
    throw new SysError("readdir", dir.shown, "ENOENT");
  }

  readLink(dir: Dir, name: string): string {
    if (name === "self/ns/pid") return this.options.isInPidNamespace ? "pid:[4026532000]" : "pid:[4026531836]";
    throw new SysError("readlink", shownAs(dir, name), "EINVAL");
  }

  readFile(dir: Dir, name: string): string {
    const shown = shownAs(dir, name);
    this.enter("read", shown);
    const full = fullPath(dir, name);
    if (full.startsWith("/proc/")) return readProc(this, full.slice("/proc/".length), shown);
    const found = findFile(this, dir, name);
    if (found === undefined) throw new SysError("read", shown, "ENOENT");
    return readGroupFile(this, found.hierarchy, found.group, found.file);
  }

  readRecord(dir: Dir, name: string): string {
    return this.readFile(dir, name);
  }

  readProcCgroup(tid: Pid): string {
    return this.readRecord(PROC, `${tid}/cgroup`);
  }

  rereadRecord(fd: Fd, shown: string): string {
    this.enter("read", shown);
    const open = this.fds.getOf("file", fd);
    if (open.group.isRemoved) throw new SysError("read", shown, "ENODEV");
    open.seen = open.group.notices;
    return readGroupFile(this, open.hierarchy, open.group, open.name);
  }

  writeFile(dir: Dir, name: string, value: string): void {
    const shown = shownAs(dir, name);
    this.enter("write", shown);
    const found = findFile(this, dir, name);
    if (found === undefined) throw new SysError("open", shown, "ENOENT");
    writeGroupFile(this, found.hierarchy, found.group, found.file, value, shown);
  }

  makeDir(dir: Dir, name: string): void {
    const shown = shownAs(dir, name);
    this.enter("mkdir", shown);
    const found = findGroup(this, fullPathOf(dir));
    if (found === undefined) throw new SysError("mkdir", shown, "ENOENT");
    if (found.group.children.has(name)) throw new SysError("mkdir", shown, "EEXIST");
    this.writes.push({ operation: "mkdir", path: shown, value: "" });
    this.addGroup(found.group, name);
  }

  removeDir(dir: Dir, name: string): void {
    const shown = shownAs(dir, name);
    this.enter("rmdir", shown);
    const found = findGroup(this, fullPath(dir, name));
    if (found === undefined) throw new SysError("rmdir", shown, "ENOENT");
    const { group, hierarchy } = found;
    if (group.children.size > 0 || this.live(group, hierarchy).length > 0) throw new SysError("rmdir", shown, "EBUSY");
    this.writes.push({ operation: "rmdir", path: `${hierarchy.point}${group.path}`, value: "" });
    this.removeGroup(group);
  }
}
