// What a cgroup and its hierarchy are.

import type { Dir } from "../sys/dir.ts";
import type { Fd, FileId } from "../sys/sys.ts";

export type CgroupVersion = "v1" | "v2";

/** A mount of a hierarchy, or of a part of it: `root` is the cgroup that the mount point shows. */
export interface Mount {
  readonly id: number;
  readonly root: string;
  readonly point: string;
  /** Mount points of other mounts below `point`. */
  readonly covers: readonly string[];
  /** The directory at `point`, known to be on this mount and kept open by the owner of the list. */
  readonly held?: Fd | undefined;
}

export interface Hierarchy {
  readonly version: CgroupVersion;
  /** As the second field of /proc/PID/cgroup names it: "" for v2, "freezer", "cpu,cpuacct", "name=systemd". */
  readonly controllers: string;
  readonly hasFreezer: boolean;
  readonly mounts: readonly Mount[];
}

/** Which hierarchies a host has: v2 only (unified), v1 only (legacy), or both (hybrid). */
export type Layout = "unified" | "legacy" | "hybrid" | "none";

/**
 * An opened cgroup, verified to be the one that was named. It stays the same directory if the cgroup is renamed or
 * something is mounted over it. Disposing closes it.
 */
export interface Cgroup extends Disposable {
  readonly hierarchy: Hierarchy;
  /** The path in /proc/PID/cgroup at the time of opening: "/batch/job7". */
  readonly path: string;
  /** The directory at the time of opening: "/sys/fs/cgroup/batch/job7". */
  readonly name: string;
  readonly dir: Dir;
  readonly fd: Fd;
  readonly id: FileId;
  /** Turns a path in /proc/self/fd into one in /proc/PID/cgroup: replace the prefix `point` by `root`. */
  readonly view: Pick<Mount, "root" | "point">;
  /**
   * Something is mounted inside or over it, so it was opened on a clone of the mount that has nothing mounted in it.
   */
  readonly isCovered: boolean;
}

/** The value of cgroup.type (v2); every v1 cgroup is a "domain". */
export type CgroupType = "domain" | "domain threaded" | "domain invalid" | "threaded";

export type FreezeState = "thawed" | "freezing" | "frozen";

/** One cgroup of a walk. Its directory is valid only during the visit. */
export interface Visit {
  readonly dir: Dir;
  readonly ino: bigint;
  /** Whether it has child cgroups. */
  readonly isInner: boolean;
}

export interface Visitor {
  /** Called for each cgroup, parents first. Returning `false` ends the walk. */
  readonly enter: (visit: Visit) => boolean | void;
  /** Called for each cgroup below the top, after its children, with its parent directory. */
  readonly leave?: (parent: Dir, name: string) => void;
  /**
   * Visit leaves by name: on v1 without opening each, on v2 without checking each. This is faster, but a cgroup that is
   * renamed or replaced during the walk may be missed, or taken for another. For views only, never for a kill.
   */
  readonly byName?: boolean;
  /** Called with the error if a listed child cannot be opened because it was removed or renamed in the meantime. */
  readonly miss?: (error: unknown) => void;
}
