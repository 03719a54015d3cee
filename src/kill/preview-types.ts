// What `show` says of a cgroup and of the processes in it, before anything is done to them.

import type { CgroupType, FreezeState } from "../cgroup/types.ts";
import type { Millis, Pid } from "../sys/sys.ts";
import type { KillMethod, Refusal } from "./types.ts";

export interface PreviewProcess {
  readonly pid: Pid;
  readonly ppid: Pid;
  readonly cgroup: string;
  readonly comm: string;
  /** The command line; `null` where there is none, or where reading it could hang. */
  readonly args: readonly string[] | null;
  /** One letter, as in /proc/PID/stat. */
  readonly state: string;
  readonly uid: number;
  /** The name of the uid, where /etc/passwd has one. */
  readonly user: string | null;
  /** `null` where the kernel does not say when it was booted. */
  readonly startedAt: string | null;
  readonly cpuMs: Millis;
  readonly rssBytes: number;
  readonly threads: number;
}

export interface Preview {
  readonly cgroup: string;
  readonly path: string;
  readonly hierarchy: string;
  readonly label: string | null;
  /** Who is in charge of it, by its name, whether that one starts again what dies, and the command to stop it by. */
  readonly supervisor: string | null;
  readonly mayRestart: boolean;
  readonly stop: string | null;
  /** Processes in the cgroup itself. */
  readonly procs: number;
  readonly procsSubtree: number;
  /** Members that our pid namespace cannot see. */
  readonly invisible: number;
  readonly state: FreezeState;
  /** The cgroup that was told to freeze: this one, or an ancestor. */
  readonly frozenBy: string | null;
  readonly populated: boolean;
  readonly type: CgroupType;
  readonly memoryBytes: number | null;
  readonly method: KillMethod;
  readonly refusal: Refusal | null;
  /** Processes to be spared that are inside and would be moved out first. */
  readonly moves: readonly Pid[];
  readonly processes: readonly PreviewProcess[];
}
