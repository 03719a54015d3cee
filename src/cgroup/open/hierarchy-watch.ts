// The mounted hierarchies for a long-running call: mountinfo is read once, and again only after the kernel reports a
// change of the mounts. The mounts stay open between look-ups.

import { PROC } from "../../sys/dir.ts";
import { readOr } from "../../sys/errno.ts";
import { type Fd, POLLPRI, type Sys } from "../../sys/sys.ts";
import type { Hierarchy, Mount } from "../types.ts";
import { findHierarchies } from "./hierarchy.ts";
import { openMount } from "./open-path.ts";

interface HierarchyWatch extends Disposable {
  /** What `findHierarchies` would find now; valid until the next call. */
  readonly hierarchies: () => readonly Hierarchy[];
  /** Close the mounts: a mount with an open descriptor cannot be unmounted. */
  readonly release: () => void;
}

/**
 * Watch the mounted hierarchies. Nothing is opened before the first call of `hierarchies`.
 *
 * @see linux: fs/proc_namespace.c, mounts_poll: an open mountinfo has POLLPRI once after each change of the namespace
 */
export function watchHierarchies(sys: Sys): HierarchyWatch {
  let watch: Fd | undefined;
  let found: readonly Hierarchy[] | undefined;
  const held = new Map<Mount, Fd>();
  const hold = (mount: Mount): Fd | undefined => {
    // If it cannot be opened, each look-up tries again and reports the error.
    const fd = held.get(mount) ?? readOr(undefined, () => openMount(sys, mount));
    if (fd !== undefined) held.set(mount, fd);
    return fd;
  };
  const release = (): void => {
    for (const fd of held.values()) sys.close(fd);
    held.clear();
  };
  return {
    hierarchies() {
      // Opened before mountinfo is read, so that the next call sees a change in between.
      watch ??= openMountInfo(sys);
      const isCurrent = watch !== undefined && sys.poll([{ fd: watch, events: POLLPRI }], 0).length === 0;
      if (found !== undefined && isCurrent) return found;
      release();
      // A change is reported once, and the read may fail.
      found = undefined;
      return (found = findHierarchies(sys).map((hierarchy) => withFirstMountHeld(hierarchy, hold)));
    },
    release,
    [Symbol.dispose]() {
      release();
      if (watch !== undefined) sys.close(watch);
      watch = undefined;
    },
  };
}

/** Hold only the mount that is tried first, from its first use: there may be hundreds of others. */
function withFirstMountHeld(hierarchy: Hierarchy, hold: (mount: Mount) => Fd | undefined): Hierarchy {
  const [first, ...others] = hierarchy.mounts;
  if (first === undefined) return hierarchy;
  const mount = {
    ...first,
    get held() {
      return hold(first);
    },
  };
  return { ...hierarchy, mounts: [mount, ...others] };
}

/** `undefined` if no descriptor is free: mountinfo is then read for each name. */
const openMountInfo = (sys: Sys): Fd | undefined => readOr(undefined, () => sys.openFile(PROC, "self/mountinfo"));
