// The mounts that a process sees, and those that its open files are on. Reads /proc, never the mounts themselves.

import { type MountInfo, parseMountInfo } from "../cgroup/open/mountinfo.ts";
import { type Dir, dirIn, PROC } from "../sys/dir.ts";
import { isDenied as isDeniedError, readOr, tryTo } from "../sys/errno.ts";
import { isInExec, wordAfter } from "../sys/proc.ts";
import type { Pid, Sys } from "../sys/sys.ts";
import type { BlockedThread } from "./threads.ts";

/** File systems that may have to wait for another host. */
const NETWORK = /^(nfs4?|cifs|smb3?|ceph|9p|afs|lustre|pvfs2|ocfs2|gfs2|beegfs|gpfs|ncpfs|coda)$/;
const FUSE = /^(fuse|fuseblk|virtiofs)(\.|$)/;

export const isFuse = ({ fsType }: MountInfo): boolean => FUSE.test(fsType);
/**
 * Whether the server of a FUSE mount is a process on this host. virtiofs is served by the host of the virtual machine,
 * so that a missing server proves nothing.
 */
export const isServedHere = (mount: MountInfo | null): boolean => mount !== null && mount.fsType !== "virtiofs";
export const isNetwork = ({ fsType }: MountInfo): boolean => NETWORK.test(fsType);
/** Whether a mount is on a block device. Major number 0 stands for a file system without one. */
export const isOnDevice = (mount: MountInfo): boolean => !mount.device.startsWith("0:") && !isFuse(mount);

/**
 * The number of a mount's FUSE connection: its device number as the kernel encodes it, mostly just the minor number.
 *
 * @see linux: fs/fuse/control.c, fuse_ctl_add_conn
 */
export function connectionOf({ device }: MountInfo): number {
  const [major = 0, minor = 0] = device.split(":").map(Number);
  return major * 2 ** 20 + minor;
}

export interface SeenMounts {
  readonly mounts: readonly MountInfo[];
  /** The same mount in our own namespace, if it is mounted there too. */
  readonly ownOf: (mount: MountInfo) => MountInfo | undefined;
  /** Whether another mount has the same mount point: an unmount would take that one. */
  readonly isCovered: (mount: MountInfo) => boolean;
}

/** About ten thousand mounts. A hostile process may have a hundred thousand, which would take too long to parse. */
const MAX_MOUNTINFO_CHARS = 1 << 20;

/** @returns a function that reads the mounts of a process, or ours if that fails; each namespace is parsed once */
export function createMountReader(sys: Sys): (pid: Pid) => SeenMounts {
  const parsed = new Map<string, readonly MountInfo[]>();
  const read = (pid: Pid | "self"): readonly MountInfo[] | undefined => {
    // EINVAL: the process has exited so far that it has no namespaces.
    const text = readOr(undefined, () => sys.readFile(PROC, `${pid}/mountinfo`));
    if (text === undefined || text === "" || (pid !== "self" && text.length > MAX_MOUNTINFO_CHARS)) return undefined;
    const mounts = parsed.get(text) ?? parseMountInfo(text);
    parsed.set(text, mounts);
    return mounts;
  };
  const own = read("self") ?? [];
  const byDevice = new Map(own.map((mount) => [mount.device, mount]));
  const ownOf = ({ device, id }: MountInfo): MountInfo | undefined =>
    own.find((mount) => mount.id === id) ?? byDevice.get(device);
  return (pid) => {
    const mounts = read(pid) ?? own;
    const isCovered = (mount: MountInfo): boolean =>
      findMountOf(mount.point, own.includes(mount) ? own : mounts) !== mount;
    return { mounts, ownOf, isCovered };
  };
}

/** The mount of a thread's open file; `undefined` if the descriptor is closed or, like a socket, has no path. */
export function mountIdOf(
  sys: Sys,
  tid: Pid,
  fd: number | string,
  link: string = readOr("", () => sys.readLink(PROC, `${tid}/fd/${fd}`)),
): number | undefined {
  if (!isPlainFile(link)) return undefined;
  const text = readOr("", () => sys.readRecord(PROC, `${tid}/fdinfo/${fd}`));
  const id = wordAfter(text, "mnt_id:");
  return id === "" ? undefined : Number(id);
}

const MAX_FDS = 512;
const GRAPHICS = /^\/dev\/(dri|accel|kfd)/;

/** The directory in /proc that lists the descriptors of a thread. */
export const descriptorsOf = (tid: Pid): Dir => dirIn(PROC, `${tid}/fd`);

/**
 * Whether the fdinfo of a descriptor is safe to read, by the target of its link in /proc. For an epoll descriptor, the
 * kernel takes a lock that a thread in a FUSE request may hold; for a graphics device, it takes a lock of the driver.
 */
export const isPlainFile = (target: string): boolean => target.startsWith("/") && !GRAPHICS.test(target);

interface OpenMounts {
  readonly ids: ReadonlySet<number>;
  /** Whether the descriptors are hidden from us. */
  readonly isDenied: boolean;
}

/** The mounts of a thread's open files, working directory and program. */
export function readOpenMounts(sys: Sys, tid: Pid, mounts: readonly MountInfo[]): OpenMounts {
  const ids = new Set<number>();
  let isDenied = false;
  if (readOr(true, () => isInExec(sys, tid))) return { ids, isDenied };
  const fds = readOr([], () => sys.readNames(descriptorsOf(tid)));
  for (const fd of fds.slice(0, MAX_FDS)) {
    const error = tryTo(() => {
      const id = mountIdOf(sys, tid, fd, sys.readLink(PROC, `${tid}/fd/${fd}`));
      if (id !== undefined) ids.add(id);
    });
    // Closed in the meantime, or hidden: without CAP_SYS_PTRACE, root may list descriptors but not read their links.
    isDenied ||= isDeniedError(error);
  }
  for (const name of ["cwd", "exe"]) {
    const path = readOr(undefined, () => sys.readLink(PROC, `${tid}/${name}`));
    const mount = path === undefined ? undefined : findMountOf(path, mounts);
    if (mount !== undefined) ids.add(mount.id);
  }
  return { ids, isDenied };
}

/**
 * Find the mount that a blocked thread waits for: that of a descriptor in its system call, otherwise the only one that it
 * has open files on.
 *
 * @param isKnown  whether it waits for one of the candidates: then it need not have a file open there
 * @returns the mount, as ours if it is mounted in our namespace too; `undefined` if there is none or more than one
 */
export function findOnlyMount(
  sys: Sys,
  { tid, descriptors }: BlockedThread,
  { mounts, ownOf }: SeenMounts,
  candidates: readonly MountInfo[],
  isKnown: boolean,
): MountInfo | undefined {
  if (candidates.length === 0) return undefined;
  const byId = new Map(candidates.map((mount) => [mount.id, mount]));
  for (const fd of descriptors) {
    const mount = byId.get(mountIdOf(sys, tid, fd) ?? -1);
    if (mount !== undefined) return ownOf(mount) ?? mount;
  }
  const opened = [...readOpenMounts(sys, tid, mounts).ids].flatMap((id) => byId.get(id) ?? []);
  const possible = opened.length > 0 || !isKnown ? opened : candidates;
  // One mount per file system.
  const [only, ...others] = new Map(possible.map((mount) => [mount.device, mount])).values();
  return only === undefined || others.length > 0 ? undefined : (ownOf(only) ?? only);
}

/** The mount with the longest mount point above the path. If several share it, the last one covers the others. */
export function findMountOf(path: string, mounts: readonly MountInfo[]): MountInfo | undefined {
  let found: MountInfo | undefined;
  for (const mount of mounts) {
    const { point } = mount;
    const isBelow = path === point || path.startsWith(point === "/" ? "/" : `${point}/`);
    if (isBelow && (found === undefined || point.length >= found.point.length)) found = mount;
  }
  return found;
}
