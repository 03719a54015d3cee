// The switch that freezes and thaws a cgroup, v1 or v2: the only place that turns it. Thawing is tried more than once,
// and read back: what stays frozen stops for good.

import { isGone, SysError } from "../sys/errno.ts";
import type { Sys } from "../sys/sys.ts";
import { readOwnSwitch } from "./freeze-state.ts";
import { isRemoved } from "./subtree.ts";
import type { Cgroup } from "./types.ts";
import * as v1 from "./v1.ts";
import * as v2 from "./v2.ts";

export type Switchable = Pick<Cgroup, "hierarchy" | "dir">;

/** Ask for it once: the kernel goes on by itself. */
export function writeSwitch(sys: Sys, { hierarchy, dir }: Switchable, isFrozen: boolean): void {
  if (hierarchy.version === "v2") v2.writeFreeze(sys, dir, isFrozen);
  else if (isFrozen) v1.writeFrozen(sys, dir);
  else v1.writeThawed(sys, dir);
}

const TRIES = 3;

/**
 * Turn the switch, more than once if need be.
 *
 * @returns the error if it is not as wanted then; `null` if it is, or the cgroup is gone
 */
export function turnSwitch(sys: Sys, place: Switchable, isFrozen: boolean): SysError | null {
  for (let tried = 1; ; tried++) {
    try {
      writeSwitch(sys, place, isFrozen);
      return null;
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      if (isGone(error) && isRemoved(sys, place)) return null;
      if (tried >= TRIES) return readIfLet(sys, place) === isFrozen ? null : error;
    }
  }
}

/** One that cannot be asked may be frozen. */
export const isOn = (sys: Sys, place: Switchable): boolean => readIfLet(sys, place) ?? true;

function readIfLet(sys: Sys, place: Switchable): boolean | undefined {
  try {
    return readOwnSwitch(sys, place);
  } catch (error) {
    if (error instanceof SysError) return undefined;
    throw error;
  }
}
