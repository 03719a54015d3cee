// What the kernel would permit, judged by our capabilities and uid without trying it. For files, `Sys.isWritable` opens
// the file for writing. Read-only.

import type { Cgroup } from "../cgroup/types.ts";
import { PROC } from "../sys/dir.ts";
import { readOr } from "../sys/errno.ts";
import { wordAfter } from "../sys/proc.ts";
import type { Pid, Sys } from "../sys/sys.ts";

/** @see linux: include/uapi/linux/capability.h */
const CAP_DAC_OVERRIDE = 1n;
const CAP_KILL = 5n;

export interface Powers {
  /** We may signal every process, whatever its uid (CAP_KILL). */
  readonly canSignalAny: boolean;
  /** Directory modes do not apply to us (CAP_DAC_OVERRIDE). */
  readonly canWriteAll: boolean;
}

/** Read our own powers; if /proc does not show our capabilities, root has them all and other users have none. */
export function readPowers(sys: Sys): Powers {
  const word = wordAfter(readStatusText(sys, "self"), "CapEff:");
  const capabilities = /^[0-9a-f]+$/.test(word) ? BigInt(`0x${word}`) : undefined;
  const has = (bit: bigint): boolean =>
    capabilities === undefined ? sys.uid === 0 : ((capabilities >> bit) & 1n) === 1n;
  return { canSignalAny: has(CAP_KILL), canWriteAll: has(CAP_DAC_OVERRIDE) };
}

const readStatusText = (sys: Sys, pid: Pid | "self"): string => readOr("", () => sys.readRecord(PROC, `${pid}/status`));

/**
 * May we signal this process?
 *
 * @param uid  its real uid
 * @see linux: kernel/signal.c, kill_ok_by_cred
 */
export function canSignal(sys: Sys, { canSignalAny }: Powers, pid: Pid, uid: number): boolean {
  return canSignalAny || uid === sys.uid || readUids(sys, pid).saved === sys.uid;
}

/**
 * May we move this process, if the files permit it? v1 also compares users, v2 does not.
 *
 * @see linux: kernel/cgroup/cgroup-v1.c, __cgroup1_procs_write
 */
export function canMove(sys: Sys, { hierarchy }: Pick<Cgroup, "hierarchy">, pid: Pid): boolean {
  if (hierarchy.version === "v2" || sys.uid === 0 || pid === sys.pid) return true;
  const { real, saved } = readUids(sys, pid);
  return real === sys.uid || saved === sys.uid;
}

/** NaN if /proc does not show them. */
function readUids(sys: Sys, pid: Pid): { readonly real: number; readonly saved: number } {
  // "Uid:", then the real, effective, saved and file system uid.
  const [, real, , saved] = /^Uid:.*/m.exec(readStatusText(sys, pid))?.[0].split("\t") ?? [];
  return { real: Number(real), saved: Number(saved) };
}

/**
 * May we create or remove cgroups in this one?
 *
 * @returns `null` if that depends on our supplementary groups, which are not read
 */
export function canChange(sys: Sys, { canWriteAll }: Powers, { dir, fd }: Pick<Cgroup, "dir" | "fd">): boolean | null {
  // No capability helps on a read-only mount.
  if (canWriteAll) return sys.isWritable(dir, "cgroup.procs");
  const { uid, mode } = sys.statusOf(fd);
  if (uid === sys.uid) return (mode & 0o200) !== 0;
  if ((mode & 0o002) !== 0) return true;
  return (mode & 0o020) !== 0 ? null : false;
}
