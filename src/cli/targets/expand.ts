// From what was named on the command line to single targets, each of which can be opened. What is wrong with a name
// is found when it is opened, so that it becomes the outcome of that target and keeps no other from its turn.

import type { Advice } from "../../advice.ts";
import { NotFoundError } from "../../cgroup/errors.ts";
import { findHierarchies } from "../../cgroup/open/hierarchy.ts";
import { openCgroupOf } from "../../cgroup/open/open-by-pid.ts";
import type { Pace } from "../../cgroup/subtree.ts";
import type { Hierarchy } from "../../cgroup/types.ts";
import { alone, openTarget, type Target } from "../../kill/twins/open-twins.ts";
import type { Millis, Sys } from "../../sys/sys.ts";
import type { TargetCommand, TargetSpec } from "../args/command.ts";
import type { CliContext } from "../cli-context.ts";
import type { Io } from "../streams/streams.ts";
import type { Search } from "./did-you-mean.ts";

export interface SingleTarget {
  /** As it was given, for a report about a cgroup that could not be opened. */
  readonly name: string;
  /** @throws NotFoundError, OptionError, AmbiguousNameError, RefusedNameError, SysError */
  readonly open: (sys: Sys, hierarchies: readonly Hierarchy[], pace?: Pace) => Promise<Target>;
  /** What may have been meant if there is no such cgroup. Reads every name there is: only after what must not wait. */
  readonly suggest?: ((sys: Sys, pace: Pace) => Promise<Advice | undefined>) | undefined;
}

export interface Source {
  readonly sys: Sys;
  readonly io: Io;
  readonly abort: AbortSignal;
  readonly hierarchies: () => readonly Hierarchy[];
  /** What is left of the time for all suggestions of a call together. */
  readonly suggesting: { leftMs: Millis };
}

/** A person waits for it, and a script has no use for it. */
const SUGGEST_MS = 50;

/** Mounts are read once for all the names of a command line. */
export function sourceOf({ sys, io, abort }: CliContext): Source {
  let found: readonly Hierarchy[] | undefined;
  return { sys, io, abort, hierarchies: () => (found ??= findHierarchies(sys)), suggesting: { leftMs: SUGGEST_MS } };
}

/** What one target stands for: itself, or the matches of a pattern. Names on standard input are read elsewhere. */
export async function expandTarget(
  target: Exclude<TargetSpec, { readonly kind: "stdin" }>,
  command: TargetCommand,
  source: Source,
): Promise<SingleTarget[]> {
  const { hierarchy } = command;
  switch (target.kind) {
    case "name":
      return [withSuggestion(namedTarget(target.name, hierarchy), command, source)];
    case "pid":
      return [
        {
          name: `pid ${target.pid}`,
          open: async (sys, hierarchies) => alone(openCgroupOf(sys, hierarchies, target.pid, { hierarchy })),
        },
      ];
    case "pattern":
      try {
        return await matching(target.pattern, command, source);
      } catch (error) {
        return [patternWithout(target.pattern, error, command, source)];
      }
  }
}

/** A pattern that cannot be looked for, or has no match or too many, is a target that cannot be opened. */
function patternWithout(pattern: string, error: unknown, command: TargetCommand, source: Source): SingleTarget {
  return {
    name: pattern,
    open: () => Promise.reject(error),
    suggest: (sys, pace) =>
      bounded(sys, pace, command, source, async (search) => {
        const { nearPattern } = await import("./did-you-mean.ts");
        return await nearPattern(sys, pattern, search);
      }),
  };
}

function withSuggestion({ name, open }: SingleTarget, command: TargetCommand, source: Source): SingleTarget {
  return {
    name,
    open,
    suggest: (sys, pace) =>
      bounded(sys, pace, command, source, async (search) => {
        const { explainName } = await import("./explain-name.ts");
        return await explainName(sys, name, command, search);
      }),
  };
}

/** Look for what may have been meant, within what is left of the time: never longer than the call itself may take. */
async function bounded(
  sys: Sys,
  pace: Pace,
  { hierarchy, timeoutMs }: TargetCommand,
  { suggesting, hierarchies }: Source,
  look: (search: Search) => Promise<Advice | undefined>,
): Promise<Advice | undefined> {
  const start = sys.now();
  const until = start + Math.min(suggesting.leftMs, timeoutMs);
  if (until <= start) return undefined;
  try {
    return await look({ ...pace, hierarchies: hierarchies(), only: hierarchy, until });
  } finally {
    suggesting.leftMs -= sys.now() - start;
  }
}

async function matching(pattern: string, command: TargetCommand, source: Source): Promise<SingleTarget[]> {
  const { findMatching } = await import("./by-pattern.ts");
  const exact = unescapeBytes(pattern);
  try {
    return await findMatching(pattern, command, source);
  } catch (error) {
    if (!(error instanceof NotFoundError) || exact === pattern) throw error;
    return await findMatching(exact, command, source);
  }
}

export function namedTarget(name: string, hierarchy: string | undefined): SingleTarget {
  return {
    name,
    async open(sys, hierarchies, pace) {
      try {
        return await openTarget(sys, hierarchies, name, { hierarchy }, pace);
      } catch (error) {
        if (!(error instanceof NotFoundError)) throw error;
        const exact = unescapeBytes(name);
        if (exact === name) throw error;
        return await openTarget(sys, hierarchies, exact, { hierarchy }, pace);
      }
    },
  };
}

/** A name copied out of our JSON has the bytes that are no UTF-8 spelled out; asked only where none is spelled so itself. */
function unescapeBytes(name: string): string {
  return name.replace(/\\u(dc[89a-f][0-9a-f])/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}
