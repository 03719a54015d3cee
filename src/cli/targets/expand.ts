// Expands what the command line names into single targets. Errors appear only when a target is opened, so that they
// become the outcome of that target and the others are still acted on.

import type { Advice } from "../../advice.ts";
import { NotFoundError } from "../../cgroup/errors.ts";
import { InterruptedError } from "../../kill/errors.ts";
import { openTarget, singleTarget, type Target } from "../../kill/twins/open-twins.ts";
import type { NamedSpec } from "../args/command.ts";
import { type Call, paceOf } from "../cli-context.ts";
import type { BoundedSearch } from "./did-you-mean.ts";

export interface SingleTarget {
  /** As it was given; reported if the cgroup cannot be opened. */
  readonly name: string;
  /** @throws NotFoundError, OptionError, AmbiguousNameError, RefusedNameError, SysError */
  readonly open: () => Promise<Target>;
  readonly suggest?: Suggest | undefined;
}

/** Finds what a missing name may have meant. Slow, because it reads every name: never call it before a kill. */
type Suggest = () => Promise<Advice | undefined>;

export const failingTarget = (name: string, error: unknown): SingleTarget => ({
  name,
  open: () => Promise.reject(error),
});

/** Expand a target: a pattern becomes its matches. Names from standard input are read in from-stdin.ts. */
export async function expandTarget(target: NamedSpec, call: Call): Promise<readonly SingleTarget[]> {
  const { sys, command, hierarchies, abort } = call;
  switch (target.kind) {
    case "name": {
      const suggest = suggesting(call, async (search) =>
        (await import("./explain-name.ts")).explainName(target.name, command, search),
      );
      return [{ ...namedTarget(target.name, call), suggest }];
    }
    case "pid": {
      const open = async (): Promise<Target> => {
        const { openCgroupOf } = await import("../../cgroup/open/open-by-pid.ts");
        return singleTarget(openCgroupOf(sys, hierarchies(), target.pid, command));
      };
      return [{ name: `pid ${target.pid}`, open }];
    }
    case "pattern":
      try {
        // After a signal, patterns are no longer searched for.
        if (abort.aborted) throw new InterruptedError();
        const { findMatching } = await import("./by-pattern.ts");
        return await withExactBytes(target.pattern, (pattern) => findMatching(pattern, call));
      } catch (error) {
        const suggest = suggesting(call, async (search) =>
          (await import("./did-you-mean.ts")).suggestForPattern(target.pattern, search),
        );
        return [{ ...failingTarget(target.pattern, error), suggest }];
      }
  }
}

/** Search for a suggestion within the remaining time, but not longer than the deadline of the call. */
function suggesting(call: Call, find: (search: BoundedSearch) => ReturnType<Suggest>): Suggest {
  const { sys, suggesting: time, command, hierarchies } = call;
  return async () => {
    const start = sys.now();
    const until = start + Math.min(time.leftMs, command.timeoutMs);
    if (until <= start) return undefined;
    try {
      return await find({ ...paceOf(call), sys, hierarchies: hierarchies(), only: command.hierarchy, until });
    } finally {
      time.leftMs -= sys.now() - start;
    }
  };
}

export function namedTarget(name: string, call: Call): SingleTarget {
  const { sys, hierarchies, command } = call;
  const open = async (exact: string): Promise<Target> =>
    await openTarget(sys, hierarchies(), exact, command, paceOf(call));
  return { name, open: () => withExactBytes(name, open) };
}

/** Find a name. If no cgroup has it, decode the `\udcXX` that JSON output has for bytes that are not UTF-8, and try again. */
async function withExactBytes<T>(name: string, find: (name: string) => Promise<T>): Promise<T> {
  try {
    return await find(name);
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error;
    const exact = name.replace(/\\u(dc[89a-f][0-9a-f])/gi, (_, code: string) =>
      String.fromCharCode(Number.parseInt(code, 16)),
    );
    if (exact === name) throw error;
    return await find(exact);
  }
}
