// Finds the network file system that a process waits for.

import type { MountInfo } from "../cgroup/open/mountinfo.ts";
import type { Sys } from "../sys/sys.ts";
import { findOnlyMount, isNetwork, type SeenMounts } from "./mounts.ts";
import type { BlockedThread } from "./threads.ts";

/** Kernel functions of network file systems. */
const WAITS =
  /^(rpc_|__rpc|xprt_|nfs|__nfs|cifs_|smb[23]?_|wait_for_response|ceph_|p9_|v9fs_|netfs_|afs_|ptlrpc|ll_|cl_)/;
/** Kernel functions that all file systems share. */
const GENERIC = /folio|page|rwsem|mutex|d_alloc|lookup|inode|writeback|bit_wait/;

/** @returns `undefined` if the thread waits for something else; `null` if the mount cannot be determined */
export function findNetworkWait(sys: Sys, thread: BlockedThread, seen: SeenMounts): MountInfo | null | undefined {
  const isKnown = thread.functions.some((name) => WAITS.test(name));
  if (!isKnown && !thread.functions.some((name) => GENERIC.test(name))) return undefined;
  const mount = findOnlyMount(sys, thread, seen, seen.mounts.filter(isNetwork), isKnown);
  return mount ?? (isKnown ? null : undefined);
}
