// Extended attributes that cgkill leaves on a cgroup, so that another cgkill can clean up if this one is killed. A mark
// is trusted only if no other user can have written it: `trusted.*` needs CAP_SYS_ADMIN to write, and `user.*` counts
// only on a directory that we own and no other user may write to.

import { readOr, tryTo } from "../sys/errno.ts";
import type { Fd, Sys } from "../sys/sys.ts";

type MarkName = "trap" | "origin" | "pids.max";

const trusted = (name: MarkName): string => `trusted.cgkill.${name}`;
const user = (name: MarkName): string => `user.cgkill.${name}`;

/**
 * Write a mark.
 *
 * @param fd  the directory, open for reading
 * @returns whether it was written in a form that `readMark` trusts
 */
export function writeMark(sys: Sys, fd: Fd, name: MarkName, value: string): boolean {
  if (tryTo(() => sys.writeMark(fd, trusted(name), value)) === undefined) return true;
  return isOursAlone(sys, fd) && tryTo(() => sys.writeMark(fd, user(name), value)) === undefined;
}

/** Read a mark; `undefined` if there is none that can be trusted. */
export function readMark(sys: Sys, fd: Fd, name: MarkName): string | undefined {
  return tryRead(sys, fd, trusted(name)) ?? (isOursAlone(sys, fd) ? tryRead(sys, fd, user(name)) : undefined);
}

/** Without CAP_SYS_ADMIN the kernel reports that a `trusted.*` attribute does not exist. */
const tryRead = (sys: Sys, fd: Fd, name: string): string | undefined => readOr(undefined, () => sys.readMark(fd, name));

export function removeMark(sys: Sys, fd: Fd, name: MarkName): void {
  // It fails if the mark has the other name, or the cgroup is gone.
  for (const full of [trusted(name), user(name)]) tryTo(() => sys.removeMark(fd, full));
}

const WRITABLE_BY_OTHERS = 0o022;

function isOursAlone(sys: Sys, fd: Fd): boolean {
  const { uid, mode } = sys.statusOf(fd);
  return uid === sys.uid && (mode & WRITABLE_BY_OTHERS) === 0;
}
