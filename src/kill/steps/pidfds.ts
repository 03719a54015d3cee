// The only owner of pidfds: a process is held by one, so that its number cannot become another's, and followed until it
// is dead. Where descriptors or pidfds run out it is told by its number and start time instead.

import { isFileLimit, SysError } from "../../sys/errno.ts";
import { type Pid, type Pidfd, type PollFd, POLLIN, type Sys } from "../../sys/sys.ts";
import { type HeldProcess, holdByNumber, isHeldDead, readStatIfShown } from "./held-process.ts";

/** Descriptors left alone: ours, Bun's, and those of the cgroups held open. */
const RESERVED_FDS = 40;
/** So many at the top are not for pidfds: what reads the lists must still find one. */
const SPARE_FDS = 24;
const MIN_ROOM = 8;
/** How many are asked in one poll(2). */
const POLL_AT_ONCE = 256;

/** The kernel's own pidfd_open never says "not permitted": a seccomp filter does that knows no such call. */
const NO_PIDFDS = ["ENOSYS", "EOPNOTSUPP", "EPERM", "EACCES"];

export class PidfdSet implements Disposable {
  private readonly sys: Sys;
  private readonly onDead: (pid: Pid) => void;
  private readonly onByNumber: (error: SysError) => void;
  private reason: SysError | undefined;
  /** Followed by pidfd: deaths are waited for one after another, from the end. */
  private followed: HeldProcess[] = [];
  /** Followed by number. */
  private readonly numbered: Map<Pid, HeldProcess> = new Map();
  private readonly byPid: Map<Pid, HeldProcess> = new Map();
  private open = 0;
  private limit = 0;
  private room = 0;
  private hasPidfds = true;

  /**
   * @param onDead      called once for each followed process, when it is dead
   * @param onByNumber  called when the first one is held by number only
   */
  constructor(sys: Sys, onDead: (pid: Pid) => void, onByNumber: (error: SysError) => void) {
    this.sys = sys;
    this.onDead = onDead;
    this.onByNumber = onByNumber;
  }

  /** How many are followed and were alive when last looked at. */
  get size(): number {
    return this.byPid.size;
  }

  get pids(): Iterable<Pid> {
    return this.byPid.keys();
  }

  /** Some can be told by their number only. */
  get isByNumber(): boolean {
    return this.reason !== undefined;
  }

  /** A process that is followed already. */
  get(pid: Pid): HeldProcess | undefined {
    return this.byPid.get(pid);
  }

  /**
   * Hold a process; to be given back by `follow` or `release`.
   *
   * @returns `undefined` if there is no such process; "full" if no descriptor is left but those that are held and not
   *          followed yet: only if there are none of them it is held by its number
   * @throws SysError  any errno of pidfd_open that says neither that there are no pidfds nor that there is no descriptor
   */
  hold(pid: Pid): HeldProcess | "full" | undefined {
    const known = this.byPid.get(pid);
    if (known?.fd !== undefined || (known !== undefined && !this.hasPidfds)) return known;
    if (known !== undefined) return this.promote(known);
    if (this.hasPidfds) {
      if (!this.hasRoom()) return "full";
      try {
        const fd = this.sys.pidfdOpen(pid);
        if (fd === undefined) return undefined;
        this.open++;
        // The kernel hands out the lowest number that is free: all below are open, those that we were started with too.
        if (fd >= this.limit - SPARE_FDS) this.room = Math.max(MIN_ROOM, Math.min(this.room, this.open));
        return { pid, fd, events: POLLIN };
      } catch (error) {
        if (!(error instanceof SysError)) throw error;
        if (NO_PIDFDS.includes(error.errno)) this.hasPidfds = false;
        else if (!isFileLimit(error)) throw error;
        else if (this.leaveRoom()) return this.hold(pid);
        else if (this.open > 0) return "full";
        this.noteByNumber(error);
      }
    }
    return holdByNumber(this.sys, pid);
  }

  private noteByNumber(error: SysError): void {
    if (this.reason !== undefined) return;
    this.reason = error;
    this.onByNumber(error);
  }

  /** Follow it until it is dead. */
  follow(held: HeldProcess): void {
    if (this.byPid.has(held.pid)) return;
    this.byPid.set(held.pid, held);
    if (held.fd === undefined) this.numbered.set(held.pid, held);
    else this.followed.push(held);
  }

  /** It is no concern of ours after all: to be released, then. */
  unfollow(pid: Pid): void {
    if (!this.byPid.delete(pid)) return;
    this.numbered.delete(pid);
    this.followed = this.followed.filter((held) => held.pid !== pid);
  }

  /** Give back one that is not followed. */
  release(held: HeldProcess): void {
    if (this.byPid.get(held.pid) === held) return;
    this.close(held);
  }

  /** Is it dead, as far as can be told now? */
  isDead(held: HeldProcess): boolean {
    return isHeldDead(this.sys, held);
  }

  /** The next death to wait for, as poll(2) takes it. */
  next(): readonly PollFd[] {
    const last = this.followed.at(-1);
    return last === undefined ? [] : [last as PollFd];
  }

  /** Let go of those at the end of the list that are dead, until one lives: cheap, however many there are. */
  dropDead(): void {
    while (this.followed.length > 0 && this.dropSome(Math.max(0, this.followed.length - POLL_AT_ONCE)) === 0);
    if (this.followed.length === 0) this.dropNumbered();
  }

  /** Let go of all that are dead. */
  dropAllDead(): void {
    for (let from = this.followed.length; from > 0;) {
      from = Math.max(0, from - POLL_AT_ONCE);
      this.dropSome(from);
    }
    this.dropNumbered();
  }

  /** Follow no process any longer. */
  clear(): void {
    for (const held of this.byPid.values()) this.close(held);
    this.byPid.clear();
    this.numbered.clear();
    this.followed = [];
  }

  [Symbol.dispose](): void {
    this.clear();
  }

  private hasRoom(): boolean {
    if (this.limit === 0) {
      this.limit = this.sys.raiseFileLimit();
      this.room = Math.max(MIN_ROOM, this.limit - RESERVED_FDS);
    }
    return this.open < this.room || this.demote();
  }

  /** No descriptor is left, and more than one will be needed. @returns whether some could be closed */
  private leaveRoom(): boolean {
    this.room = Math.max(1, this.open - SPARE_FDS / 2);
    let isAny = false;
    while (this.open >= this.room && this.demote()) isAny = true;
    return isAny;
  }

  /** Follow one by its number instead, for its descriptor. @returns whether there was one */
  private demote(): boolean {
    const held = this.followed.shift();
    if (held === undefined) return false;
    const { pid } = held;
    const isDead = this.isDead(held);
    // Closed first, because the look needs a descriptor: a number that became another's in between only keeps us waiting.
    this.close(held);
    const numbered = holdByNumber(this.sys, pid);
    this.reason ??= new SysError("pidfd_open", `pid ${pid}`, "EMFILE");
    if (isDead) {
      this.forget(pid);
      return true;
    }
    this.byPid.set(pid, numbered);
    this.numbered.set(pid, numbered);
    return true;
  }

  /** One that is told by its number gets a pidfd again, to be signalled by. */
  private promote(numbered: HeldProcess): HeldProcess | "full" | undefined {
    const { pid } = numbered;
    this.byPid.delete(pid);
    const held = this.hold(pid);
    this.byPid.set(pid, numbered);
    if (held === undefined || held === "full" || held.fd === undefined) return held === undefined ? numbered : held;
    // The pidfd is of the process that was meant if that still has its start time.
    if (readStatIfShown(this.sys, pid)?.startTicks !== numbered.startTicks) {
      this.close(held);
      return numbered;
    }
    this.byPid.set(pid, held);
    this.numbered.delete(pid);
    this.followed.push(held);
    return held;
  }

  private close({ fd }: HeldProcess): void {
    if (fd === undefined) return;
    this.sys.close(fd);
    this.open--;
  }

  private forget(pid: Pid): void {
    this.byPid.delete(pid);
    this.numbered.delete(pid);
    this.onDead(pid);
  }

  private dropNumbered(): void {
    for (const held of this.numbered.values()) if (this.isDead(held)) this.forget(held.pid);
  }

  /**
   * Let go of the dead among those that stand from `from` on, POLL_AT_ONCE at most: a pidfd is readable when the whole
   * thread group is dead.
   *
   * @returns how many of them live
   */
  private dropSome(from: number): number {
    const asked = this.followed.slice(from, from + POLL_AT_ONCE);
    const dead = new Set(this.sys.poll(asked as PollFd[], 0));
    if (dead.size === 0) return asked.length;
    const living: HeldProcess[] = [];
    for (const held of asked) {
      if (!dead.has(held.fd as Pidfd)) living.push(held);
      else {
        this.close(held);
        this.forget(held.pid);
      }
    }
    this.followed.splice(from, asked.length, ...living);
    return living.length;
  }
}
