// Shell commands that mount something inside or over a target with the children `c`, `c/d` and `e`, in a private mount
// namespace. $T is the target, $B a cgroup with innocent processes in the same hierarchy, $F one in another hierarchy,
// $S a directory for forged files, $PID an innocent process.

export interface Inside {
  readonly mounts: string;
  /** The mount point, below the target. */
  readonly point: string;
}

/** Forged files that list an innocent process as a member. */
const FORGE = "for file in cgroup.procs tasks cgroup.threads; do echo $PID > $1/$file; done";
const forge = (dir: string): string => `forge() { ${FORGE}; }; forge ${dir}`;

export const INSIDE: Readonly<Record<string, Inside>> = {
  "a cgroup of the same hierarchy over a child": { mounts: "mount --bind $B $T/c", point: "/c" },
  "a cgroup of another hierarchy over a child": { mounts: "mount --bind $F $T/c", point: "/c" },
  "a tmpfs over a child": { mounts: "mount -t tmpfs none $T/c", point: "/c" },
  "a tmpfs with forged lists over a child": {
    mounts: `mount -t tmpfs none $T/c; mkdir $T/c/d; ${forge("$T/c")}; forge $T/c/d`,
    point: "/c",
  },
  "forged lists over those of a child": {
    mounts: `${forge("$S")}; for list in $T/c/cgroup.procs $T/c/tasks $T/c/cgroup.threads; do
      [ ! -e $list ] || mount --bind $S/cgroup.procs $list; done`,
    point: "/c/",
  },
  "forged lists over those of the target": {
    mounts: `${forge("$S")}; for list in $T/cgroup.procs $T/tasks $T/cgroup.threads; do
      [ ! -e $list ] || mount --bind $S/cgroup.procs $list; done`,
    point: "/",
  },
  "empty files over every file of a child": {
    mounts: ": > $S/empty; for file in $T/c/*; do [ -d $file ] || mount --bind $S/empty $file; done",
    point: "/c/",
  },
  "empty files over every file of the target": {
    mounts: ": > $S/empty; for file in $T/*; do [ ! -f $file ] || mount --bind $S/empty $file; done",
    point: "/",
  },
  "another target's files over those of the target": {
    mounts: "for file in $T/*; do [ ! -f $file ] || mount --bind $B/${file##*/} $file; done",
    point: "/",
  },
  "two mounts over one child": { mounts: "mount --bind $B $T/c; mount -t tmpfs none $T/c", point: "/c" },
  "a child over its sibling": { mounts: "mount --bind $T/e $T/c", point: "/c" },
  "the target over its own child, a stranger over the other": {
    mounts: "mount --bind $T $T/c; mount --bind $B $T/e",
    point: "/",
  },
  "a child over itself, a stranger over the other": {
    mounts: "mount --bind $T/c $T/c; mount --bind $B $T/e",
    point: "/",
  },
  "a covered child below a covered child": {
    mounts: "mount --bind $B $T/c/d; mount -t tmpfs none $T/c",
    point: "/c",
  },
  "a mount inside of a cover": {
    mounts: "mount -t tmpfs none $T/c; mkdir $T/c/d; mount --bind $B $T/c/d",
    point: "/c",
  },
};
