// The files of a v1 freezer cgroup. The state is worked out when it is read: there is no event for it.
// Deliberately not here: when to write them.

import type { Dir, Sys } from "../sys/sys.ts";
import type { FreezeState } from "./types.ts";

const STATES: Readonly<Record<string, FreezeState>> = { THAWED: "thawed", FREEZING: "freezing", FROZEN: "frozen" };

/** The effective state, an ancestor's freezing included. */
export function readFreezerState(sys: Sys, dir: Dir): FreezeState {
  const text = sys.readRecord(dir, "freezer.state").trim();
  return STATES[text] ?? "freezing";
}

/** Ask for it once: the kernel goes on by itself, and asking again does not help it. */
export function writeFrozen(sys: Sys, dir: Dir): void {
  sys.writeFile(dir, "freezer.state", "FROZEN");
}

/** Accepted, and without effect, below a frozen ancestor: read the state back. */
export function writeThawed(sys: Sys, dir: Dir): void {
  sys.writeFile(dir, "freezer.state", "THAWED");
}

/** Was this cgroup itself told to freeze? */
export function readSelfFreezing(sys: Sys, dir: Dir): boolean {
  return sys.readRecord(dir, "freezer.self_freezing").trim() === "1";
}

/** Is it freezing because an ancestor is? */
export function readParentFreezing(sys: Sys, dir: Dir): boolean {
  return sys.readRecord(dir, "freezer.parent_freezing").trim() === "1";
}
