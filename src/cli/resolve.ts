// Every name on the command line is resolved before the first is acted on: an ambiguous name or a usage error in any of
// them touches nothing, and a target is the cgroup that it was when the call began. Reads only.

import { AmbiguousNameError, OptionError } from "../cgroup/errors.ts";
import { hierarchyName } from "../cgroup/hierarchy.ts";
import { openCgroup } from "../cgroup/open.ts";
import { isRemoved } from "../cgroup/subtree.ts";
import type { Cgroup, Hierarchy } from "../cgroup/types.ts";
import { InterruptedError, MethodError, RefusedError } from "../kill/errors.ts";
import { chooseMethod } from "../kill/plan.ts";
import type { FileId, Sys } from "../sys/sys.ts";
import type { Target, TargetCommand } from "./args.ts";
import { type Named, UsageError, VanishedError } from "./errors.ts";
import { openSpareTo } from "./run-options.ts";
import { expandTarget, isMissing, type SingleTarget, type Source } from "./targets.ts";

/** Descriptors are few on some hosts, and names may be many: beyond this number they are opened again at their turn. */
const MAX_HELD = 32;

export interface ResolvedTarget extends SingleTarget {
  /** What is wrong with it, if anything is; `open` then rejects with it. */
  readonly failure: unknown;
  /** Close what `open` did not hand out. */
  close(): void;
}

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
  target: Exclude<Target, { readonly kind: "stdin" }>,
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
  let cgroup: Cgroup | undefined;
  try {
    if (abort.aborted) throw new InterruptedError();
    cgroup = await single.open(sys, hierarchies());
    checkOptions(sys, cgroup, command);
    await onOpen(cgroup);
  } catch (failure) {
    if (cgroup !== undefined) sys.close(cgroup.fd);
    return { name, failure, suggest: single.suggest, open: () => Promise.reject(failure), close: () => {} };
  }
  if (mayHold) return held(name, sys, cgroup);
  sys.close(cgroup.fd);
  return noted(name, toNamed(cgroup), cgroup.id);
}

/** What the options ask for must be there for every target, before the first is touched. */
function checkOptions(sys: Sys, cgroup: Cgroup, { kind, method, spareTo }: TargetCommand): void {
  if ((kind === "kill" || kind === "show") && method !== "auto") {
    try {
      chooseMethod(sys, cgroup, method);
    } catch (error) {
      if (!(error instanceof MethodError) || !isRemoved(sys, cgroup)) throw error;
    }
  }
  if (spareTo !== undefined) sys.close(openSpareTo(sys, [cgroup.hierarchy], cgroup.hierarchy, spareTo).fd);
}

export function toNamed({ path, name, hierarchy }: Cgroup): Named {
  return { path, name, hierarchy: hierarchyName(hierarchy) };
}

function held(name: string, sys: Sys, cgroup: Cgroup): ResolvedTarget {
  let isOurs = true;
  return {
    name,
    failure: undefined,
    async open() {
      isOurs = false;
      return cgroup;
    },
    close() {
      if (isOurs) sys.close(cgroup.fd);
      isOurs = false;
    },
  };
}

function noted(name: string, was: Named, id: FileId): ResolvedTarget {
  return {
    name,
    failure: undefined,
    open: async (sys, hierarchies) => reopen(sys, hierarchies, was, id),
    close: () => {},
  };
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
    hint: "it was removed and re-created during this call: look again, cgkill show",
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
