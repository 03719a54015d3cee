// The only owner of pidfds. A process is held by a pidfd, so that it is never confused with one that has its recycled pid,
// and followed until it is dead. If pidfds or descriptors run out, a process is identified by its pid and start time.

import { isFileLimit, SysError } from "../../sys/errno.ts";
import { isDead } from "../../sys/proc.ts";
import { type Pid, type Pidfd, type PollFd, POLLIN, type Sys } from "../../sys/sys.ts";
import { type HeldProcess, holdByPid, type Opened, openLiving, readStatIfShown } from "./held-process.ts";

/** Descriptors not used for pidfds: ours, Bun's, and those of open cgroups. */
const RESERVED_FDS = 40;
/** The highest descriptors below the limit, kept free for reading lists and /proc. */
const SPARE_FDS = 24;
const MIN_ROOM = 8;
const POLL_BATCH = 256;

/** EPERM and EACCES come from seccomp filters that do not know pidfd_open: the kernel's own call never denies. */
const NO_PIDFDS = ["ENOSYS", "EOPNOTSUPP", "EPERM", "EACCES"];

export class PidfdSet {
  private readonly sys: Sys;
  private readonly onDead: (pid: Pid) => void;
  private readonly onNoPidfd: (error: SysError) => void;
  /** Why the first process without a pidfd has none. */
  private reason: SysError | undefined;
  /** Followed by pidfd. Deaths are waited for one at a time. */
  private followed: HeldProcess[] = [];
  /** All that are followed, with or without a pidfd. */
  private readonly byPid: Map<Pid, HeldProcess> = new Map();
  /** All that have a pidfd. */
  private readonly open: Set<HeldProcess> = new Set();
  /** Held by a caller, which may be about to signal them: not to be closed for others. */
  private readonly lent: Set<HeldProcess> = new Set();
  private limit = 0;
  /** The number of pidfds that may be open. */
  private room = 0;
  private hasPidfds = true;

  /**
   * @param onDead     called once for each followed process, when it is dead
   * @param onNoPidfd  called once, when the first process is held without a pidfd because pidfd_open failed
   */
  constructor(sys: Sys, onDead: (pid: Pid) => void, onNoPidfd: (error: SysError) => void) {
    this.sys = sys;
    this.onDead = onDead;
    this.onNoPidfd = onNoPidfd;
  }

  /** The number of followed processes that were alive at the last check. */
  get size(): number {
    return this.byPid.size;
  }

  get pids(): Iterable<Pid> {
    return this.byPid.keys();
  }

  /** Has any process been held without a pidfd? */
  get hasPidOnly(): boolean {
    return this.reason !== undefined;
  }

  get(pid: Pid): HeldProcess | undefined {
    return this.byPid.get(pid);
  }

  /**
   * Hold a process. The caller passes the result to `follow` or `release`.
   *
   * @returns `undefined` if there is no such process; "full" if no descriptor is free until the caller releases processes
   *          that it holds. If no pidfd is open at all, or the kernel has none, it is held by its pid.
   * @throws SysError  pidfd_open failed for another reason than missing support or the limit on descriptors
   */
  hold(pid: Pid): HeldProcess | "full" | undefined {
    const held = this.find(pid);
    if (typeof held === "object") this.lent.add(held);
    return held;
  }

  private find(pid: Pid): HeldProcess | "full" | undefined {
    const known = this.byPid.get(pid);
    if (known === undefined) return this.openNew(pid);
    return known.fd !== undefined || !this.hasPidfds ? known : this.promote(known);
  }

  private openNew(pid: Pid): HeldProcess | "full" | undefined {
    if (this.hasPidfds) {
      if (this.roomLeft() <= 0 && !this.demote()) return "full";
      try {
        const fd = this.sys.pidfdOpen(pid);
        if (fd === undefined) return undefined;
        const held = { pid, fd, events: POLLIN };
        this.open.add(held);
        // The kernel uses the lowest free descriptor: all lower ones are open, inherited ones included.
        if (fd >= this.limit - SPARE_FDS) this.room = Math.max(MIN_ROOM, Math.min(this.room, this.open.size));
        return held;
      } catch (error) {
        if (!(error instanceof SysError)) throw error;
        if (NO_PIDFDS.includes(error.errno)) this.hasPidfds = false;
        else if (!isFileLimit(error)) throw error;
        else if (this.leaveRoom()) return this.openNew(pid);
        else if (this.open.size > 0) return "full";
        if (this.reason === undefined) this.onNoPidfd(error);
        this.reason ??= error;
      }
    }
    return holdByPid(this.sys, pid);
  }

  /** Follow a held process until it is dead. */
  follow(held: HeldProcess): void {
    this.lent.delete(held);
    if (this.byPid.has(held.pid)) return;
    this.byPid.set(held.pid, held);
    if (held.fd !== undefined) this.followed.push(held);
  }

  /** Stop following a process that no caller holds, and close it. */
  unfollow(pid: Pid): void {
    const held = this.byPid.get(pid);
    if (held === undefined) return;
    this.byPid.delete(pid);
    this.followed = this.followed.filter((one) => one !== held);
    this.close(held);
  }

  /** Close a held process, unless it is followed. */
  release(held: HeldProcess): void {
    this.lent.delete(held);
    if (this.byPid.get(held.pid) !== held) this.close(held);
  }

  /** Is it dead, as far as is visible now? If its pid belongs to another process by now, it is. */
  isDead(held: HeldProcess): boolean {
    if (held.fd !== undefined) return this.sys.poll([held as PollFd], 0).length > 0;
    const stat = readStatIfShown(this.sys, held.pid);
    if (stat === undefined || isDead(stat)) return true;
    // During an exec the time cannot be read.
    return held.startTicks !== undefined && stat.startTicks !== undefined && held.startTicks !== stat.startTicks;
  }

  /**
   * The death to wait for, as poll(2) takes it: of the process in the middle. When it is dead, so are half of those that die
   * in the order of the list, or against it. From an end, each of thousands of deaths could wake us.
   */
  next(): readonly PollFd[] {
    const middle = this.followed.length >> 1;
    return this.followed.slice(middle, middle + 1) as PollFd[];
  }

  /** Drop dead processes, if the one that is waited for is among them: cheap, however many are followed. */
  dropDead(): void {
    while (this.followed.length > 0 && this.sys.poll(this.next(), 0).length > 0) this.dropDeadPidfds();
    if (this.followed.length === 0) this.dropPidOnly(true);
  }

  /** Drop all dead processes. */
  dropAllDead(): void {
    this.dropDeadPidfds();
    if (this.hasPidOnly) this.dropPidOnly(false);
  }

  private dropDeadPidfds(): void {
    for (let end = this.followed.length; end > 0; end -= POLL_BATCH) {
      const from = Math.max(0, end - POLL_BATCH);
      const batch = this.followed.slice(from, end);
      const dead = new Set(this.sys.poll(batch as PollFd[], 0));
      if (dead.size === 0) continue;
      this.followed.splice(from, batch.length, ...batch.filter(({ fd }) => !dead.has(fd as Pidfd)));
      for (const held of batch) if (dead.has(held.fd as Pidfd)) this.forget(held);
    }
  }

  /** Stop following all processes, and close their pidfds. */
  clear(): void {
    for (const held of this.byPid.values()) this.close(held);
    this.byPid.clear();
    this.followed = [];
  }

  /** Open many at once, as far as there is room. The caller follows the living. */
  openTogether(pids: readonly Pid[]): Opened {
    const opened = openLiving(this.sys, pids, this.roomLeft(), this.limit - SPARE_FDS);
    for (const held of opened.living) this.open.add(held);
    return opened;
  }

  /** How many more may be open, without closing others. */
  private roomLeft(): number {
    if (this.limit === 0) {
      this.limit = this.sys.raiseFileLimit();
      this.room = Math.max(MIN_ROOM, this.limit - RESERVED_FDS);
    }
    return this.room - this.open.size;
  }

  /** Close some pidfds after EMFILE or ENFILE, since more than one descriptor will be needed. @returns whether any was */
  private leaveRoom(): boolean {
    this.room = Math.max(1, this.open.size - SPARE_FDS / 2);
    let isAny = false;
    while (this.open.size >= this.room && this.demote()) isAny = true;
    return isAny;
  }

  /** Close one pidfd, and follow that process by its pid instead. @returns whether there was one */
  private demote(): boolean {
    const at = this.followed.findIndex((one) => !this.lent.has(one));
    const [held] = at < 0 ? [] : this.followed.splice(at, 1);
    if (held === undefined) return false;
    const isDead = this.isDead(held);
    // Closed first, because reading /proc needs a descriptor. A pid recycled in between only prolongs the wait.
    this.close(held);
    this.reason ??= new SysError("pidfd_open", `pid ${held.pid}`, "EMFILE");
    if (isDead) this.forget(held);
    else this.byPid.set(held.pid, holdByPid(this.sys, held.pid));
    return true;
  }

  /** Open a pidfd again for a process that is followed by its pid, so that it can be signalled. */
  private promote(known: HeldProcess): HeldProcess | "full" | undefined {
    const held = this.openNew(known.pid);
    if (held === undefined || held === "full" || held.fd === undefined) return held === undefined ? known : held;
    // The pidfd refers to the same process if the start time is the same.
    if (readStatIfShown(this.sys, known.pid)?.startTicks !== known.startTicks) {
      this.close(held);
      return known;
    }
    this.byPid.set(known.pid, held);
    this.followed.push(held);
    return held;
  }

  /** At most once: its number may be that of another descriptor by then. */
  private close(held: HeldProcess): void {
    if (this.open.delete(held) && held.fd !== undefined) this.sys.close(held.fd);
  }

  private forget(held: HeldProcess): void {
    this.close(held);
    this.byPid.delete(held.pid);
    this.onDead(held.pid);
  }

  /** @param isCut  end at the first that lives: each look reads two files of /proc */
  private dropPidOnly(isCut: boolean): void {
    for (const held of this.byPid.values()) {
      if (held.fd === undefined && this.isDead(held)) this.forget(held);
      else if (isCut) return;
    }
  }
}
