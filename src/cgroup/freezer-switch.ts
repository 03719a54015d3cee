// Writes the switch that freezes and thaws a cgroup, v1 or v2; nothing else writes it. A failed write is repeated and
// read back, because a cgroup that stays frozen never runs again.

import { isGone, readOr, type SysError, tryTo } from "../sys/errno.ts";
import type { Sys } from "../sys/sys.ts";
import { readOwnSwitch } from "./freeze-state.ts";
import { isRemoved } from "./subtree.ts";
import type { Cgroup, Hierarchy } from "./types.ts";
import * as v1 from "./v1.ts";
import * as v2 from "./v2.ts";

export type Switchable = Pick<Cgroup, "hierarchy" | "dir">;

/** The file of the switch, and its two values. */
export const switchIn = ({ version }: Pick<Hierarchy, "version">): typeof v1.SWITCH | typeof v2.SWITCH =>
  version === "v1" ? v1.SWITCH : v2.SWITCH;

/** Write the switch once. The kernel completes a freeze on its own; repeating the request has no effect. */
export function writeSwitch(sys: Sys, { hierarchy, dir }: Switchable, isFrozen: boolean): void {
  const { file, on, off } = switchIn(hierarchy);
  sys.writeFile(dir, file, isFrozen ? on : off);
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
