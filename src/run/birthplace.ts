// Makes the cgroup that a command starts in, joins it for a moment, and leaves it again. If a step fails before the
// command has started, everything is undone; from then on the kill owns the cgroup.

import { AdvisedError, READ_ONLY_SETTINGS, ROOT_TOO } from "../advice.ts";
import { readFreezing } from "../cgroup/freeze-state.ts";
import { joinCgroup } from "../cgroup/members.ts";
import { hierarchyName, readCgroupPath } from "../cgroup/open/hierarchy.ts";
import { openChildOf, openInHierarchy, openParent } from "../cgroup/open/open-path.ts";
import { openCgroups, selectHierarchies } from "../cgroup/open/open.ts";
import { lastName } from "../cgroup/open/path-names.ts";
import type { Cgroup, Hierarchy } from "../cgroup/types.ts";
import { SysError, tryTo } from "../sys/errno.ts";
import type { Sys } from "../sys/sys.ts";
import { RunError } from "./not-started.ts";

export interface PlaceOptions {
  /** The parent of the new cgroup; our own cgroup by default. */
  readonly parent: string | undefined;
  /** The name of the new cgroup; a unique one by default. */
  readonly name: string | undefined;
  /** The value of `--hierarchy`. */
  readonly hierarchy: string | undefined;
}

/** A new cgroup, and the one that cgkill itself is in. Both are open. */
export interface Birthplace {
  readonly cgroup: Cgroup;
  readonly home: Cgroup;
}

/** A cgroup of that name exists. The same name in another hierarchy would be ambiguous, and no lock. */
class TakenError extends RunError {}

/**
 * Make a cgroup that we can join, in v2 or, if that is not possible, in the v1 freezer.
 *
 * On return we are a member of it. Until `leave`, start nothing but the command.
 *
 * @throws RunError  it is not possible in any hierarchy; the message says why
 */
export function enterNew(sys: Sys, hierarchies: readonly Hierarchy[], options: PlaceOptions): Birthplace {
  const problems: RunError[] = [];
  const places = openPlaces(sys, hierarchies, options);
  try {
    for (const place of places.filter(({ hierarchy }) => mayRunIn(hierarchy))) {
      try {
        return enterIn(sys, place, options.name);
      } catch (error) {
        if (!(error instanceof RunError) || error instanceof TakenError) throw error;
        problems.push(error);
      }
    }
  } finally {
    for (const { parent } of places) parent?.[Symbol.dispose]();
  }
  throw combined(problems, options);
}

export const mayRunIn = ({ version, hasFreezer }: Hierarchy): boolean => version === "v2" || hasFreezer;

/** A hierarchy to make the cgroup in, and the open parent if `--in` names one. */
interface Place {
  readonly hierarchy: Hierarchy;
  readonly parent?: Cgroup;
}

function openPlaces(
  sys: Sys,
  hierarchies: readonly Hierarchy[],
  { parent: name, hierarchy: only }: PlaceOptions,
): readonly Place[] {
  const selected = selectHierarchies(hierarchies, only);
  if (name === undefined) return selected.map((hierarchy) => ({ hierarchy }));
  const roots = name === "/" ? selected.flatMap((hierarchy) => openInHierarchy(sys, hierarchy, "/") ?? []) : [];
  try {
    const parents = roots.length > 0 ? roots : openCgroups(sys, hierarchies, name, { hierarchy: only });
    return parents.map((parent) => ({ hierarchy: parent.hierarchy, parent }));
  } catch (error) {
    if (!(error instanceof AdvisedError)) throw error;
    throw new RunError(`--in ${error.message}`, error.hint);
  }
}

function combined(problems: readonly RunError[], { parent, hierarchy: only }: PlaceOptions): RunError {
  const [first] = problems;
  if (first !== undefined) {
    // What was said about the name is the same in every hierarchy.
    return new RunError([...new Set(problems.map(({ message }) => message))].join("; "), first.hint);
  }
  const option = only !== undefined ? `--hierarchy ${only}` : parent !== undefined ? `--in ${parent}` : undefined;
  if (option !== undefined) {
    const problem = `${option}: cgkill run makes a cgroup in v2 or in the v1 freezer only`;
    return new RunError(problem, "choose one of these, or omit the option");
  }
  return new RunError("no cgroup for the command: neither v2 nor the v1 freezer is mounted here", "mount cgroup2");
}

function enterIn(sys: Sys, { hierarchy, parent }: Place, name: string | undefined): Birthplace {
  using undo = new DisposableStack();
  const home = undo.use(openHome(sys, hierarchy));
  const cgroup = make(sys, parent ?? home, name ?? freeName(sys));
  undo.defer(() => discard(sys, cgroup));
  join(sys, cgroup);
  undo.move();
  return { cgroup, home };
}

function openHome(sys: Sys, hierarchy: Hierarchy): Cgroup {
  const { path, cgroup } = openOwnCgroup(sys, hierarchy);
  if (cgroup !== undefined) return cgroup;
  const own = `our own, ${path ?? "unknown"}, is not visible here`;
  const problem = `no cgroup for the command in ${hierarchyName(hierarchy)}: ${own}`;
  throw new RunError(problem, "mount the hierarchy from inside this cgroup namespace");
}

const freeName = (sys: Sys): string => `cgkill-run-${sys.pid}-${Math.random().toString(36).slice(2, 8)}`;

function make(sys: Sys, parent: Cgroup, name: string): Cgroup {
  try {
    const cgroup = makeChild(sys, parent, name);
    if (cgroup !== undefined) return cgroup;
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    throw cannot("make", `${parent.name}/${name}`, error);
  }
  throw new RunError(`${parent.name}/${name}: something else is mounted there`, "unmount it, or use --in");
}

function join(sys: Sys, cgroup: Cgroup): void {
  // A process that joins a frozen cgroup freezes during that write.
  if (readFreezing(sys, cgroup).state !== "thawed") {
    const hint = "thaw that ancestor first, or use --in";
    throw new RunError(`${cgroup.name}: would be frozen, because an ancestor is`, hint);
  }
  const error = tryTo(() => joinCgroup(sys, cgroup));
  if (error !== undefined) throw cannot("join", cgroup.name, error);
}

/**
 * Return to the cgroup that we were in.
 *
 * @returns the error if that fails: we are then still inside, and the kill moves us out
 */
export const leave = (sys: Sys, { home }: Birthplace): SysError | undefined => tryTo(() => joinCgroup(sys, home));

/** Remove and close a cgroup in which nothing was started. Errors are ignored. */
export function discard(sys: Sys, cgroup: Cgroup): void {
  using _ = cgroup;
  // The caller already reports an error.
  tryTo(() => {
    using parent = openParent(sys, cgroup);
    if (parent !== undefined) sys.removeDir(parent.dir, lastName(cgroup.name));
  });
}

const DELEGATION =
  "run it as root, or from inside a subtree that is delegated to you (systemd-run --user --scope -p Delegate=yes; " +
  `in a system unit, Delegate=); ${ROOT_TOO}`;

const HINTS: Readonly<Record<string, string>> = {
  EACCES: DELEGATION,
  EPERM: DELEGATION,
  EROFS: `cgroups are mounted read-only here: run it on the host, or mount them read-write ${READ_ONLY_SETTINGS}`,
  EEXIST: "an existing cgroup is never used: choose another name with --as, or omit the option",
  EAGAIN: "a limit is reached: cgroup.max.descendants, cgroup.max.depth or pids.max of an ancestor",
  EOPNOTSUPP: "the parent cgroup is threaded: name another with --in",
  EBUSY: "the parent cgroup does not allow processes: name another with --in",
  EINVAL: "the v2 cpu controller accepts no real-time process: with --in, name a cgroup without that controller",
};

function cannot(what: "make" | "join", name: string, { errno, detail }: SysError): RunError {
  const Kind = errno === "EEXIST" ? TakenError : RunError;
  return new Kind(`${name}: cannot ${what} this cgroup: ${detail}`, HINTS[errno] ?? null);
}

/** Open the cgroup of this process: `path` is `undefined` if it is unknown, `cgroup` if it is not visible here. */
export function openOwnCgroup(
  sys: Sys,
  hierarchy: Hierarchy,
): { readonly path: string | undefined; readonly cgroup: Cgroup | undefined } {
  const path = readCgroupPath(sys, hierarchy, "self");
  return { path, cgroup: path === undefined ? undefined : openInHierarchy(sys, hierarchy, path) };
}

/**
 * Make a cgroup and open it. If it cannot be opened, it is removed again.
 *
 * @returns `undefined` if another file system is mounted over the new directory
 * @throws SysError  mkdir(2) or the open failed
 */
export function makeChild(sys: Sys, parent: Cgroup, name: string): Cgroup | undefined {
  sys.makeDir(parent.dir, name);
  using undo = new DisposableStack();
  // Its failure would hide that of the open.
  undo.defer(() => void tryTo(() => sys.removeDir(parent.dir, name)));
  const cgroup = openChildOf(sys, parent, name);
  if (cgroup !== undefined) undo.move();
  return cgroup;
}
