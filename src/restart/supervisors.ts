// Finds the command that makes a known supervisor stop what it restarts. Any user can choose the name of a program: there
// is a command only if everything that it will use belongs to root or to the caller.

import type { Command } from "../advice.ts";
import { PROC } from "../sys/dir.ts";
import { mayHang } from "../sys/may-hang.ts";
import { isInExec, readArgs, readStat, readStatus } from "../sys/proc.ts";
import type { Pid, Sys } from "../sys/sys.ts";
import { findProgram, isPlainName } from "./supervisord.ts";
import { isRootOrCaller, isTrustedPath } from "./trusted-path.ts";

/**
 * @param started  the name of the process that the supervisor started
 * @returns `null` if the command is unknown or not safe
 * @throws SysError
 */
type StopCommand = (sys: Sys, pid: Pid, started: string) => Command | null;

/** By the name in /proc/PID/stat. */
const STOP: ReadonlyMap<string, StopCommand> = new Map<string, StopCommand>([
  ["supervisord", stopSupervisord],
  ["runsv", byDirectory("runsv", "sv", "down")],
  ["s6-supervise", byDirectory("s6-supervise", "s6-svc", "-d")],
  ["supervise-daemo", stopSuperviseDaemon],
]);

/**
 * Find the command that makes a supervisor stop what it started.
 *
 * @param comm     the name of the supervisor, as /proc/PID/stat has it
 * @param started  the name of the process that it started
 * @returns `null` if the command is unknown or not safe
 * @throws SysError
 */
export const findStopCommand = (sys: Sys, comm: string, pid: Pid, started: string): Command | null =>
  STOP.get(comm)?.(sys, pid, started) ?? null;

/** For runsv and s6-supervise, whose working directory is the service. */
function byDirectory(program: string, ...words: readonly string[]): StopCommand {
  return (sys, pid) => {
    if (!isGenuine(sys, pid, [program])) return null;
    const dir = sys.readLink(PROC, `${pid}/cwd`);
    return isTrustedPath(sys, dir, "directory") ? [...words, dir] : null;
  };
}

/** `supervise-daemon NAME …` */
function stopSuperviseDaemon(sys: Sys, pid: Pid): Command | null {
  const service = argsOf(sys, pid, ["supervise-daemon"])?.[1] ?? "";
  return isPlainName(service) ? ["rc-service", service, "stop"] : null;
}

/** `null` without `-c`: the configuration then depends on the working directory, where the command may be pasted. */
function stopSupervisord(sys: Sys, pid: Pid, started: string): Command | null {
  const args = argsOf(sys, pid, ["python", "supervisord"]) ?? [];
  const at = args.findLastIndex((word) => word === "-c" || word === "--configuration");
  const config = at < 0 ? undefined : args[at + 1];
  if (config === undefined || !isTrustedPath(sys, config, "file")) return null;
  const program = findProgram(sys, config, started);
  return program === null ? null : ["supervisorctl", "-c", config, "stop", program];
}

function argsOf(sys: Sys, pid: Pid, programs: readonly string[]): readonly string[] | null {
  const stat = isGenuine(sys, pid, programs) ? readStat(sys, pid) : undefined;
  return stat === undefined || mayHang(sys, pid, stat) ? null : readArgs(sys, pid);
}

/**
 * Whether a process is really the program that its name says, run by root or by the caller, in our mount namespace.
 *
 * @param programs  prefixes, one of which the name of its executable must have
 */
function isGenuine(sys: Sys, pid: Pid, programs: readonly string[]): boolean {
  const status = readStatus(sys, pid);
  if (status === undefined || !isRootOrCaller(sys, status.uid) || isInExec(sys, pid)) return false;
  const link = (name: string): string => sys.readLink(PROC, name);
  if (link(`${pid}/ns/mnt`) !== link("self/ns/mnt") || link(`${pid}/root`) !== link("self/root")) return false;
  const executable = link(`${pid}/exe`);
  const name = executable.slice(executable.lastIndexOf("/") + 1);
  return programs.some((program) => name.startsWith(program)) && isTrustedPath(sys, executable, "file");
}
