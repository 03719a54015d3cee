// Explains a name that is not the path of a cgroup: the name of a unit, container or job, a pid, a glob, a line of
// /proc/PID/cgroup, or a path for another layout of mounts. Called only after the path was not found.

import { type Advice, AdvisedError, cgkillCommand, type Command, LIST_ALL } from "../../advice.ts";
import { RefusedNameError } from "../../cgroup/errors.ts";
import { hierarchyName } from "../../cgroup/open/hierarchy.ts";
import { openCgroups } from "../../cgroup/open/open.ts";
import { lastName } from "../../cgroup/open/path-names.ts";
import type { Cgroup } from "../../cgroup/types.ts";
import { findByName } from "../../inspect/find.ts";
import { isDenied, readOr } from "../../sys/errno.ts";
import { readComm } from "../../sys/proc.ts";
import type { TargetCommand, TargetSpec } from "../args/command.ts";
import { sameCall } from "../args/to-words.ts";
import { isBundle, pairByPath } from "./by-pattern.ts";
import { type BoundedSearch, suggestForPath } from "./did-you-mean.ts";

/**
 * @param search  limits the time; what was not found by then is not suggested
 * @returns a hint with the command to run; `undefined` if nothing is near
 */
export async function explainName(
  name: string,
  command: TargetCommand,
  search: BoundedSearch,
): Promise<Advice | undefined> {
  const elsewhere = explainProcLine(name, command, search) ?? explainOtherMount(name, search);
  if (elsewhere !== undefined) return elsewhere;
  const last = lastName(name);
  if (isGlob(last)) {
    if (last !== name) return explainPathGlob(name.slice(0, -last.length - 1));
    return repeat("use --name for a glob, and quote it", command, { kind: "pattern", pattern: name });
  }
  const found = [
    name.includes("/") ? undefined : await explainByName(name, command, search),
    explainByPid(name, command, search),
  ].filter((advice) => advice !== undefined);
  if (found.length === 0) return await suggestForPath(name, command.kind === "kill", search);
  return { hint: found.map(({ hint }) => hint).join("; or "), commands: found.flatMap(({ commands }) => commands) };
}

const isGlob = (text: string): boolean => /[*?[{]/.test(text);

/**
 * Never suggest the last component to --name: that matches everywhere, and for `batch/*` every cgroup of the host.
 * Nothing that is quoted for a shell is what was meant, so the command shows what is there.
 */
function explainPathGlob(parent: string): Advice {
  const hint =
    "a path is taken literally, and --name matches in every directory: " +
    "let the shell expand the full path, below the mount point";
  return toAdvice(hint, parent === "" || isGlob(parent) ? LIST_ALL : cgkillCommand(["list", "--all"], parent));
}

const toAdvice = (hint: string, command: Command): Advice => ({ hint, commands: [command] });

/** Repeat the call with another target. */
const repeat = (hint: string, command: TargetCommand, target: TargetSpec): Advice => ({
  hint,
  commands: sameCall(command.kind, { ...command, targets: [target] }),
});

/** `0::/batch/job7`, `5:freezer:/batch/job7` */
function explainProcLine(name: string, command: TargetCommand, search: BoundedSearch): Advice | undefined {
  const [, controllers, path = ""] = /^\d+:([^:]*):(\/.*)$/s.exec(name) ?? [];
  if (controllers === undefined) return undefined;
  const hint = "this is a line of /proc/PID/cgroup: give only the path in it";
  const only = command.hierarchy ?? (controllers || "v2");
  if (findCgroup(path, { ...search, only }) === undefined) return toAdvice(hint, LIST_ALL);
  const hierarchy = controllers === "" ? command.hierarchy : only;
  return repeat(hint, { ...command, hierarchy }, { kind: "name", name: path });
}

const USUAL_MOUNT = "/sys/fs/cgroup/";

/** `/sys/fs/cgroup/batch` where v2 is mounted at `/sys/fs/cgroup/unified`, and the other way round. */
function explainOtherMount(name: string, search: BoundedSearch): Advice | undefined {
  if (!name.startsWith(USUAL_MOUNT)) return undefined;
  const names = name.slice(USUAL_MOUNT.length).split("/");
  const find = (path: readonly string[]): Cgroup | undefined => findCgroup(`/${path.join("/")}`, search);
  const found = find(names) ?? find(names.slice(1));
  if (found === undefined) return undefined;
  const where = `${hierarchyName(found.hierarchy)} is mounted at ${found.view.point} here`;
  return toAdvice(`${where}: did you mean this cgroup?`, cgkillCommand(["show"], found.name));
}

/** @returns the first cgroup with that path, closed again; `undefined` if there is none, or none that may be a target */
function findCgroup(path: string, { sys, hierarchies, only }: BoundedSearch): Cgroup | undefined {
  const open = () => openCgroups(sys, hierarchies, path, { hierarchy: only });
  const opened = readOr(undefined, open, (error) => error instanceof AdvisedError);
  for (const { fd } of opened ?? []) sys.close(fd);
  return opened?.[0];
}

async function explainByName(name: string, command: TargetCommand, search: BoundedSearch): Promise<Advice | undefined> {
  const found = await findByName(name, search).catch((error: unknown) => {
    if (error instanceof RefusedNameError) return [];
    throw error;
  });
  const matches = pairByPath(found);
  const [match] = matches;
  if (match === undefined) return undefined;
  const [{ path, label, bundle }] = match;
  const pattern = { kind: "pattern", pattern: name } as const;
  if (isBundle(matches)) return repeat(`--name finds ${bundle}`, command, pattern);
  if (matches.length > 1) {
    return repeat(`--name matches ${matches.length} cgroups`, { ...command, kind: "show", all: true }, pattern);
  }
  return repeat(`--name finds ${label ?? path}`, command, pattern);
}

function explainByPid(name: string, command: TargetCommand, { sys }: BoundedSearch): Advice | undefined {
  if (!/^[1-9]\d{0,6}$/.test(name)) return undefined;
  const comm = readOr("", () => readComm(sys, Number(name)), isDenied);
  if (comm === undefined) return undefined;
  // An operator who types `cgkill PID` may mean that one process: show the others before they are killed too.
  const kind = command.kind === "kill" ? "show" : command.kind;
  const hint = `${name} is a process${comm === "" ? "" : ` (${comm})`}: --pid means the whole cgroup that it is in`;
  return repeat(hint, { ...command, kind }, { kind: "pid", pid: Number(name) });
}
