// Finds the program that may restart what a kill ended: by the label of the cgroup, otherwise by the nearest live
// parent outside. Everything here is read after the kill, or for a preview.

import type { Command } from "../advice.ts";
import { type Parent, readLiving, type Starter } from "../kill/steps/starter.ts";
import { labelOf } from "../label/label.ts";
import { PROC } from "../sys/dir.ts";
import { readOr } from "../sys/errno.ts";
import { fieldsAfterName, isInExec } from "../sys/proc.ts";
import type { Pid, Sys } from "../sys/sys.ts";

// Programs are known by process name, which has at most 15 characters in /proc/PID/stat.

/** Supervisors, which restart what they manage: the common name by process name. */
const SUPERVISORS: ReadonlyMap<string, string> = new Map([
  ["supervisord", "supervisord"],
  ["runsv", "runit"],
  ["s6-supervise", "s6"],
  ["supervise-daemo", "openrc"],
  ["monit", "monit"],
  ["cron", "cron"],
  ["CRON", "cron"],
  ["crond", "cron"],
]);

/** They restart nothing: they adopt orphans, wait for one child, or start something once, on request. */
const RESTARTING_NOTHING: readonly string[] = [
  ...["systemd", "init", "conmon", "tini", "dumb-init", "docker-init", "catatonit"],
  ...["tmux: server", "screen", "sshd", "sshd-session", "login", "atd"],
];
const restartsNothing = (comm: string): boolean =>
  RESTARTING_NOTHING.includes(comm) || comm.startsWith("containerd-shim");

const SHELLS: readonly string[] = ["sh", "ash", "bash", "dash", "fish", "ksh", "mksh", "tcsh", "zsh"];

export interface Restarter {
  readonly name: string;
  /** `null` if it is known only from the name of the cgroup. */
  readonly pid: Pid | null;
  /** It restarts what it manages; otherwise it is known only to have started the cgroup's processes and to be alive. */
  readonly isSupervisor: boolean;
  readonly stop: Command | null;
}

/**
 * @param starter  as read before the kill
 * @returns `null` if no program is known that may restart it
 */
export async function findRestarter(sys: Sys, cgroup: string, starter: Starter | null): Promise<Restarter | null> {
  const label = labelOf(cgroup)?.supervisor() ?? null;
  if (label?.mayRestart === true) return { name: label.name, pid: null, isSupervisor: true, stop: label.stop };
  if (starter === null) return null;
  let parent: Parent | undefined;
  // A shell, or cron's process for a job, may be about to exit with its child: prefer a supervisor above it.
  for (const each of starter.parents) {
    const isThere = each.isAncestor || isAlive(sys, each);
    if (isThere && (parent === undefined || SUPERVISORS.has(each.comm))) parent = each;
  }
  if (parent === undefined || parent.isAncestor) return null;
  const { pid, comm } = parent;
  const supervisor = SUPERVISORS.get(comm);
  if (supervisor !== undefined) {
    const { findStopCommand } = await import("./supervisors.ts");
    const stop = readOr(null, () => findStopCommand(sys, comm, pid, starter.started));
    return { name: supervisor, pid, isSupervisor: true, stop };
  }
  // Here, a labelled cgroup is managed by a program that restarts nothing.
  if (label !== null || restartsNothing(comm) || isAtTerminal(sys, parent)) return null;
  return { name: comm, pid, isSupervisor: false, stop: null };
}

/** Whether the parent is still alive and its pid was not recycled. */
function isAlive(sys: Sys, { pid, comm, ppid }: Parent): boolean {
  const now = readLiving(sys, pid);
  return now?.comm === comm && now.ppid === ppid;
}

/** A shell at a terminal starts only what is typed. */
const isAtTerminal = (sys: Sys, { pid, comm }: Parent): boolean =>
  SHELLS.includes(comm) && readOr(false, () => leadsTerminal(sys, pid));

/** Whether it leads a session with a terminal, as a login shell does. */
function leadsTerminal(sys: Sys, pid: Pid): boolean {
  if (isInExec(sys, pid)) return false;
  const [, , , session, terminal] = fieldsAfterName(sys.readRecord(PROC, `${pid}/stat`));
  return Number(session) === pid && terminal !== "0";
}
