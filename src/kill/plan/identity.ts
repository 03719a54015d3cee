// Checks whether a name still belongs to the directory that was opened, or now to another one. The check starts from
// the open directory: through `..`, and from there by name. No path is resolved from the root.

import { cgkillCommand } from "../../advice.ts";
import { isMountRoot } from "../../cgroup/open/open-path.ts";
import { lastName } from "../../cgroup/open/path-names.ts";
import { isRemoved } from "../../cgroup/subtree.ts";
import type { Cgroup } from "../../cgroup/types.ts";
import { type Dir, dirOf } from "../../sys/dir.ts";
import { isGone, readOr, SysError } from "../../sys/errno.ts";
import { closing, type Fd, type Sys } from "../../sys/sys.ts";
import { RefusedError } from "../errors.ts";

/**
 * Refuse a cgroup whose name now belongs to another directory.
 *
 * @returns "gone" if it was removed and its name is free
 * @throws RefusedError  it was replaced
 */
export function guardIdentity(sys: Sys, cgroup: Cgroup): "same" | "gone" {
  if (isMountRoot(cgroup)) return presenceOf(sys, cgroup);
  const parent = openUp(sys, cgroup);
  if (parent === undefined) return "gone";
  using _ = closing(sys, parent);
  const isSame = isSameDir(sys, dirOf(parent, ""), cgroup, lastName(cgroup.name));
  // Renamed, and no other cgroup has the old name: the open directory is still the one that was named.
  if (isSame === undefined) return presenceOf(sys, cgroup);
  // Something may have been mounted over the name since. The open directory is beneath it.
  if (isSame !== false) return "same";
  throw new RefusedError({
    code: "changed",
    message: `${cgroup.name}: another cgroup has taken this name in the meantime`,
    hint: "preview that one",
    commands: [cgkillCommand(["show"], cgroup.name)],
  });
}

export const presenceOf = (sys: Sys, cgroup: Cgroup): "same" | "gone" => (isRemoved(sys, cgroup) ? "gone" : "same");

/** `undefined` if both are gone. */
const openUp = (sys: Sys, cgroup: Cgroup): Fd | undefined =>
  readOr(
    undefined,
    () => sys.openDir(cgroup.dir, ".."),
    (error) => isGone(error) && isRemoved(sys, cgroup),
  );

/** Does this name in `parent` lead to the open directory? "covered" by a mount; `undefined` if nothing has that name. */
function isSameDir(sys: Sys, parent: Dir, cgroup: Cgroup, name: string): boolean | "covered" | undefined {
  try {
    const fd = sys.openDir(parent, name);
    using _ = closing(sys, fd);
    const { dev, ino } = sys.statusOf(fd);
    return dev === cgroup.id.dev && ino === cgroup.id.ino;
  } catch (error) {
    if (error instanceof SysError && error.errno === "EXDEV") return "covered";
    if (isGone(error)) return undefined;
    throw error;
  }
}

/**
 * Call `remove` with the open parent directory and the present name of a cgroup, unless it is gone: a v1 cgroup may have
 * been renamed since it was opened.
 *
 * @throws SysError  EXDEV: something is mounted over it; EBUSY: it exists, but was renamed again during the search
 */
export function byPresentName(sys: Sys, cgroup: Cgroup, remove: (parent: Dir, name: string) => void): void {
  const fd = openUp(sys, cgroup);
  if (fd === undefined) return;
  using _ = closing(sys, fd);
  const parent = dirOf(fd, cgroup.name.slice(0, cgroup.name.lastIndexOf("/")));
  let name: string | undefined = lastName(cgroup.name);
  const isSame = isSameDir(sys, parent, cgroup, name);
  if (isSame === "covered") throw new SysError("rmdir", cgroup.name, "EXDEV");
  if (isSame !== true) {
    if (isRemoved(sys, cgroup)) return;
    name = sys.readSubdirs(parent).find(({ ino }) => ino === cgroup.id.ino)?.name;
    if (name === undefined || isSameDir(sys, parent, cgroup, name) !== true) {
      throw new SysError("rmdir", cgroup.name, "EBUSY");
    }
  }
  remove(parent, name);
}
