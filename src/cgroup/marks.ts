// What a cgkill leaves on a cgroup for another one to find, should it be killed half-way: extended attributes. A mark is
// believed only from its owner: `trusted.*` takes CAP_SYS_ADMIN to write; `user.*` counts on a directory that is ours and
// that no other user may write to.

import { SysError } from "../sys/errno.ts";
import type { Fd, Sys } from "../sys/sys.ts";

export type MarkName = "trap" | "origin" | "pids.max";

const trusted = (name: MarkName): string => `trusted.cgkill.${name}`;
const user = (name: MarkName): string => `user.cgkill.${name}`;

/**
 * @param fd  the directory, open for reading
 * @returns whether the mark is there now, and will be believed
 */
export function writeMark(sys: Sys, fd: Fd, name: MarkName, value: string): boolean {
  if (tryWrite(sys, fd, trusted(name), value)) return true;
  return isOursAlone(sys, fd) && tryWrite(sys, fd, user(name), value);
}

function tryWrite(sys: Sys, fd: Fd, name: string, value: string): boolean {
  try {
    sys.writeMark(fd, name, value);
    return true;
  } catch (error) {
    if (error instanceof SysError) return false;
    throw error;
  }
}

/** `undefined` where there is none that is believed. */
export function readMark(sys: Sys, fd: Fd, name: MarkName): string | undefined {
  return tryRead(sys, fd, trusted(name)) ?? (isOursAlone(sys, fd) ? tryRead(sys, fd, user(name)) : undefined);
}

/** Without CAP_SYS_ADMIN the kernel says of `trusted.*` that there is no such attribute. */
function tryRead(sys: Sys, fd: Fd, name: string): string | undefined {
  try {
    return sys.readMark(fd, name);
  } catch (error) {
    if (error instanceof SysError) return undefined;
    throw error;
  }
}

export function removeMark(sys: Sys, fd: Fd, name: MarkName): void {
  for (const full of [trusted(name), user(name)]) {
    try {
      sys.removeMark(fd, full);
    } catch (error) {
      // It was the other one, or the cgroup is gone.
      if (!(error instanceof SysError)) throw error;
    }
  }
}

const WRITABLE_BY_OTHERS = 0o022;

function isOursAlone(sys: Sys, fd: Fd): boolean {
  const { uid, mode } = sys.statusOf(fd);
  return uid === sys.uid && (mode & WRITABLE_BY_OTHERS) === 0;
}
