// From what was named on the command line to single targets, each of which can be opened. What is wrong with a name
// is found when it is opened, so that it becomes the outcome of that target and keeps no other from its turn.

import { AmbiguousNameError, NotFoundError } from "../cgroup/errors.ts";
import { findHierarchies } from "../cgroup/hierarchy.ts";
import { openCgroup, openCgroupOf } from "../cgroup/open.ts";
import type { Cgroup, Hierarchy } from "../cgroup/types.ts";
import type { FoundCgroup } from "../kill/search.ts";
import type { Sys } from "../sys/sys.ts";
import type { Target, TargetCommand } from "./args.ts";
import { type Edge, paceOf } from "./edge.ts";
import { VanishedError } from "./errors.ts";
import type { Io } from "./io.ts";

export interface SingleTarget {
  /** As it was given, for a report about a cgroup that could not be opened. */
  readonly name: string;
  /** @throws NotFoundError, OptionError, AmbiguousNameError, RefusedNameError, SysError */
  readonly open: (sys: Sys, hierarchies: readonly Hierarchy[]) => Promise<Cgroup>;
  /** What may have been meant if there is no such cgroup. Reads every name there is: only after what must not wait. */
  readonly suggest?: ((sys: Sys) => Promise<string | undefined>) | undefined;
}

export interface Source {
  readonly sys: Sys;
  readonly io: Io;
  readonly abort: AbortSignal;
  readonly hierarchies: () => readonly Hierarchy[];
}

/** Mounts are read once for all the names of a command line. */
export function sourceOf({ sys, io, abort }: Edge): Source {
  let found: readonly Hierarchy[] | undefined;
  return { sys, io, abort, hierarchies: () => (found ??= findHierarchies(sys)) };
}

/** What one target stands for: itself, or the matches of a pattern. Names on standard input are read elsewhere. */
export async function expandTarget(
  target: Exclude<Target, { readonly kind: "stdin" }>,
  command: TargetCommand,
  source: Source,
): Promise<SingleTarget[]> {
  const { hierarchy } = command;
  switch (target.kind) {
    case "name":
      return [withSuggestion(namedTarget(target.name, hierarchy), hierarchy)];
    case "pid":
      return [
        {
          name: `pid ${target.pid}`,
          open: async (sys, hierarchies) => openCgroupOf(sys, hierarchies, target.pid, { hierarchy }),
        },
      ];
    case "pattern":
      try {
        return await matching(target.pattern, command, source);
      } catch (error) {
        return [patternWithout(target.pattern, error, hierarchy)];
      }
  }
}

/** A pattern that cannot be looked for, or has no match or too many, is a target that cannot be opened. */
function patternWithout(pattern: string, error: unknown, hierarchy: string | undefined): SingleTarget {
  return {
    name: pattern,
    open: () => Promise.reject(error),
    async suggest(sys) {
      const { nearPattern } = await import("./near.ts");
      return nearPattern(sys, findHierarchies(sys), pattern, hierarchy);
    },
  };
}

function withSuggestion({ name, open }: SingleTarget, hierarchy: string | undefined): SingleTarget {
  return {
    name,
    open,
    async suggest(sys) {
      const { nearName } = await import("./near.ts");
      return nearName(sys, findHierarchies(sys), name, hierarchy);
    },
  };
}

/** As many as can be read. */
const MOST_CANDIDATES = 20;

async function matching(
  pattern: string,
  { all, hierarchy }: TargetCommand,
  { sys, abort, hierarchies }: Source,
): Promise<SingleTarget[]> {
  const { findByName } = await import("../kill/search.ts");
  let found = await findByName(sys, hierarchies(), pattern, hierarchy, paceOf({ sys, abort }));
  const exact = unescapeBytes(pattern);
  if (found.length === 0 && exact !== pattern) {
    found = await findByName(sys, hierarchies(), exact, hierarchy, paceOf({ sys, abort }));
  }
  if (found.length === 0) {
    const message = `${pattern}: no cgroup, unit, container, pod or job of that name`;
    throw new NotFoundError("cgroup", message, "see cgkill list --all");
  }
  if (found.length > 1 && !all) {
    const shown = found.slice(0, MOST_CANDIDATES);
    const lines = shown.map(({ name, label }) => `${name}${label === null ? "" : ` (${label})`}`);
    const more = found.length > shown.length ? `, and ${found.length - shown.length} more` : "";
    throw new AmbiguousNameError(
      `${pattern}: ${found.length} cgroups match: ${lines.join(", ")}${more}`,
      "give one of the paths, or --all for every one of them",
    );
  }
  return found.map(matched);
}

/** It was there when it was found: if it is not now, it has vanished. */
function matched({ name, path }: FoundCgroup): SingleTarget {
  return {
    name,
    async open(sys, hierarchies) {
      try {
        return openCgroup(sys, hierarchies, name);
      } catch (error) {
        if (isMissing(error)) throw new VanishedError({ path, name, hierarchy: null });
        throw error;
      }
    },
  };
}

/** Is what was named gone, as far as the kernel says? What only cannot be seen from here may live. */
export const isMissing = (error: unknown): boolean => error instanceof NotFoundError && error.missing !== "place";

export function namedTarget(name: string, hierarchy: string | undefined): SingleTarget {
  return {
    name,
    async open(sys, hierarchies) {
      try {
        return openCgroup(sys, hierarchies, name, { hierarchy });
      } catch (error) {
        if (!(error instanceof NotFoundError)) throw error;
        const exact = unescapeBytes(name);
        if (exact === name) throw error;
        return openCgroup(sys, hierarchies, exact, { hierarchy });
      }
    },
  };
}

/** A name copied out of our JSON has the bytes that are no UTF-8 spelled out; asked only where none is spelled so itself. */
function unescapeBytes(name: string): string {
  return name.replace(/\\u(dc[89a-f][0-9a-f])/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}
