// v1: whether any process may have been moved since the lists were read. A process is moved by a write to a file of the
// hierarchy, and the kernel reports each (fanotify), wherever the hierarchy is mounted. To ask takes a thirtieth of the time
// of a look at /proc/PID/cgroup.
//
// A move takes effect some microseconds before its write returns and is reported. A process of which one thread is outside
// also leaves if that thread calls exec, but not while the others are frozen.

import type { Cgroup } from "../../cgroup/types.ts";
import { PROC } from "../../sys/dir.ts";
import { readOr } from "../../sys/errno.ts";
import type { Sys, WriteWatch } from "../../sys/sys.ts";

export class MoveWatch implements Disposable {
  private readonly sys: Sys;
  private readonly cgroup: Cgroup;
  private watch: WriteWatch | undefined;
  private readonly ended: WriteWatch[] = [];
  private isPossible = true;
  private wasWritten = false;

  constructor(sys: Sys, cgroup: Cgroup) {
    this.sys = sys;
    this.cgroup = cgroup;
  }

  /** Start, if that is wanted. @returns whether moves are watched */
  start(isWanted: boolean): boolean {
    if (isWanted && this.isPossible) {
      this.watch ??= isFiltered(this.sys) ? undefined : this.sys.watchWrites(this.cgroup.fd);
      this.isPossible = this.watch !== undefined;
    }
    return this.watch !== undefined;
  }

  /** Right before the lists are read. */
  forget(): void {
    this.watch?.wasWritten();
    this.wasWritten = false;
  }

  /** May any process have been moved since the last `forget`? */
  mayHaveMoved(): boolean {
    this.wasWritten ||= this.watch?.wasWritten() ?? true;
    return this.wasWritten;
  }

  /** Watch no longer. If some time passes before it is disposed of, the kernel need not be waited for. */
  end(): void {
    if (this.watch === undefined) return;
    this.watch.end();
    this.ended.push(this.watch);
    this.watch = undefined;
  }

  [Symbol.dispose](): void {
    this.end();
    for (const watch of this.ended) watch[Symbol.dispose]();
  }
}

/** A seccomp filter may end a process for a call that it does not expect. */
const isFiltered = (sys: Sys): boolean =>
  !readOr("", () => sys.readRecord(PROC, "self/status")).includes("\nSeccomp:\t0\n");
