// Snapshots of the guarded processes that serve more than one target, since reading them may take longer than the kill.

import { openInHierarchy } from "../../cgroup/open/open-path.ts";
import type { Hierarchy } from "../../cgroup/types.ts";
import { INIT } from "../../sys/checks.ts";
import { readOr } from "../../sys/errno.ts";
import type { Millis, Pid, Pidfd, PidfdInfo, Sys } from "../../sys/sys.ts";
import {
  type GuardedReader,
  type GuardedSnapshot,
  type GuardOptions,
  readGuarded,
  readGuardedNow,
} from "./guarded-processes.ts";

/** Half of the age at which `guard` reads again: a plan made from an older snapshot would soon be checked twice. */
const MAX_CACHED_MS: Millis = 10;

export interface GuardedCache extends Disposable {
  readonly read: GuardedReader;
  /** Let each snapshot be checked before its next use: the caller may have moved processes before it names a target. */
  readonly expire: () => void;
}

interface Cached {
  snapshot: GuardedSnapshot;
  isExpired: boolean;
  /** The snapshot is current while these processes are unchanged. Without any, only its age counts. */
  readonly held: readonly Held[];
}

/** A guarded process, as it was when it was opened. */
interface Held {
  readonly pid: Pid;
  readonly fd: Pidfd;
  readonly info: PidfdInfo | undefined;
}

const NONE: readonly Held[] = [];

/**
 * Share snapshots between targets. Thousands of targets in a row then cost one read per `MAX_CACHED_MS`, and no plan is
 * older than `guard` accepts.
 *
 * @param isLasting  for targets that are named one by one: a snapshot is used for as long as all of its processes keep their
 *                   parents and v2 cgroups, which are read faster by pidfd than from /proc (Linux 6.16)
 */
export function createGuardedCache(isLasting = false): GuardedCache {
  const all = new Map<string, Cached>();
  // Shared by all hierarchies: each has the same guarded processes, and descriptors may be few.
  let held = NONE;
  let close = (): void => {};
  return {
    read(sys, hierarchy, options) {
      const key = keyOf(hierarchy, options);
      const known = all.get(key);
      if (known !== undefined && !known.isExpired && sys.now() - known.snapshot.at < MAX_CACHED_MS)
        return known.snapshot;
      const isSame = isLasting && isUnchanged(sys, held);
      if (known !== undefined && known.held === held && isSame) {
        known.isExpired = false;
        return (known.snapshot = renewed(sys, hierarchy, options, known.snapshot));
      }
      let snapshot = readGuardedNow(sys, hierarchy, options);
      if (isLasting && !isSame) {
        close();
        const opened = holdAll(sys, [INIT, sys.pid, ...snapshot.ancestors.keys()]);
        held = opened;
        close = () => closeAll(sys, opened);
        // Read again, because the pidfds show only what changes from here on.
        if (held.length > 0) snapshot = readGuardedNow(sys, hierarchy, options);
      }
      const lasts = isLasting && (hierarchy.version === "v1" || arePlacesCurrent(sys, hierarchy, snapshot, held));
      all.set(key, { snapshot, isExpired: false, held: lasts ? held : NONE });
      return snapshot;
    },
    expire() {
      for (const cached of all.values()) cached.isExpired = true;
    },
    [Symbol.dispose]() {
      close();
      held = NONE;
      all.clear();
    },
  };
}

/** Renew an unchanged snapshot. Its v2 cgroups are unchanged too; v1 cgroups are read again, on demand. */
function renewed(sys: Sys, hierarchy: Hierarchy, options: GuardOptions, snapshot: GuardedSnapshot): GuardedSnapshot {
  const at = sys.now();
  if (hierarchy.version === "v2") return { ...snapshot, at };
  const ancestors = new Map([...snapshot.ancestors].map(([pid, { comm }]) => [pid, { comm }]));
  return { ...snapshot, at, ancestors, guarded: readGuarded(sys, hierarchy, options, ancestors) };
}

const keyOf = ({ controllers }: Hierarchy, { allowAncestors, mayStepAside, spare }: GuardOptions): string =>
  [controllers, allowAncestors, mayStepAside, ...spare].join();

/** The maximum number of descriptors that are held. */
const MAX_HELD = 16;
/** How many descriptors stay free: a kill needs them more. */
const MIN_FREE_FDS = 40;

/**
 * Open a pidfd for each process.
 *
 * @returns none if there are too many processes or too few free descriptors, the kernel does not report enough, or the
 *          leader of one is gone
 */
function holdAll(sys: Sys, pids: readonly Pid[]): readonly Held[] {
  if (pids.length > MAX_HELD) return NONE;
  const maxFd = readOr(0, () => sys.raiseFileLimit()) - MIN_FREE_FDS;
  const held: Held[] = [];
  for (const pid of pids) {
    const fd = readOr(undefined, () => sys.pidfdOpen(pid));
    const info = fd === undefined ? undefined : infoOf(sys, fd);
    if (fd !== undefined) held.push({ pid, fd, info });
    // The kernel uses the lowest free descriptor: all below it are open.
    if (fd !== undefined && fd < maxFd && info?.hasMemory === true) continue;
    closeAll(sys, held);
    return NONE;
  }
  return held;
}

/** `undefined` also if the process is dead and reaped. */
const infoOf = (sys: Sys, fd: Pidfd): PidfdInfo | undefined => readOr(undefined, () => sys.infoOf(fd));

/**
 * Whether no process has changed its parent or its v2 cgroup. The cgroup is that of the leader, which is that of the process
 * unless the leader has exited (see `readPlaces`); a v2 cgroup is never renamed.
 */
function isUnchanged(sys: Sys, held: readonly Held[]): boolean {
  for (const { fd, info } of held) {
    const now = infoOf(sys, fd);
    if (now?.hasMemory !== true || now.ppid !== info?.ppid || now.cgroupId !== info.cgroupId) return false;
  }
  return held.length > 0;
}

/**
 * v2: whether /proc showed the same cgroups as the pidfds. A process that is moved back and forth may have been elsewhere
 * only while /proc was read. Hidden processes are looked for in the lists for each target.
 */
function arePlacesCurrent(
  sys: Sys,
  hierarchy: Hierarchy,
  { guarded }: GuardedSnapshot,
  held: readonly Held[],
): boolean {
  const ids = new Map(held.map(({ pid, info }) => [pid, info?.cgroupId]));
  for (const { pid, places } of ids.size > 0 ? guarded : []) {
    const id = ids.get(pid);
    const shown = places();
    if (id === undefined || (shown !== undefined && readIdAt(sys, hierarchy, shown[0]) !== id)) return false;
  }
  return true;
}

/** The inode of a cgroup; `undefined` if it is not visible here. */
function readIdAt(sys: Sys, hierarchy: Hierarchy, place: string | undefined): bigint | undefined {
  if (place === undefined) return undefined;
  using cgroup = readOr(undefined, () => openInHierarchy(sys, hierarchy, place));
  return cgroup?.id.ino;
}

function closeAll(sys: Sys, held: readonly Held[]): void {
  for (const { fd } of held) sys.close(fd);
}
