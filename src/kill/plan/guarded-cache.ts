// Snapshots of the guarded processes that serve more than one target, since reading them may take longer than the kill.

import type { Hierarchy } from "../../cgroup/types.ts";
import { readOr } from "../../sys/errno.ts";
import type { Millis, Pid, Pidfd, PidfdInfo, Sys } from "../../sys/sys.ts";
import {
  type GuardedReader,
  type GuardedSnapshot,
  type GuardOptions,
  INIT,
  readGuarded,
  readGuardedNow,
} from "./guarded.ts";

/** Half of the age at which `guard` reads again: a plan made from an older snapshot would soon be checked twice. */
const MAX_CACHED_MS: Millis = 10;

export interface GuardedCache extends Disposable {
  readonly read: GuardedReader;
  /** Let each snapshot be checked before its next use: the caller may have moved processes before it names a target. */
  readonly expire: () => void;
}

interface Cached {
  readonly snapshot: GuardedSnapshot;
  readonly isExpired: boolean;
}

/** A process of the snapshots, as it was when they were read. */
interface Held {
  readonly fd: Pidfd;
  readonly info: PidfdInfo;
}

/**
 * Share snapshots between targets. Thousands of targets in a row then cost one read per `MAX_CACHED_MS`, and no plan is
 * older than `guard` accepts.
 *
 * @param isLasting  for targets that are named one by one: a snapshot is used for as long as all of its processes keep their
 *                   parents and v2 cgroups, which are read faster by pidfd than from /proc (Linux 6.16)
 */
export function createGuardedCache(isLasting = false): GuardedCache {
  const all = new Map<string, Cached>();
  let held: readonly Held[] = [];
  let release = (): void => {};
  return {
    read(sys, hierarchy, options) {
      const key = keyOf(hierarchy, options);
      const known = all.get(key);
      if (known !== undefined && !known.isExpired && sys.now() - known.snapshot.at < MAX_CACHED_MS)
        return known.snapshot;
      const isSame = isUnchanged(sys, held);
      let snapshot =
        known !== undefined && isSame
          ? renewed(sys, hierarchy, options, known.snapshot)
          : readGuardedNow(sys, hierarchy, options);
      if (isLasting && !isSame) {
        release();
        all.clear();
        const now = holdAll(sys, [INIT, sys.pid, ...snapshot.ancestors]);
        held = now;
        release = () => close(sys, now);
        // Read again, because the pidfds show only what changes from here on.
        if (now.length > 0) snapshot = readGuardedNow(sys, hierarchy, options);
      }
      all.set(key, { snapshot, isExpired: false });
      return snapshot;
    },
    expire() {
      for (const [key, { snapshot }] of all) all.set(key, { snapshot, isExpired: true });
    },
    [Symbol.dispose]: () => release(),
  };
}

/** Renew an unchanged snapshot. Its v2 cgroups are unchanged too; v1 cgroups are read again, on demand. */
function renewed(sys: Sys, hierarchy: Hierarchy, options: GuardOptions, snapshot: GuardedSnapshot): GuardedSnapshot {
  const at = sys.now();
  if (hierarchy.version === "v2") return { ...snapshot, at };
  const chain = snapshot.chain.map(({ pid, comm }) => ({ pid, comm }));
  return { ...snapshot, at, chain, guarded: readGuarded(sys, hierarchy, options, chain) };
}

const keyOf = ({ controllers }: Hierarchy, { allowAncestors, mayStepAside, spare }: GuardOptions): string =>
  [controllers, allowAncestors, mayStepAside, ...spare].join();

/** The maximum number of descriptors that are held. */
const MAX_HELD = 16;

/**
 * Open a pidfd for each process.
 *
 * @returns none if there are too many processes, the kernel does not tell enough, or the leader of one is gone
 */
function holdAll(sys: Sys, pids: readonly Pid[]): readonly Held[] {
  const held: Held[] = [];
  if (pids.length > MAX_HELD) return held;
  for (const pid of pids) {
    const fd = readOr(undefined, () => sys.pidfdOpen(pid));
    const info = fd === undefined ? undefined : infoOf(sys, fd);
    if (fd !== undefined && info?.hasMemory) {
      held.push({ fd, info });
      continue;
    }
    if (fd !== undefined) sys.close(fd);
    close(sys, held);
    return [];
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
    if (now?.hasMemory !== true || now.ppid !== info.ppid || now.cgroupId !== info.cgroupId) return false;
  }
  return held.length > 0;
}

function close(sys: Sys, held: readonly Held[]): void {
  for (const { fd } of held) sys.close(fd);
}
