// Refusals because of the processes that a cgroup contains: PID 1, our ancestors, ourselves. Reads only.

import { isAnyWithin } from "../../cgroup/inside.ts";
import { rootRefusal } from "../../cgroup/open/open-errors.ts";
import { INIT } from "../../sys/checks.ts";
import type { Failure, Refusal } from "../types.ts";
import type { Guarded } from "./guarded-processes.ts";

/** Lists and signals use the pids of our own namespace; what /proc says of a pid must be about the same process. */
export const FOREIGN_PROC: Refusal = {
  code: "foreign-proc",
  message: "/proc belongs to another pid namespace, in which each pid is that of another process",
  hint: "mount the /proc of this pid namespace (unshare --pid needs --mount-proc), or run cgkill outside it",
  commands: [],
};

/**
 * Refuse a cgroup because of its place: it is the root, or contains PID 1 or one of our ancestors.
 *
 * @param path  as /proc/PID/cgroup prints it
 * @param name  its directory
 */
export function refuseByPlace(guarded: readonly Guarded[], path: string, name: string): Refusal | null {
  if (path === "/") {
    const { code, message, hint, commands } = rootRefusal(name);
    return { code, message, hint, commands };
  }
  const inside: Guarded[] = [];
  for (const one of guarded) if (isAnyWithin(one.places() ?? [], path)) inside.push(one);
  return refuseGuarded(path, inside);
}

/** @param inside  those in the cgroup, in the order of `readGuarded` */
export function refuseGuarded(path: string, inside: readonly Guarded[]): Refusal | null {
  const [first, ...others] = inside;
  if (first === undefined) return null;
  const { pid, comm, isSelf = false } = first;
  if (isSelf) return refuseStandby(path);
  if (pid === INIT) {
    return {
      code: "holds-init",
      message: `${path}: contains PID 1${DEADLY}`,
      hint: "name a cgroup below it that does not",
      commands: [],
    };
  }
  const name = comm === null ? "" : ` (${comm})`;
  // Those of a session: sudo, the shell, sshd. A hint for one of them would lead to the next refusal.
  const [more, them] =
    others.length === 0 ? ["", "it"] : [others.length === 1 ? " and 1 other" : ` and ${others.length} others`, "them"];
  return {
    code: "holds-ancestors",
    message: `${path}: contains pid ${pid}${name}${more}, which started this cgkill`,
    hint: `move ${them} out first with --spare ${inside.map((one) => one.pid).join(",")}, or let ${them} die with --allow-ancestors`,
    commands: [],
  };
}

const DEADLY = "; killing it would bring the system down";

/** In the words of a command that kills nothing. @param hint  if our ancestors are the reason */
export function withoutKilling(error: Failure, hint: string): Failure {
  if (error.code === "holds-ancestors") return { ...error, hint };
  return error.code === "holds-init" ? { ...error, message: error.message.replace(DEADLY, "") } : error;
}

/** A cgkill that reads names from standard input stays where it is: the next name may be that of its new place. */
export function refuseStandby(path: string): Refusal {
  return {
    code: "holds-standby",
    message: `${path}: contains this cgkill, which does not move while it reads names from standard input`,
    hint: "start it outside the cgroups whose names it is given, or give the name as an operand",
    commands: [],
  };
}
