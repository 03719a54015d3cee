// What /proc shows of a process: empty for one that has ended, as a process that a test waits for may do at any time.

import { readFileSync } from "node:fs";

/** The text of a file; "" if it cannot be read. */
export function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** The value of a field of /proc/PID/status. */
export const statusOf = (pid: number, field: string): string =>
  new RegExp(`^${field}:\\s*(.*)`, "m").exec(readText(`/proc/${pid}/status`))?.[1] ?? "";

/** Its state: one letter. */
export const stateOf = (pid: number): string => statusOf(pid, "State").charAt(0);

export const commOf = (pid: number): string => readText(`/proc/${pid}/comm`).replace(/\n$/, "");

/** The fields of /proc/PID/stat after the name, the state first. */
export const statOf = (pid: number): readonly string[] =>
  readText(`/proc/${pid}/stat`).split(") ").at(-1)?.split(" ") ?? [];

export const childrenOf = (pid: number): number[] =>
  readText(`/proc/${pid}/task/${pid}/children`).split(" ").filter(Boolean).map(Number);

/** Whether it has a handler for a signal, which the program that executes it has not. */
export const catches = (pid: number, signal: number): boolean =>
  ((BigInt(`0x${statusOf(pid, "SigCgt") || "0"}`) >> BigInt(signal - 1)) & 1n) === 1n;

/**
 * Whether a process that was just started sleeps in its program. Before, it may have the name of the program that
 * started it, and be in state D, in which it waits for its pages.
 */
export const isAsleep = (pid: number, program = "sleep"): boolean => commOf(pid) === program && stateOf(pid) === "S";
