// A process that does not die: a tracer outside stops it in its exit (adversary "tracehold").

import { readFileSync } from "node:fs";

import { liveMembers, startAdversary, until } from "./real-cgroup.ts";

export interface Traced extends AsyncDisposable {
  readonly pid: number;
  /** Outside; the traced process dies with it. */
  readonly tracer: number;
}

function tracerOf(pid: number): number {
  try {
    return Number(/^TracerPid:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
  } catch {
    return 0;
  }
}

/** It sleeps once the tracer has asked for its exit and let it go on. Before, it would die of SIGKILL like any other. */
function isSleeping(pid: number): boolean {
  try {
    return /^State:\s*S/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

/**
 * @param dirs  where it is, in one or more v1 hierarchies; the first is empty so far. Its tracer ends with the handle.
 */
export async function startTraced(...dirs: readonly string[]): Promise<Traced> {
  const supervisor = startAdversary("tracehold", 1, [...new Set(dirs)].join("\n"));
  const members = () => dirs.map((dir) => liveMembers(dir)[0]);
  await until("a traced member", () => {
    const [pid, ...others] = members();
    return pid !== undefined && others.every((other) => other === pid) && tracerOf(pid) > 0 && isSleeping(pid);
  });
  const pid = members()[0] as number;
  const tracer = tracerOf(pid);
  return {
    pid,
    tracer,
    async [Symbol.asyncDispose]() {
      if (tracerOf(pid) === tracer) process.kill(tracer, "SIGKILL");
      await supervisor[Symbol.asyncDispose]();
    },
  };
}
