// Reads the files of a v1 freezer cgroup. The kernel computes the state when it is read and sends no event.

import type { Dir } from "../sys/dir.ts";
import type { Sys } from "../sys/sys.ts";
import type { FreezeState } from "./types.ts";

/** Below a frozen ancestor a thaw succeeds without effect: read the state back. */
export const SWITCH = { file: "freezer.state", on: "FROZEN", off: "THAWED" } as const;

const STATES: Readonly<Record<string, FreezeState>> = { THAWED: "thawed", FREEZING: "freezing", FROZEN: "frozen" };

/** Read the effective state, which includes that of the ancestors. */
export function readFreezerState(sys: Sys, dir: Dir): FreezeState {
  const text = sys.readRecord(dir, SWITCH.file).trim();
  return STATES[text] ?? "freezing";
}

/** Whether a freeze of this very cgroup was requested. */
export function readSelfFreezing(sys: Sys, dir: Dir): boolean {
  return sys.readRecord(dir, "freezer.self_freezing").trim() === "1";
}

/** Whether it is freezing because an ancestor is. */
export function readParentFreezing(sys: Sys, dir: Dir): boolean {
  return sys.readRecord(dir, "freezer.parent_freezing").trim() === "1";
}
