// The mounted hierarchies of a call that goes on for long: mountinfo is read once, and again only after the kernel says that
// mounts have changed. The mounts are held open while names are looked up one after another.

import { SysError } from "../../sys/errno.ts";
import { type Fd, POLLPRI, PROC, type Sys } from "../../sys/sys.ts";
import type { Hierarchy, Mount } from "../types.ts";
import { findHierarchies } from "./hierarchy.ts";
import { openMount } from "./open-path.ts";

export interface HierarchyWatch extends Disposable {
  /** As `findHierarchies` would find them now; good until the next call of this or of `release`. */
  readonly hierarchies: () => readonly Hierarchy[];
  /** Let go of the mounts: a mount that is held open cannot be unmounted. */
  readonly release: () => void;
}

/**
 * Nothing is opened before the first question.
 *
 * @see linux: fs/proc_namespace.c, mounts_poll: an open mountinfo has POLLPRI once after each change of the namespace
 */
export function watchHierarchies(sys: Sys): HierarchyWatch {
  let watch: Fd | undefined;
  let found: readonly Hierarchy[] | undefined;
  let holding: readonly Hierarchy[] | undefined;
  const release = (): void => {
    for (const { mounts } of holding ?? []) for (const { held } of mounts) if (held !== undefined) sys.close(held);
    holding = undefined;
  };
  return {
    hierarchies() {
      // Opened before mountinfo is read: a change in between is then seen the next time.
      watch ??= openIfPossible(sys);
      const isCurrent = watch !== undefined && sys.poll([{ fd: watch, events: POLLPRI }], 0).length === 0;
      if (found === undefined || !isCurrent) {
        release();
        found = findHierarchies(sys);
      }
      holding ??= found.map((hierarchy) => withHeld(sys, hierarchy));
      return holding;
    },
    release,
    [Symbol.dispose]() {
      release();
      if (watch !== undefined) sys.close(watch);
      watch = undefined;
    },
  };
}

/** The mount that is looked at first; there may be hundreds of others. */
function withHeld(sys: Sys, hierarchy: Hierarchy): Hierarchy {
  const mounts = hierarchy.mounts.map((mount, nth): Mount =>
    nth === 0 ? { ...mount, held: tryOpen(sys, mount) } : mount,
  );
  return { ...hierarchy, mounts };
}

/** One that cannot be opened now is tried at each look-up, which then says why. */
function tryOpen(sys: Sys, mount: Mount): Fd | undefined {
  try {
    return openMount(sys, mount);
  } catch (error) {
    if (error instanceof SysError) return undefined;
    throw error;
  }
}

/** Where it cannot be opened, for lack of a descriptor, mountinfo is read each time. */
function openIfPossible(sys: Sys): Fd | undefined {
  try {
    return sys.openFile(PROC, "self/mountinfo");
  } catch (error) {
    if (error instanceof SysError) return undefined;
    throw error;
  }
}
