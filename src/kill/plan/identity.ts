// Checks whether a name still belongs to the directory that was opened, or now to another one. The check starts from
// the open directory: through `..`, and from there by name. No path is resolved from the root.

import { cgkillCommand } from "../../advice.ts";
import { isRemoved } from "../../cgroup/subtree.ts";
import type { Cgroup } from "../../cgroup/types.ts";
import { isGone, readOr, SysError } from "../../sys/errno.ts";
import { type Dir, dirOf, type Fd, type Sys } from "../../sys/sys.ts";
import { RefusedError } from "../errors.ts";

/**
 * Refuse a cgroup whose name now belongs to another directory.
 *
 * @returns "gone" if it was removed and its name is free
 * @throws RefusedError  it was replaced
 */
export function guardIdentity(sys: Sys, cgroup: Cgroup): "same" | "gone" {
  const identity = checkIdentity(sys, cgroup);
  if (identity !== "changed") return identity;
  throw new RefusedError({
    code: "changed",
    message: `${cgroup.name}: another cgroup has taken this name in the meantime`,
    hint: "preview that one",
    commands: [cgkillCommand(["show"], cgroup.name)],
  });
}

export const presenceOf = (sys: Sys, cgroup: Cgroup): "same" | "gone" => (isRemoved(sys, cgroup) ? "gone" : "same");

function checkIdentity(sys: Sys, cgroup: Cgroup): "same" | "gone" | "changed" {
  if (cgroup.name === cgroup.view.point) return presenceOf(sys, cgroup);
  const parent = openUp(sys, cgroup);
  if (parent === undefined) return "gone";
  try {
    switch (isSameDir(sys, dirOf(parent, ""), cgroup, lastName(cgroup.name))) {
      case true:
      // Something has been mounted over the name since. The open directory is beneath it.
      case "covered":
        return "same";
      case false:
        return "changed";
      case undefined:
        // Renamed, and no other cgroup has the old name: the open directory is still the one that was named.
        return presenceOf(sys, cgroup);
    }
  } finally {
    sys.close(parent);
  }
}

/** `undefined` if both are gone. */
const openUp = (sys: Sys, cgroup: Cgroup): Fd | undefined =>
  readOr(
    undefined,
    () => sys.openDir(cgroup.dir, ".."),
    (error) => isGone(error) && isRemoved(sys, cgroup),
  );

const lastName = (path: string): string => path.slice(path.lastIndexOf("/") + 1);

/** Does this name in `parent` lead to the open directory? "covered" by a mount; `undefined` if nothing has that name. */
function isSameDir(sys: Sys, parent: Dir, cgroup: Cgroup, name: string): boolean | "covered" | undefined {
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

/** What rmdir needs: the open parent directory, and a name in it. */
export interface ParentAndName {
  readonly parent: Fd;
  readonly name: string;
}

/**
 * Find the present name of a cgroup, for its removal: a v1 cgroup may have been renamed since it was opened. The caller
 * closes the parent.
 *
 * @returns `undefined` if it is gone
 * @throws SysError  EXDEV: something is mounted over it; EBUSY: it exists, but was renamed again during the search
 */
export function findPresentName(sys: Sys, cgroup: Cgroup): ParentAndName | undefined {
  const parent = openUp(sys, cgroup);
  if (parent === undefined) return undefined;
  let isTaken = false;
  try {
    const dir = dirOf(parent, cgroup.name.slice(0, cgroup.name.lastIndexOf("/")));
    const known = lastName(cgroup.name);
    let name: string | undefined = known;
    const found = isSameDir(sys, dir, cgroup, known);
    if (found === "covered") throw new SysError("rmdir", cgroup.name, "EXDEV");
    if (found !== true) {
      if (isRemoved(sys, cgroup)) return undefined;
      name = sys.readSubdirs(dir).find(({ ino }) => ino === cgroup.id.ino)?.name;
    }
    if (name === undefined || isSameDir(sys, dir, cgroup, name) !== true) {
      throw new SysError("rmdir", cgroup.name, "EBUSY");
    }
    isTaken = true;
    return { parent, name };
  } finally {
    if (!isTaken) sys.close(parent);
  }
}
