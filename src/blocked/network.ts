// Finds the network file system that a process waits for.

import type { MountInfo } from "../cgroup/open/mountinfo.ts";
import type { Sys } from "../sys/sys.ts";
import { isNetwork, mountIdOf, readOpenMounts, type SeenMounts } from "./mounts.ts";
import type { BlockedThread } from "./threads.ts";

/** Kernel functions of network file systems. */
const WAITS =
  /^(rpc_|__rpc|xprt_|nfs|__nfs|cifs_|smb[23]?_|wait_for_response|ceph_|p9_|v9fs_|netfs_|afs_|ptlrpc|ll_|cl_)/;
/** Kernel functions that all file systems share. */
const GENERIC = /folio|page|rwsem|mutex|d_alloc|lookup|inode|writeback|bit_wait/;

/** @returns `undefined` if the thread waits for something else; `null` if the mount cannot be determined */
export function findNetworkWait(
  sys: Sys,
  { tid, functions, descriptors, isInExec }: BlockedThread,
  { mounts, ownOf }: SeenMounts,
): MountInfo | null | undefined {
  const isKnown = functions.some((name) => WAITS.test(name));
  if (!isKnown && !isInExec && !functions.some((name) => GENERIC.test(name))) return undefined;
  const byId = new Map(mounts.filter(isNetwork).map((mount) => [mount.id, mount]));
  if (byId.size === 0) return isKnown ? null : undefined;
  for (const fd of descriptors) {
    const mount = byId.get(mountIdOf(sys, tid, fd) ?? -1);
    if (mount !== undefined) return ownOf(mount) ?? mount;
  }
  const opened = [...readOpenMounts(sys, tid, mounts).ids].flatMap((id) => byId.get(id) ?? []);
  const [only, ...others] = opened.length > 0 ? opened : isKnown ? [...byId.values()] : [];
  if (only !== undefined && others.length === 0) return ownOf(only) ?? only;
  return isKnown ? null : undefined;
}
