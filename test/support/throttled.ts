// Processes that have used up the time of their cgroup: a container with a limit of its processors.

import { existsSync, writeFileSync } from "node:fs";

import { readText } from "./proc.ts";
import { cannotMake, liveMembers, makeCgroup, quietly, until, write } from "./real-cgroup.ts";

/** Of each second they get a millisecond. For real-time threads v1 has a limit of its own, which is 0 in a new cgroup. */
const LIMITS = {
  v1: [
    ["cpu.cfs_period_us", "1000000"],
    ["cpu.cfs_quota_us", "1000"],
    ["cpu.rt_runtime_us", "50000"],
  ],
  v2: [["cpu.max", "1000 1000000"]],
} as const;

/** Where the host has the controller `cpu`; `undefined`, with a message, if such a limit cannot be set here. */
export function cpuVersion(): "v1" | "v2" | undefined {
  const problem = cannotMake("cpu");
  if (problem === undefined) return "v1";
  const isOnV2 = readText("/sys/fs/cgroup/cgroup.subtree_control").split(/\s+/).includes("cpu");
  if (isOnV2) return "v2";
  console.warn(`left out: throttled processes (${problem}, and no cpu controller on v2)`);
  return undefined;
}

/**
 * Start processes in a cgroup that never wait, for a minute at most, and wait until they are throttled.
 *
 * @returns lifts the limit when it is disposed of
 */
export async function startThrottled(version: "v1" | "v2", dir: string, count: number): Promise<AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  const limited = version === "v1" ? stack.use(makeCgroup("cpu")).dir : dir;
  // A limit of their time on a processor would be none: of that they get next to nothing.
  const enter = ["timeout", "-s", "KILL", "60", "sh", "-c", `echo $$ >${dir}/cgroup.procs; while :; do :; done`];
  for (let nth = 0; nth < count; nth++) void Bun.spawn(enter, { stdio: ["ignore", "ignore", "ignore"] });
  await until("all", () => liveMembers(dir).length === count);
  for (const [file, limit] of LIMITS[version]) {
    // Not every kernel has the limit for real-time threads.
    if (existsSync(`${limited}/${file}`)) writeFileSync(`${limited}/${file}`, limit);
  }
  const [file, none] = version === "v1" ? ["cpu.cfs_quota_us", "-1"] : ["cpu.max", "max"];
  stack.defer(() => quietly(() => writeFileSync(`${limited}/${file}`, none)));
  if (version === "v1") for (const pid of liveMembers(dir)) write(`${limited}/cgroup.procs`, String(pid));
  await until("the limit", () => Number(/nr_throttled (\d+)/.exec(readText(`${limited}/cpu.stat`))?.[1]) > 0);
  return stack.move();
}
