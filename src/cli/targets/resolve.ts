// Every name on the command line is resolved before the first is acted on: an ambiguous name or a usage error in any of
// them touches nothing, and a target is the cgroup that it was when the call began. Reads only.

import { cgkillCommand } from "../../advice.ts";
import { AmbiguousNameError, isMissing, NotFoundError, OptionError } from "../../cgroup/errors.ts";
import { hierarchyName } from "../../cgroup/open/hierarchy.ts";
import { openCgroup } from "../../cgroup/open/open.ts";
import { isRemoved } from "../../cgroup/subtree.ts";
import type { Cgroup, Hierarchy } from "../../cgroup/types.ts";
import { InterruptedError, MethodError, RefusedError } from "../../kill/errors.ts";
import { chooseMethod } from "../../kill/plan/plan.ts";
import { cgroupsOf, closeTarget, type Target } from "../../kill/twins/open-twins.ts";
import type { FileId, Sys } from "../../sys/sys.ts";
import type { TargetCommand, TargetSpec } from "../args/command.ts";
import { type Named, UsageError, VanishedError } from "../args/usage-error.ts";
import { paceOf } from "../cli-context.ts";
import { expandTarget, type SingleTarget, type Source } from "./expand.ts";
import { openSpareTo } from "./kill-options.ts";

/** Descriptors are few on some hosts, and names may be many: beyond this number they are opened again at their turn. */
const MAX_HELD = 32;

export interface ResolvedTarget extends SingleTarget {
  /** What is wrong with it, if anything is; `open` then rejects with it. */
  readonly failure: unknown;
  /** Close what `open` did not hand out. */
  close(): void;
}

/** An operand that is one of the kernel's files: what a shell makes of `/sys/fs/cgroup/g/*`. */
export const isFile = (entry: Entry): boolean =>
  entry !== "stdin" && entry.failure instanceof NotFoundError && entry.failure.missing === "file";

/** In the order in which they are acted on; names on standard input are resolved when they arrive. */
export type Entry = ResolvedTarget | "stdin";

export interface Resolution extends Disposable {
  readonly entries: readonly Entry[];
}

/**
 * Open what the operands, `--pid` and `--name` mean, and note what it is.
 *
 * @param onOpen  is called with each cgroup while it is open
 * @returns the targets; one that cannot be opened keeps no other from being resolved
 */
export async function resolveTargets(
  command: TargetCommand,
  source: Source,
  onOpen: (cgroup: Cgroup) => Promise<void>,
): Promise<Resolution> {
  const entries: Entry[] = [];
  const resolved: ResolvedTarget[] = [];
  const resolution = {
    entries,
    [Symbol.dispose]: () => {
      for (const target of resolved) target.close();
    },
  };
  try {
    for (const target of command.targets) {
      if (target.kind === "stdin") {
        entries.push("stdin");
        continue;
      }
      for (const single of await singlesOf(target, command, source)) {
        await source.sys.turn();
        const one = await resolve(single, command, source, { mayHold: resolved.length < MAX_HELD, onOpen });
        resolved.push(one);
        entries.push(one);
      }
    }
  } catch (bug) {
    resolution[Symbol.dispose]();
    throw bug;
  }
  return resolution;
}

/** After a signal no pattern is looked for any more. */
async function singlesOf(
  target: Exclude<TargetSpec, { readonly kind: "stdin" }>,
  command: TargetCommand,
  source: Source,
): Promise<readonly SingleTarget[]> {
  if (!source.abort.aborted || target.kind !== "pattern") return await expandTarget(target, command, source);
  return [{ name: target.pattern, open: () => Promise.reject(new InterruptedError()) }];
}

interface Holding {
  readonly mayHold: boolean;
  readonly onOpen: (cgroup: Cgroup) => Promise<void>;
}

async function resolve(
  single: SingleTarget,
  command: TargetCommand,
  { sys, abort, hierarchies }: Source,
  { mayHold, onOpen }: Holding,
): Promise<ResolvedTarget> {
  const { name } = single;
  let target: Target | undefined;
  try {
    if (abort.aborted) throw new InterruptedError();
    target = await single.open(sys, hierarchies(), paceOf({ sys, abort }));
    checkOptions(sys, target, command);
    await onOpen(target.cgroup);
  } catch (failure) {
    if (target !== undefined) closeTarget(sys, target);
    return { name, failure, suggest: single.suggest, open: () => Promise.reject(failure), close: () => {} };
  }
  if (mayHold) return held(name, sys, target);
  closeTarget(sys, target);
  return noted(name, cgroupsOf(target));
}

/** What the options ask for must be there for every target, before the first is touched. */
function checkOptions(sys: Sys, target: Target, { kind, method, spareTo }: TargetCommand): void {
  const { cgroup } = target;
  if ((kind === "kill" || kind === "show") && method !== "auto") {
    try {
      chooseMethod(sys, cgroup, method);
    } catch (error) {
      if (!(error instanceof MethodError) || !isRemoved(sys, cgroup)) throw error;
    }
  }
  if (spareTo === undefined) return;
  for (const { hierarchy } of cgroupsOf(target)) sys.close(openSpareTo(sys, [hierarchy], hierarchy, spareTo).fd);
}

export function toNamed({ path, name, hierarchy }: Cgroup): Named {
  return { path, name, hierarchy: hierarchyName(hierarchy) };
}

function held(name: string, sys: Sys, target: Target): ResolvedTarget {
  let isOurs = true;
  return {
    name,
    failure: undefined,
    async open() {
      isOurs = false;
      return target;
    },
    close() {
      if (isOurs) closeTarget(sys, target);
      isOurs = false;
    },
  };
}

interface Noted {
  readonly was: Named;
  readonly id: FileId;
}

function noted(name: string, cgroups: readonly Cgroup[]): ResolvedTarget {
  const all = cgroups.map((cgroup): Noted => ({ was: toNamed(cgroup), id: cgroup.id }));
  return {
    name,
    failure: undefined,
    open: async (sys, hierarchies) => reopenAll(sys, hierarchies, all),
    close: () => {},
  };
}

/** Of twins one may have vanished: the other is then the target. @throws VanishedError, RefusedError  as `reopen` */
function reopenAll(sys: Sys, hierarchies: readonly Hierarchy[], all: readonly Noted[]): Target {
  const opened: Cgroup[] = [];
  let vanished: VanishedError | undefined;
  try {
    for (const { was, id } of all) {
      try {
        opened.push(reopen(sys, hierarchies, was, id));
      } catch (error) {
        if (!(error instanceof VanishedError)) throw error;
        vanished ??= error;
      }
    }
  } catch (error) {
    for (const { fd } of opened) sys.close(fd);
    throw error;
  }
  const [cgroup, twin = null] = opened;
  if (cgroup === undefined) throw vanished ?? new Error("no cgroup was noted");
  return { cgroup, twin, judgedAt: Number.NEGATIVE_INFINITY };
}

/**
 * @throws VanishedError  nothing has the name any more
 * @throws RefusedError   another cgroup has it now
 */
function reopen(sys: Sys, hierarchies: readonly Hierarchy[], was: Named, id: FileId): Cgroup {
  let cgroup: Cgroup;
  try {
    cgroup = openCgroup(sys, hierarchies, was.name);
  } catch (error) {
    throw isMissing(error) ? new VanishedError(was) : error;
  }
  if (cgroup.id.dev === id.dev && cgroup.id.ino === id.ino) return cgroup;
  sys.close(cgroup.fd);
  throw new RefusedError({
    code: "changed",
    message: `${was.path}: is no longer the cgroup that was named`,
    hint: "it was removed and re-created during this call: look again",
    commands: [cgkillCommand(["show"], was.name)],
  });
}

/** Is the call wrong, rather than the cgroup missing or out of reach? Then no target of it is touched. */
export function isWrongCall(failure: unknown): boolean {
  return (
    failure instanceof OptionError ||
    failure instanceof AmbiguousNameError ||
    failure instanceof MethodError ||
    failure instanceof UsageError
  );
}
