// A model of the part of Linux that a kill meets, as the tests use it instead of the real kernel. This file has the
// system calls on processes and locks; files are in files.ts, the state and its laws in model.ts.

import type { Dir } from "../../../src/sys/dir.ts";
import { SysError } from "../../../src/sys/errno.ts";
import { type Fd, type PidfdInfo, type PollFd, POLLPRI, type Sys } from "../../../src/sys/sys.ts";
import type { Open } from "./descriptors.ts";
import { FileCalls } from "./files.ts";
import type { FakeGroup } from "./groups.ts";
import { findGroup, fullPathOf } from "./paths.ts";
import { type FakeProcess, ignoresSigkill } from "./processes.ts";
import { findByThread, mountInfo } from "./procfs.ts";

const SIGKILL = 9;
/** SCHED_RR | SCHED_RESET_ON_FORK. */
const REALTIME = 0x40000002;
const STARTED_AT = 1_800_000_000_000;

export class FakeKernel extends FileCalls implements Sys {
  readonly fallback = null;
  readonly uid = 0;
  /** How many holds of `ignoreUndeliverable` there are now. */
  ignoring = 0;

  now(): number {
    return this.time;
  }

  wallClock(): number {
    return STARTED_AT + this.time;
  }

  turn(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }

  // ── locks and extended attributes ──

  tryLock(dir: Dir): Fd | undefined {
    this.enter("flock", dir.shown);
    const found = findGroup(this, fullPathOf(dir));
    if (found === undefined) throw new SysError("open", dir.shown, "ENOENT");
    return this.fds.isLocked(found.group) ? undefined : this.fds.add({ kind: "lock", group: found.group });
  }

  /** Without CAP_SYS_ADMIN a `trusted.*` attribute seems to be absent. */
  readMark(fd: Fd, name: string): string | undefined {
    this.enter("fgetxattr", name);
    if (name.startsWith("trusted.") && !this.options.isPrivileged) return undefined;
    return this.marksOf(fd).get(name);
  }

  writeMark(fd: Fd, name: string, value: string): void {
    this.enter("fsetxattr", name);
    if (name.startsWith("trusted.") && !this.options.isPrivileged) throw new SysError("fsetxattr", name, "EPERM");
    this.marksOf(fd).set(name, value);
  }

  removeMark(fd: Fd, name: string): void {
    this.enter("fremovexattr", name);
    if (!this.marksOf(fd).delete(name)) throw new SysError("fremovexattr", name, "ENODATA");
  }

  private marksOf(fd: Fd): FakeGroup["marks"] {
    return this.fds.getOf("lock", fd).group.marks;
  }

  // ── processes ──

  pidfdOpen(pid: number): Fd | undefined {
    this.enter("pidfd_open", `pid ${pid}`);
    if (!this.options.hasPidfd) throw new SysError("pidfd_open", `pid ${pid}`, "ENOSYS");
    const process = this.processes.get(pid);
    if (process === undefined || process.isReaped) return undefined;
    if (this.fds.countPidfds() >= this.maxPidfds) throw new SysError("pidfd_open", `pid ${pid}`, "EMFILE");
    return this.fds.add({ kind: "pidfd", process });
  }

  infoOf(pidfd: Fd): PidfdInfo | undefined {
    const { process } = this.fds.getOf("pidfd", pidfd);
    if (process.isReaped) throw new SysError("ioctl", `pidfd ${pidfd}`, "ESRCH");
    const v2 = this.hierarchies.find(({ version }) => version === "v2");
    const cgroupId = v2 === undefined ? undefined : process.groups.get(v2)?.ino;
    return cgroupId === undefined
      ? undefined
      : { cgroupId, ppid: process.ppid, hasMemory: !process.isDead && process.tid === process.pid };
  }

  pidfdSendSignal(pidfd: Fd, pid: number, signal: number): void {
    this.enter("pidfd_send_signal", `pid ${pid}`);
    this.signal(this.fds.getOf("pidfd", pidfd).process, signal);
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

  // ── waiting ──

  poll(fds: readonly PollFd[], timeoutMs: number): readonly Fd[] {
    const findReady = (): Fd[] =>
      fds.filter(({ fd, events }) => this.isReady(this.fds.get(fd), events)).map(({ fd }) => fd);
    return this.waitUntil(this.time + timeoutMs, findReady);
  }

  private isReady(open: Open, events: number): boolean {
    if (open.kind === "pidfd") return open.process.isDead;
    if (open.kind === "mounts" && events === POLLPRI) {
      // A change is reported once.
      const now = mountInfo(this);
      const isChanged = open.seen !== now;
      open.seen = now;
      return isChanged;
    }
    if (open.kind === "file" && events === POLLPRI) return open.seen !== open.group.notices || open.group.isRemoved;
    return true;
  }

  // ── this process ──

  setUrgent(): void {}

  /** One that dies runs all the time, unless it finds no processor. */
  cpuTimeOf(pid: number): number | undefined {
    this.enter("clock_gettime", `pid ${pid}`);
    const process = this.processes.get(pid);
    if (process === undefined || process.isReaped) return undefined;
    return ignoresSigkill(process) ? 1 : 1 + this.time;
  }

  raisePriority(tid: number): number | undefined {
    this.enter("sched_setscheduler", `pid ${tid}`);
    const process = findByThread(this, tid);
    if (process === undefined || process.isReaped || process.policy === REALTIME) return undefined;
    const before = process.policy;
    this.setPolicy(process, REALTIME);
    return before;
  }

  restorePriority(tid: number, policy: number): void {
    this.enter("sched_setscheduler", `pid ${tid}`);
    const process = findByThread(this, tid);
    if (process?.policy === REALTIME) this.setPolicy(process, policy);
  }

  ignoreUndeliverable(): Disposable {
    this.ignoring++;
    return { [Symbol.dispose]: () => void this.ignoring-- };
  }

  raiseFileLimit(): number {
    return 4096;
  }
}
