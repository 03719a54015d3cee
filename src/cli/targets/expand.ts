// Expands what the command line names into single targets. Errors appear only when a target is opened, so that they
// become the outcome of that target and the others are still acted on.

import type { Advice } from "../../advice.ts";
import { NotFoundError } from "../../cgroup/errors.ts";
import { findHierarchies } from "../../cgroup/open/hierarchy.ts";
import type { Pace } from "../../cgroup/subtree.ts";
import type { Hierarchy } from "../../cgroup/types.ts";
import { openTarget, singleTarget, type Target } from "../../kill/twins/open-twins.ts";
import type { Millis, Sys } from "../../sys/sys.ts";
import type { NamedSpec, TargetCommand } from "../args/command.ts";
import type { CliContext } from "../cli-context.ts";
import type { Search } from "./did-you-mean.ts";

export interface SingleTarget {
  /** As it was given; reported if the cgroup cannot be opened. */
  readonly name: string;
  /** @throws NotFoundError, OptionError, AmbiguousNameError, RefusedNameError, SysError */
  readonly open: (sys: Sys, hierarchies: readonly Hierarchy[], pace?: Pace) => Promise<Target>;
  /** Find what a missing name may have meant. Slow, because it reads every name: never call it before a kill. */
  readonly suggest?: ((sys: Sys, pace: Pace) => Promise<Advice | undefined>) | undefined;
}

export interface Source extends Pick<CliContext, "sys" | "io" | "abort"> {
  readonly hierarchies: () => readonly Hierarchy[];
  /** The remaining time for all suggestions of a call. */
  readonly suggesting: { leftMs: Millis };
}

/** The time for all suggestions of a call. An operator waits for them, and scripts do not need them. */
const SUGGEST_MS = 50;

/** Mounts are read once for all names of a command line. */
export function sourceOf({ sys, io, abort }: CliContext): Source {
  let found: readonly Hierarchy[] | undefined;
  return { sys, io, abort, hierarchies: () => (found ??= findHierarchies(sys)), suggesting: { leftMs: SUGGEST_MS } };
}

/** Expand a target: a pattern becomes its matches. Names from standard input are read in from-stdin.ts. */
export async function expandTarget(target: NamedSpec, command: TargetCommand, source: Source): Promise<SingleTarget[]> {
  const { hierarchy } = command;
  switch (target.kind) {
    case "name":
      return [
        {
          ...namedTarget(target.name, hierarchy),
          suggest: suggesting(command, source, async (sys, search) => {
            const { explainName } = await import("./explain-name.ts");
            return await explainName(sys, target.name, command, search);
          }),
        },
      ];
    case "pid":
      return [
        {
          name: `pid ${target.pid}`,
          async open(sys, hierarchies) {
            const { openCgroupOf } = await import("../../cgroup/open/open-by-pid.ts");
            return singleTarget(openCgroupOf(sys, hierarchies, target.pid, { hierarchy }));
          },
        },
      ];
    case "pattern":
      try {
        return await findMatches(target.pattern, command, source);
      } catch (error) {
        return [toFailingPattern(target.pattern, error, command, source)];
      }
  }
}

/** A pattern that cannot be searched for, or has no match or too many, becomes a target that cannot be opened. */
function toFailingPattern(pattern: string, error: unknown, command: TargetCommand, source: Source): SingleTarget {
  return {
    name: pattern,
    open: () => Promise.reject(error),
    suggest: suggesting(command, source, async (sys, search) => {
      const { suggestForPattern } = await import("./did-you-mean.ts");
      return await suggestForPattern(sys, pattern, search);
    }),
  };
}

/** Search for a suggestion within the remaining time, but not longer than the deadline of the call. */
function suggesting(
  { hierarchy, timeoutMs }: TargetCommand,
  { suggesting: time, hierarchies }: Source,
  find: (sys: Sys, search: Search) => Promise<Advice | undefined>,
): SingleTarget["suggest"] {
  return async (sys, pace) => {
    const start = sys.now();
    const until = start + Math.min(time.leftMs, timeoutMs);
    if (until <= start) return undefined;
    try {
      return await find(sys, { ...pace, hierarchies: hierarchies(), only: hierarchy, until });
    } finally {
      time.leftMs -= sys.now() - start;
    }
  };
}

async function findMatches(pattern: string, command: TargetCommand, source: Source): Promise<SingleTarget[]> {
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

/** Decode the `\udcXX` that JSON output has for bytes that are not UTF-8. Tried only if no cgroup has the literal name. */
function unescapeBytes(name: string): string {
  return name.replace(/\\u(dc[89a-f][0-9a-f])/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}
