// Resolves every name on the command line before the first is acted on, so that an ambiguous name or a usage error in
// any of them touches nothing, and each target is the cgroup that had the name when the call began. Reads only.

import { cgkillCommand, type Commands } from "../../advice.ts";
import { AmbiguousNameError, isMissing, NotFoundError, OptionError } from "../../cgroup/errors.ts";
import { hierarchyName, optionFor } from "../../cgroup/open/hierarchy.ts";
import { openAncestors, openInHierarchy } from "../../cgroup/open/open-path.ts";
import { openCgroup } from "../../cgroup/open/open.ts";
import { joinPath } from "../../cgroup/open/path-names.ts";
import { isRemoved } from "../../cgroup/subtree.ts";
import type { Cgroup, Hierarchy } from "../../cgroup/types.ts";
import { InterruptedError, MethodError, RefusedError } from "../../kill/errors.ts";
import { chooseMethod } from "../../kill/plan/plan.ts";
import { cgroupsOf, closeTarget, type Target } from "../../kill/twins/open-twins.ts";
import { readOr } from "../../sys/errno.ts";
import type { Sys } from "../../sys/sys.ts";
import { UsageError, VanishedError } from "../args/usage-error.ts";
import type { Call } from "../cli-context.ts";
import { expandTarget, failingTarget, type SingleTarget } from "./expand.ts";

/** Targets that are kept open. The rest are closed, and reopened in turn, because descriptors are limited. */
const MAX_OPEN = 32;

export interface ResolvedTarget extends SingleTarget {
  /** The error that `open` rejects with; `undefined` if it could be resolved. */
  readonly failure: unknown;
  /** Close the target if `open` was not called. */
  close(): void;
}

/** Whether it names a cgroup interface file, as the shell expands `/sys/fs/cgroup/g/*`. */
export const isFile = ({ failure }: ResolvedTarget): boolean =>
  failure instanceof NotFoundError && failure.code === "file";

/** Stands for names from standard input, which are resolved later, as they arrive. */
export const STDIN: ResolvedTarget = { name: "-", open: () => Promise.reject(), failure: undefined, close() {} };

/**
 * Open the cgroups that operands, `--pid` and `--name` name, and record their identity.
 *
 * @param onOpen   called with each cgroup while it is open
 * @param entries  collects the targets, including those that could not be opened, in the order in which they are acted on;
 *                 the caller closes them, also after an error
 */
export async function resolveTargets(
  call: Call,
  onOpen: (cgroup: Cgroup) => Promise<void>,
  entries: ResolvedTarget[],
): Promise<void> {
  for (const target of call.command.targets) {
    if (target.kind === "stdin") {
      entries.push(STDIN);
      continue;
    }
    for (const single of await expandTarget(target, call)) {
      // Between two, so that a signal is noticed among thousands of names.
      if (entries.length > 0) await call.sys.turn();
      entries.push(await resolve(single, call, onOpen, entries.length < MAX_OPEN));
    }
  }
}

async function resolve(
  { name, open, suggest }: SingleTarget,
  call: Call,
  onOpen: (cgroup: Cgroup) => Promise<void>,
  mayKeepOpen: boolean,
): Promise<ResolvedTarget> {
  const { sys } = call;
  let target: Target | undefined;
  let closed: readonly Closed[] = [];
  try {
    if (call.abort.aborted) throw new InterruptedError();
    target = await open();
    checkOptions(target, call);
    await onOpen(target.cgroup);
    if (!mayKeepOpen) closed = cgroupsOf(target).map((was) => ({ was, inodes: readInodes(sys, was) }));
  } catch (failure) {
    if (target !== undefined) closeTarget(sys, target);
    return { ...failingTarget(name, failure), failure, suggest, close: () => {} };
  }
  if (mayKeepOpen) return keepOpen(name, sys, target);
  closeTarget(sys, target);
  return { name, failure: undefined, open: async () => reopenAll(closed, call), close: () => {} };
}

/** Check that the given method and `--spare-to` are available for a target. */
function checkOptions(target: Target, call: Call): void {
  const { sys } = call;
  const { kind, method } = call.command;
  const { cgroup } = target;
  if ((kind === "kill" || kind === "show") && method !== "auto") {
    const choose = () => chooseMethod(sys, cgroup, method);
    readOr(undefined, choose, (error) => error instanceof MethodError && isRemoved(sys, cgroup));
  }
  for (const { hierarchy } of cgroupsOf(target)) {
    const spareTo = openSpareTo(call, hierarchy);
    if (spareTo !== undefined) sys.close(spareTo.fd);
  }
}

/** @param only  the hierarchy of the target: processes can be moved within it only */
export function openSpareTo({ sys, hierarchies, command }: Call, only: Hierarchy): Cgroup | undefined {
  const { spareTo } = command;
  if (spareTo === undefined) return undefined;
  try {
    return openCgroup(sys, hierarchies(), spareTo, { hierarchy: optionFor(only) });
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error;
    const problem = `--spare-to ${spareTo}: no such cgroup in the target's hierarchy, ${hierarchyName(only)}`;
    const hint = "name an existing cgroup outside the target, or leave the option out to have one chosen";
    throw new OptionError("no-such-spare-to", problem, hint);
  }
}

function keepOpen(name: string, sys: Sys, target: Target): ResolvedTarget {
  let isUnused = true;
  const open = async (): Promise<Target> => {
    isUnused = false;
    return target;
  };
  return { name, failure: undefined, open, close: () => void (isUnused && closeTarget(sys, target)) };
}

/** A cgroup of a target that was closed again: its name and identity. */
interface Closed {
  readonly was: Cgroup;
  /** Of its ancestors that the mount shows, topmost first, and of itself. Empty on v2, which cannot rename. */
  readonly inodes: readonly bigint[];
}

const readInodes = (sys: Sys, cgroup: Cgroup): readonly bigint[] =>
  cgroup.hierarchy.version === "v2" ? [] : [cgroup, ...openAncestors(sys, cgroup)].map(({ id }) => id.ino).reverse();

/** Reopen a target. If one of two twins has vanished, the other alone is the target. @throws as `reopen` */
function reopenAll(closed: readonly Closed[], call: Call): Target {
  const opened: Cgroup[] = [];
  let vanished: unknown;
  for (const each of closed) {
    try {
      opened.push(reopen(each, call));
    } catch (error) {
      vanished ??= error;
      if (error instanceof VanishedError) continue;
      for (const { fd } of opened) call.sys.close(fd);
      throw error;
    }
  }
  const [cgroup, twin = null] = opened;
  if (cgroup === undefined) throw vanished;
  return { cgroup, twin, judgedAt: Number.NEGATIVE_INFINITY };
}

/**
 * @throws VanishedError  the cgroup no longer exists
 * @throws RefusedError   another cgroup has the name now, or it has another name
 */
function reopen(closed: Closed, call: Call): Cgroup {
  const { was } = closed;
  let cgroup: Cgroup;
  try {
    cgroup = openCgroup(call.sys, call.hierarchies(), was.name, { hierarchy: optionFor(was.hierarchy) });
  } catch (error) {
    if (!isMissing(error)) throw error;
    if (!isRenamed(closed, call)) throw new VanishedError(was);
    throw changedError(was, "it was renamed during this call; check it again");
  }
  if (cgroup.id.dev === was.id.dev && cgroup.id.ino === was.id.ino) return cgroup;
  call.sys.close(cgroup.fd);
  const show = cgkillCommand(["show"], was.name);
  throw changedError(was, "it was removed and re-created during this call; check it again", [show]);
}

function changedError({ path }: Cgroup, hint: string, commands: Commands = []): RefusedError {
  const message = `${path}: is no longer the cgroup that was named`;
  return new RefusedError({ code: "changed", message, hint, commands });
}

/** Whether a missing cgroup, or an ancestor, was renamed, which v1 does within the same parent only; else it was removed. */
function isRenamed({ was, inodes }: Closed, { sys, hierarchies }: Call): boolean {
  const its = hierarchies().find(({ controllers }) => controllers === was.hierarchy.controllers);
  let path = was.view.root;
  for (const [depth, inode] of inodes.slice(1).entries()) {
    using parent = its && openInHierarchy(sys, its, path);
    // It was renamed again since it was found.
    if (parent === undefined || parent.id.ino !== inodes[depth]) return true;
    const children = sys.readSubdirs(parent.dir);
    const found = children.find(({ ino }) => ino === inode);
    // The list may lack one that is being renamed.
    if (found === undefined) return sys.statusOf(parent.fd).links - 2 > children.length;
    path = joinPath(path, `/${found.name}`);
  }
  return inodes.length > 1;
}

/** Whether the call itself is invalid, so that none of its targets may be touched. */
export const isUsageFailure = (failure: unknown): boolean =>
  failure instanceof OptionError ||
  failure instanceof AmbiguousNameError ||
  failure instanceof MethodError ||
  failure instanceof UsageError;
