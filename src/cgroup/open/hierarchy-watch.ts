// The mounted hierarchies for a long-running call: mountinfo is read once, and again only after the kernel reports a
// change of the mounts. The mounts stay open between look-ups.

import { readOr } from "../../sys/errno.ts";
import { type Fd, POLLPRI, PROC, type Sys } from "../../sys/sys.ts";
import type { Hierarchy } from "../types.ts";
import { findHierarchies } from "./hierarchy.ts";
import { openMount } from "./open-path.ts";

interface HierarchyWatch extends Disposable {
  /** What `findHierarchies` would find now; valid until the next call of this or of `release`. */
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
  let opened: readonly Hierarchy[] | undefined;
  const held = new Set<Fd>();
  const release = (): void => {
    for (const fd of held) sys.close(fd);
    held.clear();
    opened = undefined;
  };
  return {
    hierarchies() {
      // Opened before mountinfo is read, so that the next call sees a change in between.
      watch ??= openMountInfo(sys);
      const isCurrent = watch !== undefined && sys.poll([{ fd: watch, events: POLLPRI }], 0).length === 0;
      if (found === undefined || !isCurrent) {
        release();
        found = findHierarchies(sys);
      }
      opened ??= found.map((hierarchy) => withFirstMountHeld(sys, hierarchy, held));
      return opened;
    },
    release,
    [Symbol.dispose]() {
      release();
      if (watch !== undefined) sys.close(watch);
      watch = undefined;
    },
  };
}

/** Only the mount that is tried first: there may be hundreds of others. */
function withFirstMountHeld(sys: Sys, hierarchy: Hierarchy, held: Set<Fd>): Hierarchy {
  const [first, ...others] = hierarchy.mounts;
  if (first === undefined) return hierarchy;
  let fd: Fd | undefined;
  const mount = {
    ...first,
    get held() {
      if (fd !== undefined) return fd;
      // If it cannot be opened, each look-up tries again and reports the error.
      fd = readOr(undefined, () => openMount(sys, first));
      if (fd !== undefined) held.add(fd);
      return fd;
    },
  };
  return { ...hierarchy, mounts: [mount, ...others] };
}

/** `undefined` if no descriptor is free: mountinfo is then read for each name. */
const openMountInfo = (sys: Sys): Fd | undefined => readOr(undefined, () => sys.openFile(PROC, "self/mountinfo"));
