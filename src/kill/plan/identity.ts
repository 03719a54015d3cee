// Is a name still that of the directory that was opened, or has another taken its place? Asked from the directory itself:
// its parent, and there its name.

import { cgkillCommand } from "../../advice.ts";
import { isRemoved } from "../../cgroup/subtree.ts";
import type { Cgroup } from "../../cgroup/types.ts";
import { isGone, SysError } from "../../sys/errno.ts";
import { type Dir, dirOf, type Fd, type Sys } from "../../sys/sys.ts";
import { RefusedError } from "../errors.ts";

/** @throws RefusedError  it is another cgroup by now, or another name */
export function guardIdentity(sys: Sys, cgroup: Cgroup): "same" | "gone" {
  const identity = checkIdentity(sys, cgroup);
  if (identity !== "changed") return identity;
  throw new RefusedError({
    code: "changed",
    message: `${cgroup.name}: is no longer the cgroup you previewed: another one has its name now`,
    hint: "look again",
    commands: [cgkillCommand(["show"], cgroup.name)],
  });
}

/** @returns "gone" if the cgroup was removed and nothing else has its name */
export function checkIdentity(sys: Sys, cgroup: Cgroup): "same" | "gone" | "changed" {
  if (cgroup.name === cgroup.view.point) return isRemoved(sys, cgroup) ? "gone" : "same";
  const parent = openUp(sys, cgroup);
  if (parent === undefined) return "gone";
  try {
    return hasName(sys, dirOf(parent, ""), cgroup, lastName(cgroup.name));
  } finally {
    sys.close(parent);
  }
}

/** `undefined` if both are gone. */
function openUp(sys: Sys, cgroup: Cgroup): Fd | undefined {
  try {
    return sys.openDir(cgroup.dir, "..");
  } catch (error) {
    if (isGone(error) && isRemoved(sys, cgroup)) return undefined;
    throw error;
  }
}

const lastName = (path: string): string => path.slice(path.lastIndexOf("/") + 1);

function hasName(sys: Sys, parent: Dir, cgroup: Cgroup, name: string): "same" | "gone" | "changed" {
  switch (leadsTo(sys, parent, cgroup, name)) {
    case true:
    // Something was mounted over it since: what we hold is what was beneath.
    case "covered":
      return "same";
    case false:
      return "changed";
    case undefined:
      // Renamed, with no other cgroup in its place: what we hold is what was named.
      return isRemoved(sys, cgroup) ? "gone" : "same";
  }
}

/** `undefined` if there is nothing of that name. */
function leadsTo(sys: Sys, parent: Dir, cgroup: Cgroup, name: string): boolean | "covered" | undefined {
  let fd: Fd | undefined;
  try {
    fd = sys.openDir(parent, name);
    const { dev, ino } = sys.statusOf(fd);
    return dev === cgroup.id.dev && ino === cgroup.id.ino;
  } catch (error) {
    if (error instanceof SysError && error.errno === "EXDEV") return "covered";
    if (isGone(error)) return undefined;
    throw error;
  } finally {
    if (fd !== undefined) sys.close(fd);
  }
}

export interface Place {
  readonly parent: Fd;
  readonly name: string;
}

/**
 * By which name a cgroup is to be removed now: a v1 cgroup may have been renamed since it was opened. Never by a name that
 * is another directory's. The caller closes the parent.
 *
 * @returns `undefined` if it is gone
 * @throws SysError  it is there, and has no name at this moment
 */
export function presentPlace(sys: Sys, cgroup: Cgroup): Place | undefined {
  const parent = openUp(sys, cgroup);
  if (parent === undefined) return undefined;
  let isTaken = false;
  try {
    const dir = dirOf(parent, cgroup.name.slice(0, cgroup.name.lastIndexOf("/")));
    const known = lastName(cgroup.name);
    let name: string | undefined = known;
    const found = leadsTo(sys, dir, cgroup, known);
    if (found === "covered") throw new SysError("rmdir", cgroup.name, "EXDEV");
    if (found !== true) {
      if (isRemoved(sys, cgroup)) return undefined;
      name = sys.readSubdirs(dir).find(({ ino }) => ino === cgroup.id.ino)?.name;
    }
    if (name === undefined || leadsTo(sys, dir, cgroup, name) !== true) {
      throw new SysError("rmdir", cgroup.name, "EBUSY");
    }
    isTaken = true;
    return { parent, name };
  } finally {
    if (!isTaken) sys.close(parent);
  }
}
