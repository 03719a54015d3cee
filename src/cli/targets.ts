// From what was named on the command line to single targets, each of which can be opened. What is wrong with a name
// is found when it is opened, so that it becomes the outcome of that target and keeps no other from its turn.

import { AmbiguousNameError, NotFoundError } from "../cgroup/errors.ts";
import { openCgroup, openCgroupOf } from "../cgroup/open.ts";
import type { Cgroup, Hierarchy } from "../cgroup/types.ts";
import { InterruptedError } from "../kill/errors.ts";
import { decodeBytes } from "../sys/bytes.ts";
import type { Sys } from "../sys/sys.ts";
import type { Target, TargetCommand } from "./args.ts";
import { paceOf } from "./edge.ts";
import type { Io } from "./io.ts";

export interface SingleTarget {
  /** As it was given, for a report about a cgroup that could not be opened. */
  readonly name: string;
  /** @throws NotFoundError, OptionError, AmbiguousNameError, RefusedNameError, SysError */
  readonly open: (sys: Sys, hierarchies: readonly Hierarchy[]) => Promise<Cgroup>;
}

export interface Source {
  readonly sys: Sys;
  readonly io: Io;
  readonly abort: AbortSignal;
  readonly hierarchies: () => readonly Hierarchy[];
}

/** What one target stands for: itself, the names on standard input, the matches of a pattern. */
export async function expandTarget(target: Target, command: TargetCommand, source: Source): Promise<SingleTarget[]> {
  const { hierarchy } = command;
  switch (target.kind) {
    case "name":
      return [named(target.name, hierarchy)];
    case "pid":
      return [
        {
          name: `pid ${target.pid}`,
          open: async (sys, hierarchies) => openCgroupOf(sys, hierarchies, target.pid, { hierarchy }),
        },
      ];
    case "stdin":
      return await orItsError("-", async () =>
        (await readNames(command.nullSeparated, source)).map((name) => named(name, hierarchy)),
      );
    case "pattern":
      return await orItsError(target.pattern, () => matching(target.pattern, command, source));
  }
}

/** A source of names that fails is a target that cannot be opened. */
async function orItsError(name: string, expand: () => Promise<SingleTarget[]>): Promise<SingleTarget[]> {
  try {
    return await expand();
  } catch (error) {
    return [{ name, open: () => Promise.reject(error) }];
  }
}

async function readNames(isNullSeparated: boolean, { io, abort }: Source): Promise<string[]> {
  const bytes = await io.readIn(abort);
  if (abort.aborted) throw new InterruptedError();
  return decodeBytes(bytes)
    .split(isNullSeparated ? "\0" : "\n")
    .filter((name) => name !== "");
}

/** As many as can be read. */
const MOST_CANDIDATES = 20;

async function matching(
  pattern: string,
  { all, hierarchy }: TargetCommand,
  { sys, abort, hierarchies }: Source,
): Promise<SingleTarget[]> {
  const { findByName } = await import("../kill/search.ts");
  const found = await findByName(sys, hierarchies(), pattern, hierarchy, paceOf({ sys, abort }));
  if (found.length === 0) {
    const { nearPattern } = await import("./near.ts");
    const hint = (await nearPattern(sys, hierarchies(), pattern, hierarchy)) ?? "see cgkill list --all";
    throw new NotFoundError("cgroup", `${pattern}: no cgroup, unit, container, pod or job of that name`, hint);
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
  return found.map(({ name }) => named(name, undefined));
}

function named(name: string, hierarchy: string | undefined): SingleTarget {
  return {
    name,
    async open(sys, hierarchies) {
      try {
        return openCgroup(sys, hierarchies, name, { hierarchy });
      } catch (error) {
        if (!(error instanceof NotFoundError)) throw error;
        const exact = unescapeBytes(name);
        if (exact !== name) return openCgroup(sys, hierarchies, exact, { hierarchy });
        const { nearName } = await import("./near.ts");
        const hint = await nearName(sys, hierarchies, name, hierarchy);
        throw hint === undefined ? error : new NotFoundError(error.missing, error.message, hint);
      }
    },
  };
}

/** A name copied out of our JSON has the bytes that are no UTF-8 spelled out; asked only where none is spelled so itself. */
function unescapeBytes(name: string): string {
  return name.replace(/\\u(dc[89a-f][0-9a-f])/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}
