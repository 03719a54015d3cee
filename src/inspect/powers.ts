// What the kernel lets us do, asked without doing it: by our capabilities and uid. What a file permits is asked by
// opening it for writing (`Sys.isWritable`). Reads only.

import type { Cgroup } from "../cgroup/types.ts";
import { SysError } from "../sys/errno.ts";
import { wordAfter } from "../sys/proc.ts";
import { type Pid, PROC, type Sys } from "../sys/sys.ts";

/** @see linux: include/uapi/linux/capability.h */
const CAP_DAC_OVERRIDE = 1n;
const CAP_KILL = 5n;

export interface Powers {
  /** May we signal every process, whatever its uid? */
  readonly canSignalAll: boolean;
  /** Do the modes of directories not bind us? */
  readonly canWriteAll: boolean;
}

export function readPowers(sys: Sys): Powers {
  const capabilities = readCapabilities(sys);
  const has = (bit: bigint): boolean =>
    capabilities === undefined ? sys.uid === 0 : ((capabilities >> bit) & 1n) === 1n;
  return { canSignalAll: has(CAP_KILL), canWriteAll: has(CAP_DAC_OVERRIDE) };
}

/** `undefined` where /proc does not say. */
function readCapabilities(sys: Sys): bigint | undefined {
  const word = wordAfter(readOwnStatus(sys, "self"), "CapEff:");
  return /^[0-9a-f]+$/.test(word) ? BigInt(`0x${word}`) : undefined;
}

function readOwnStatus(sys: Sys, pid: Pid | "self"): string {
  try {
    return sys.readRecord(PROC, `${pid}/status`);
  } catch (error) {
    if (error instanceof SysError) return "";
    throw error;
  }
}

/**
 * May we signal this process?
 *
 * @param uid  its real uid
 * @see linux: kernel/signal.c, kill_ok_by_cred
 */
export function canSignal(sys: Sys, { canSignalAll }: Powers, pid: Pid, uid: number): boolean {
  if (canSignalAll || uid === sys.uid) return true;
  // "Uid:", then the real, the effective, the saved and the file system uid.
  const line = readOwnStatus(sys, pid)
    .split("\n")
    .find((each) => each.startsWith("Uid:"));
  return Number(line?.split("\t")[3]) === sys.uid;
}

/**
 * May we make or remove cgroups in this one?
 *
 * @returns `null` if that depends on our groups, which are not looked up
 */
export function canChange(sys: Sys, { canWriteAll }: Powers, { dir, fd }: Pick<Cgroup, "dir" | "fd">): boolean | null {
  // On a read-only mount no capability helps, and its files say so.
  if (canWriteAll) return sys.isWritable(dir, "cgroup.procs");
  const { uid, mode } = sys.statusOf(fd);
  if (uid === sys.uid) return (mode & 0o200) !== 0;
  if ((mode & 0o002) !== 0) return true;
  return (mode & 0o020) !== 0 ? null : false;
}
