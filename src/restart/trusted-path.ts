// Checks that only root and the caller can change what a path leads to and what the file contains. Only local file
// systems are accessed: a server that does not answer would block the check.

import { findMountOf, isFuse, isNetwork } from "../blocked/mounts.ts";
import { parseMountInfo } from "../cgroup/open/mountinfo.ts";
import { readOr } from "../sys/errno.ts";
import { closing, PROC, ROOT, type Sys } from "../sys/sys.ts";

const GROUP_OR_OTHERS_WRITE = 0o022;
const STICKY = 0o1000;

export const isRootOrCaller = (sys: Sys, uid: number): boolean => uid === 0 || uid === sys.uid;

/**
 * Whether a path can be trusted. Every component must belong to root or to the caller, must not be a symbolic link, and
 * must not be writable by other users, except for a sticky directory, whose entries they cannot replace.
 *
 * @param path  a relative path is not trusted
 */
export function isTrustedPath(sys: Sys, path: string, last: "file" | "directory"): boolean {
  if (!path.startsWith("/") || path.includes("//") || path.includes("\n") || isServedByOthers(sys, path)) return false;
  for (let end = 0; end >= 0;) {
    const next = path.indexOf("/", end + 1);
    const prefix = next < 0 ? path : path.slice(0, next);
    if (!isTrusted(sys, prefix, next < 0 ? last : "directory")) return false;
    end = next;
  }
  return isTrusted(sys, "/", "directory");
}

function isTrusted(sys: Sys, path: string, kind: "file" | "directory"): boolean {
  const fd = readOr(undefined, () => (kind === "file" ? sys.openFile(ROOT, path) : sys.openDir(ROOT, path)));
  if (fd === undefined) return false;
  using _ = closing(sys, fd);
  const { uid, mode } = sys.statusOf(fd);
  const isSticky = kind === "directory" && (mode & STICKY) !== 0;
  return isRootOrCaller(sys, uid) && (isSticky || (mode & GROUP_OR_OTHERS_WRITE) === 0) && sys.pathOf(fd) === path;
}

/** Whether another process or host may have to answer before a path can be looked at. */
function isServedByOthers(sys: Sys, path: string): boolean {
  const mount = findMountOf(path, parseMountInfo(sys.readFile(PROC, "self/mountinfo")));
  return mount === undefined || isFuse(mount) || isNetwork(mount) || mount.fsType === "autofs";
}
