// v1: whether any member of a frozen target may have been moved since the lists were read. To ask takes a thirtieth of the
// time of a look at /proc/PID/cgroup.
//
// A process is moved by a write to a file of the hierarchy, and the kernel reports each (fanotify), wherever the hierarchy is
// mounted: mostly some microseconds after the move, and before the write returns. It reports neither what io_submit(2) writes,
// nor that a process leaves with its last thread inside, by exit or exec, which a frozen one cannot, nor what the cpuset
// controller moves by itself. There, and once a write is reported, /proc is read.

import type { Cgroup } from "../../cgroup/types.ts";
import { readFreezerState } from "../../cgroup/v1.ts";
import { PROC } from "../../sys/dir.ts";
import { readOr } from "../../sys/errno.ts";
import { readOwnStatus } from "../../sys/signals.ts";
import type { Sys, WriteWatch } from "../../sys/sys.ts";

export class MoveWatch implements Disposable {
  private readonly sys: Sys;
  private readonly cgroup: Cgroup;
  private watch: WriteWatch | undefined;
  private ended: WriteWatch | undefined;
  private isPossible: boolean;
  private wasWritten = true;

  constructor(sys: Sys, cgroup: Cgroup) {
    this.sys = sys;
    this.cgroup = cgroup;
    const { version, hasFreezer, controllers } = cgroup.hierarchy;
    this.isPossible = version === "v1" && hasFreezer && !controllers.split(",").includes("cpuset");
  }

  /** Start, unless it has started, or the target is not frozen. @returns whether the kernel reports moves to us */
  start(): boolean {
    if (this.watch === undefined && this.isPossible && this.isFrozen()) {
      this.closeEnded();
      this.watch = isFiltered(this.sys) ? undefined : this.sys.watchWrites(this.cgroup.fd);
      this.isPossible = this.watch !== undefined;
    }
    return this.watch !== undefined;
  }

  /**
   * Forget the moves until now: the lists are read next.
   *
   * @returns whether all that follow are reported
   */
  begin(): boolean {
    this.watch?.wasWritten();
    this.wasWritten = this.watch === undefined;
    return !this.wasWritten && !hasAsyncIo(this.sys) && this.isFrozen();
  }

  /** May any process have been moved since `begin`? */
  mayHaveMoved(): boolean {
    this.wasWritten ||= this.watch?.wasWritten() ?? true;
    return this.wasWritten;
  }

  /** Watch no longer. It is closed later, because closing waits for the kernel. */
  end(): void {
    if (this.watch === undefined) return;
    this.closeEnded();
    this.watch.end();
    this.ended = this.watch;
    this.watch = undefined;
  }

  [Symbol.dispose](): void {
    this.end();
    this.closeEnded();
  }

  private isFrozen(): boolean {
    return readOr(undefined, () => readFreezerState(this.sys, this.cgroup.dir)) === "frozen";
  }

  private closeEnded(): void {
    this.ended?.[Symbol.dispose]();
    this.ended = undefined;
  }
}

/** A seccomp filter may end a process for a call that it does not expect. */
const isFiltered = (sys: Sys): boolean => !readOwnStatus(sys).includes("\nSeccomp:\t0\n");

/** Whether any process of this host may use io_submit(2). */
const hasAsyncIo = (sys: Sys): boolean => readOr("", () => sys.readRecord(PROC, "sys/fs/aio-nr")).trim() !== "0";
