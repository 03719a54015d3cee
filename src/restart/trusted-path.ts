// Checks that only root and the caller can change what a path leads to and what the file contains. Only local file
// systems are accessed, and nothing is opened: a server that does not answer, or a FIFO, would block the check.

import { findMountOf, isFuse, isNetwork } from "../blocked/mounts.ts";
import { parseMountInfo } from "../cgroup/open/mountinfo.ts";
import { PROC, ROOT } from "../sys/dir.ts";
import { readOr } from "../sys/errno.ts";
import type { Sys } from "../sys/sys.ts";

const GROUP_OR_OTHERS_WRITE = 0o022;
const STICKY = 0o1000;
const FILE_TYPE = 0o170000;
const TYPES = { file: 0o100000, directory: 0o040000 } as const;

export const isRootOrCaller = (sys: Sys, uid: number): boolean => uid === 0 || uid === sys.uid;

/**
 * Whether a path can be trusted. Every component must belong to root or to the caller, must not be a symbolic link, and
 * must not be writable by other users, except for a sticky directory, whose entries they cannot replace.
 *
 * @param path  a relative path is not trusted
 * @param last  the type of its last component
 */
export function isTrustedPath(sys: Sys, path: string, last: keyof typeof TYPES): boolean {
  const names = path === "/" ? [] : path.split("/").slice(1);
  if (!path.startsWith("/") || path.includes("\n") || names.some(isNoName) || isServedByOthers(sys, path)) return false;
  if (!isTrusted(sys, "/", "directory")) return false;
  // From the top, because a link may lead to a file system that must not be accessed.
  return names.every((_, at) => {
    const prefix = `/${names.slice(0, at + 1).join("/")}`;
    return isTrusted(sys, prefix, at === names.length - 1 ? last : "directory");
  });
}

const isNoName = (name: string): boolean => name === "" || name === "." || name === "..";

function isTrusted(sys: Sys, path: string, type: keyof typeof TYPES): boolean {
  const status = readOr(undefined, () => sys.statusIn(ROOT, path));
  if (status === undefined || (status.mode & FILE_TYPE) !== TYPES[type]) return false;
  const isSticky = type === "directory" && (status.mode & STICKY) !== 0;
  return isRootOrCaller(sys, status.uid) && (isSticky || (status.mode & GROUP_OR_OTHERS_WRITE) === 0);
}

/** Whether another process or host may have to answer before a path can be looked at. */
function isServedByOthers(sys: Sys, path: string): boolean {
  const mount = findMountOf(path, parseMountInfo(sys.readFile(PROC, "self/mountinfo")));
  return mount === undefined || isFuse(mount) || isNetwork(mount) || mount.fsType === "autofs";
}
