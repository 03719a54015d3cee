// Real cgroups, processes and a caller for a generated call: a target `job` in one hierarchy or in two, with what the
// call asks for around it.

import { existsSync, mkdirSync } from "node:fs";
import { basename } from "node:path";

import { type Call, optionsOf } from "./dry-run.ts";
import { AS_NOBODY, delegate } from "./nobody.ts";
import { isAsleep } from "./proc.ts";
import { destroy, isFrozen, makeCgroup, mountPoint, thawUpwards, until, type Which, write } from "./real-cgroup.ts";

export interface Stage extends AsyncDisposable {
  /** The directories of the target: that of v2 first. */
  readonly dirs: readonly string[];
  /** The mount points by the version of the hierarchy. */
  readonly points: Readonly<Record<string, string>>;
  /** Two in the target, one in the child if there is one. With --spare the first is spared. */
  readonly pids: readonly number[];
  /** The options and operands, without the command. */
  readonly argv: readonly string[];
  /** What starts cgkill: for which user, and from where. */
  readonly under: readonly string[];
}

/** The hierarchies that a call needs. */
export const hierarchiesOf = ({ which, allHierarchies }: Call): readonly Which[] => [
  ...(which === "twins" ? (["v2", "v1"] as const) : [which]),
  ...(allHierarchies ? (["pids"] as const) : []),
];

export async function stage(call: Call): Promise<Stage> {
  await using stack = new AsyncDisposableStack();
  const hierarchies = hierarchiesOf(call);
  const first = stack.use(makeCgroup(hierarchies[0] ?? "v2"));
  const tops = hierarchies.map((which) => `${mountPoint(which)}/${basename(first.dir)}`);
  for (const top of tops.slice(1)) {
    mkdirSync(top);
    stack.defer(() => destroy(top));
  }
  const inEach = (path: string): readonly string[] => {
    const made = tops.map((top) => `${top}/${path}`);
    for (const dir of made) mkdirSync(dir);
    return made;
  };
  const jobs = inEach("job");
  const children = call.hasChild ? inEach("job/child") : [];
  const asides = call.sparesTo ? inEach("aside") : [];
  if (call.caller === "nobody, delegated") for (const dir of [...tops, ...jobs, ...children, ...asides]) delegate(dir);
  // In a hierarchy that is only there for --all-hierarchies there are no processes: a directory with some is not removed.
  const isTwins = call.which === "twins";
  const used = <T>(of: readonly T[]): readonly T[] => of.slice(0, isTwins ? 2 : 1);
  const start = async (dirs: readonly string[]): Promise<number> => stack.use(await startIn(used(dirs), call)).pid;
  const pids = [await start(jobs), await start(jobs), await start(call.hasChild ? children : jobs)];
  const frozen = { "": [], target: jobs, child: children, ancestor: tops }[call.frozen];
  for (const dir of used(frozen)) {
    // Only a v1 ancestor keeps killed processes from dying.
    if (call.frozen === "ancestor" && !isV1Freezer(dir)) continue;
    write(`${dir}/${isV1Freezer(dir) ? "freezer.state" : "cgroup.freeze"}`, isV1Freezer(dir) ? "FROZEN" : "1");
    await until("frozen", () => isFrozen(dir));
  }
  const [dir = ""] = jobs;
  const aside = isTwins ? `${first.path}/aside` : (asides[0] ?? "");
  const argv = [
    ...optionsOf(call),
    ...(call.spares ? ["--spare", String(pids[0])] : []),
    ...(call.sparesTo ? ["--spare-to", aside] : []),
    isTwins ? `${first.path}/job` : dir,
  ];
  const point = (at: string): string => at.slice(0, -(basename(first.dir).length + 1));
  const points = Object.fromEntries(
    used(tops).map((top, nth) => [hierarchies[nth] === "v2" ? "v2" : "v1", point(top)] as const),
  );
  const held = stack.move();
  return {
    dirs: used(jobs),
    // Processes that a frozen v1 freezer holds are moved within it.
    points: { v1: mountPoint("v1") ?? "", ...points },
    pids,
    argv,
    under: underOf(call, used(jobs)),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

const isV1Freezer = (dir: string): boolean => existsSync(`${dir}/freezer.state`);

function underOf(call: Call, jobs: readonly string[]): readonly string[] {
  const moves = jobs.map((dir) => `echo 0 > ${dir}/cgroup.procs && `).join("");
  return [
    ...(call.isInside ? ["sh", "-c", `${moves}exec "$@"`, "sh"] : []),
    ...(call.caller === "root" ? [] : AS_NOBODY),
    // This shell waits for cgkill, so that it stays its parent.
    ...(call.ancestor === "" ? [] : ["sh", "-c", '"$@"; exit $?', "sh"]),
  ];
}

/** Start a process of the owner in these cgroups. A stubborn one ignores the signals of the grace period. */
async function startIn(
  dirs: readonly string[],
  { owner, isStubborn }: Call,
): Promise<AsyncDisposable & { readonly pid: number }> {
  const as = owner === "root" ? [] : AS_NOBODY;
  const script = `${isStubborn ? "trap '' TERM HUP USR1; " : ""}exec sleep 1000`;
  const child = Bun.spawn([...as, "sh", "-c", script], { stdio: ["ignore", "ignore", "ignore"] });
  await until("sleep", () => isAsleep(child.pid));
  for (const dir of dirs) write(`${dir}/cgroup.procs`, String(child.pid));
  return {
    pid: child.pid,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      for (const dir of dirs) thawUpwards(dir);
      await child.exited;
    },
  };
}
