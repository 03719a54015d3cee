// Reads and writes the files of a v1 freezer cgroup. The kernel computes the state when it is read and sends no event.
// When to write them is decided elsewhere.

import type { Dir, Sys } from "../sys/sys.ts";
import type { FreezeState } from "./types.ts";

export const STATE_FILE = "freezer.state";
export const THAWED = "THAWED";

const STATES: Readonly<Record<string, FreezeState>> = { THAWED: "thawed", FREEZING: "freezing", FROZEN: "frozen" };

/** Read the effective state, which includes that of the ancestors. */
export function readFreezerState(sys: Sys, dir: Dir): FreezeState {
  const text = sys.readRecord(dir, STATE_FILE).trim();
  return STATES[text] ?? "freezing";
}

/** Request a freeze. The kernel completes it on its own; repeating the request has no effect. */
export function writeFrozen(sys: Sys, dir: Dir): void {
  sys.writeFile(dir, STATE_FILE, "FROZEN");
}

/** Request a thaw. Below a frozen ancestor the write succeeds without effect: read the state back. */
export function writeThawed(sys: Sys, dir: Dir): void {
  sys.writeFile(dir, STATE_FILE, THAWED);
}

/** Whether a freeze of this very cgroup was requested. */
export function readSelfFreezing(sys: Sys, dir: Dir): boolean {
  return sys.readRecord(dir, "freezer.self_freezing").trim() === "1";
}

/** Whether it is freezing because an ancestor is. */
export function readParentFreezing(sys: Sys, dir: Dir): boolean {
  return sys.readRecord(dir, "freezer.parent_freezing").trim() === "1";
}
