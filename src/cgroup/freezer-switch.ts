// Writes the switch that freezes and thaws a cgroup, v1 or v2; nothing else writes it. A failed write is repeated and
// read back, because a cgroup that stays frozen never runs again.

import { isGone, readOr, type SysError, tryTo } from "../sys/errno.ts";
import type { Millis, Sys } from "../sys/sys.ts";
import { readOwnSwitch } from "./freeze-state.ts";
import { isRemoved } from "./subtree.ts";
import type { Cgroup, FreezeState, Hierarchy } from "./types.ts";
import * as v1 from "./v1.ts";
import * as v2 from "./v2.ts";

export type Switchable = Pick<Cgroup, "hierarchy" | "dir">;

/** The file of the switch, and its two values. */
export const switchIn = ({ version }: Pick<Hierarchy, "version">): typeof v1.SWITCH | typeof v2.SWITCH =>
  version === "v1" ? v1.SWITCH : v2.SWITCH;

/** Write the switch once. */
export function writeSwitch(sys: Sys, { hierarchy, dir }: Switchable, isFrozen: boolean): void {
  const { file, on, off } = switchIn(hierarchy);
  sys.writeFile(dir, file, isFrozen ? on : off);
}

/** An idle tree is frozen after 0.3 ms. */
const REPEAT_MS: Millis = 10;

/**
 * v1: make a function for the wait for a freeze, which is given each state that is read, and repeats the request while the
 * freeze is not complete. A member that v2 is freezing or thawing may overlook the first one, and then it never completes.
 * On v2 the kernel needs one request only.
 */
export function freezeRepeater(sys: Sys, place: Switchable): (state: FreezeState) => void {
  let at = sys.now();
  return (state) => {
    // Thawed: another process has turned the switch off, and may have reason to.
    if (place.hierarchy.version !== "v1" || state !== "freezing" || sys.now() - at < REPEAT_MS) return;
    tryTo(() => writeSwitch(sys, place, true));
    at = sys.now();
  };
}

const TRIES = 3;

/**
 * Write the switch, up to three times.
 *
 * @returns the last error if the switch still has the other value; `null` if it is as wanted or the cgroup is gone
 */
export function turnSwitch(sys: Sys, place: Switchable, isFrozen: boolean): SysError | null {
  for (let tried = 1; ; tried++) {
    const error = tryTo(() => writeSwitch(sys, place, isFrozen));
    if (error === undefined || (isGone(error) && isRemoved(sys, place))) return null;
    if (tried >= TRIES) return tryRead(sys, place) === isFrozen ? null : error;
  }
}

/** Whether the switch is on, or cannot be read and so may be. */
export const isOn = (sys: Sys, place: Switchable): boolean => tryRead(sys, place) ?? true;

const tryRead = (sys: Sys, place: Switchable): boolean | undefined =>
  readOr(undefined, () => readOwnSwitch(sys, place));
