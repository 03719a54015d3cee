// What a cgroup is, in the kernel's words.

import type { Dir, Fd, FileId } from "../sys/sys.ts";

export type CgroupVersion = "v1" | "v2";

/** Where (part of) a hierarchy is mounted. `root` is the cgroup that the mount point shows. */
export interface Mount {
  readonly id: number;
  readonly root: string;
  readonly point: string;
  /** Where something else is mounted below that point. */
  readonly covers: readonly string[];
  /** The directory that it shows, known to be on this mount and held open by the owner of the list. */
  readonly held?: Fd | undefined;
}

export interface Hierarchy {
  readonly version: CgroupVersion;
  /** As the second field of /proc/PID/cgroup names it: "" for v2, "freezer", "cpu,cpuacct", "name=systemd". */
  readonly controllers: string;
  readonly hasFreezer: boolean;
  readonly mounts: readonly Mount[];
}

/** How a host is set up: v2 alone, v1 alone, or both. */
export type Layout = "unified" | "legacy" | "hybrid" | "none";

/**
 * A cgroup that was opened, and is the one that was named: from here on it is this directory, whatever happens to its
 * name, and whatever is mounted over it.
 */
export interface Cgroup {
  readonly hierarchy: Hierarchy;
  /** As /proc/PID/cgroup printed it when it was opened, "/batch/job7". */
  readonly path: string;
  /** The directory as it was named when opened, "/sys/fs/cgroup/batch/job7". */
  readonly name: string;
  readonly dir: Dir;
  readonly fd: Fd;
  readonly id: FileId;
  /** How the path of the open directory, as /proc/self/fd shows it, becomes that of the cgroup: `point` is cut off. */
  readonly view: Pick<Mount, "root" | "point">;
  /** Something is mounted inside it or over it: it is seen by a copy of the mount that nothing is mounted in. */
  readonly isCovered: boolean;
}

/** v2's cgroup.type; every v1 cgroup is a "domain". */
export type CgroupType = "domain" | "domain threaded" | "domain invalid" | "threaded";

export type FreezeState = "thawed" | "freezing" | "frozen";
