// A process that does not die: a tracer outside stops it in its exit (adversary "tracehold").

import { stateOf, statusOf } from "./proc.ts";
import { isAlive, liveMembers, startAdversary, until } from "./real-cgroup.ts";

export interface Traced extends AsyncDisposable {
  readonly pid: number;
  /** Outside; the traced process dies with it. */
  readonly tracer: number;
}

/** 0 if it is not traced. */
const tracerOf = (pid: number): number => Number(statusOf(pid, "TracerPid"));

/** It sleeps once the tracer has asked for its exit and let it go on. Before, it would die of SIGKILL like any other. */
const isHeld = (pid: number): boolean => tracerOf(pid) > 0 && stateOf(pid) === "S";

/**
 * @param dirs  where it is, in one or more v1 hierarchies; the first is empty so far. Its tracer ends with the handle.
 */
export async function startTraced(...dirs: readonly string[]): Promise<Traced> {
  const supervisor = startAdversary("tracehold", 1, [...new Set(dirs)].join("\n"));
  const members = () => dirs.map((dir) => liveMembers(dir)[0]);
  await until("a traced member", () => {
    const [pid, ...others] = members();
    return pid !== undefined && others.every((other) => other === pid) && isHeld(pid);
  });
  const pid = members()[0] as number;
  const tracer = tracerOf(pid);
  return {
    pid,
    tracer,
    async [Symbol.asyncDispose]() {
      // Also if the traced process is dead: no other kill reaches the tracer.
      if (isAlive(tracer)) process.kill(tracer, "SIGKILL");
      await supervisor[Symbol.asyncDispose]();
    },
  };
}
