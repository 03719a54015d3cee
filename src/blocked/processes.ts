// Finds the process that another one waits for: the handler of its core dump, or its child in vfork(2).

import { PROC } from "../sys/dir.ts";
import { readOr } from "../sys/errno.ts";
import { MAX_COMM, readStat } from "../sys/proc.ts";
import type { Pid, Sys } from "../sys/sys.ts";
import { readServer } from "./server-state.ts";
import type { BlockedThread } from "./threads.ts";
import type { Server } from "./types.ts";

/** The second appears if the compiler has inlined the first. */
const VFORK_WAITS: readonly string[] = ["wait_for_vfork_done", "kernel_clone"];

/**
 * Find the child that a thread waits for in vfork(2): its youngest.
 *
 * @returns `undefined` if it does not wait in vfork; `null` if the child is unknown
 */
export function findVforkChild(sys: Sys, { tid, functions }: BlockedThread, pid: Pid): Server | null | undefined {
  const [innermost = ""] = functions;
  if (!VFORK_WAITS.includes(innermost)) return undefined;
  const children = readOr("", () => sys.readFile(PROC, `${pid}/task/${tid}/children`)).trim();
  return children === "" ? null : (readServer(sys, Number(children.split(" ").at(-1))) ?? null);
}

/**
 * Find the process that reads a core dump from a pipe. The kernel starts it as a child of a kernel thread, and nothing
 * shows which dump it reads.
 *
 * @returns `null` if there is none, or more than one
 */
export function findDumpHandler(sys: Sys): Server | null {
  const pattern = readOr("", () => sys.readRecord(PROC, "sys/kernel/core_pattern")).trim();
  if (!pattern.startsWith("|")) return null;
  const [program = ""] = pattern.slice(1).trim().split(" ");
  const comm = program.slice(program.lastIndexOf("/") + 1).slice(0, MAX_COMM);
  const handlers = sys
    .readSubdirs(PROC)
    .map(({ name }) => Number(name))
    .filter((pid) => Number.isInteger(pid))
    .filter((pid) => readOr("", () => sys.readRecord(PROC, `${pid}/comm`)).trimEnd() === comm)
    .filter((pid) => isChildOfKernel(sys, pid));
  const [only, ...others] = handlers;
  return only === undefined || others.length > 0 ? null : (readServer(sys, only) ?? null);
}

function isChildOfKernel(sys: Sys, pid: Pid): boolean {
  return readOr(false, () => {
    const ppid = readStat(sys, pid)?.ppid ?? 1;
    return ppid === 0 || ppid === 2 || readStat(sys, ppid)?.isKernelThread === true;
  });
}
