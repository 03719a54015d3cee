// Canaries: processes that must survive every test on real cgroups, in the cgroup above every target, in one beside it,
// and in one below that. A test that harms one of them fails; watch.ts checks after each test.

import { existsSync, mkdirSync, readFileSync } from "node:fs";

interface Canary {
  readonly place: string;
  readonly pid: number;
  /** Where it must be: its path per hierarchy, keyed by controllers, as in /proc/PID/cgroup. */
  readonly paths: Map<string, string>;
}

type Place = "above" | "beside" | "below";

let isWatching = false;
const canaries = new Map<Place, Canary>();
const withProgress = new Map<string, string>();

/** Enable the canaries. Only a test run checks them and removes them at its end. */
export function startWatching(): void {
  isWatching = true;
}

function readPaths(pid: number): Map<string, string> {
  const lines = readFileSync(`/proc/${pid}/cgroup`, "utf8").split("\n").filter(Boolean);
  return new Map(lines.map((line) => line.split(":").slice(1, 3) as [string, string]));
}

function canary(place: Place): Canary {
  const found = canaries.get(place);
  if (found !== undefined) return found;
  // A grandchild: when a test times out, Bun kills its own children, and every later test would report that as harm.
  const { stdout } = Bun.spawnSync(["sh", "-c", "sleep 3600 </dev/null >/dev/null 2>&1 & echo $!"]);
  const started = { place, pid: Number(stdout.toString()), paths: new Map<string, string>() };
  canaries.set(place, started);
  return started;
}

/**
 * Put canaries into a hierarchy, once. The upper one is in the root, where the tests make their targets.
 *
 * @param join  moves a process; if the root accepts none (v2 in a container), the upper canary stays where it was
 */
export function watchOver(point: string, join: (dir: string, pid: number) => void): void {
  if (!isWatching || withProgress.has(point)) return;
  const beside = `${point}/cgkill-test-canary-${process.pid}`;
  withProgress.set(point, beside);
  mkdirSync(`${beside}/below`, { recursive: true });
  join(beside, canary("beside").pid);
  join(`${beside}/below`, canary("below").pid);
  try {
    join(point, canary("above").pid);
  } catch {
    // It stays in our own cgroup, which is above or beside the targets too.
  }
  for (const { pid, paths } of canaries.values()) {
    for (const [controllers, path] of readPaths(pid)) paths.set(controllers, path);
  }
}

/** Describe what was done to the canaries; empty if nothing was. */
export function harmDone(): string[] {
  const harm: string[] = [];
  for (const { place, pid, paths } of canaries.values()) {
    const who = `the canary ${place}, pid ${pid},`;
    try {
      const state = / ([A-Z]) /i.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))?.[1] ?? "?";
      if (!"SR".includes(state)) harm.push(`${who} is in state ${state}`);
      for (const [controllers, path] of readPaths(pid)) {
        if (paths.get(controllers) !== path) harm.push(`${who} was moved to ${path}`);
      }
    } catch {
      harm.push(`${who} is gone`);
    }
  }
  for (const beside of withProgress.values()) {
    for (const dir of [beside, `${beside}/below`]) harm.push(...switchesOn(dir));
  }
  return harm;
}

const AS_MADE: Readonly<Record<string, string>> = {
  "freezer.state": "THAWED",
  "cgroup.freeze": "0",
  "pids.max": "max",
};

function switchesOn(dir: string): string[] {
  if (!existsSync(dir)) return [`${dir} was removed`];
  return Object.entries(AS_MADE).flatMap(([file, value]) => {
    if (!existsSync(`${dir}/${file}`)) return [];
    const now = readFileSync(`${dir}/${file}`, "utf8").trim();
    return now === value ? [] : [`${dir}/${file} is ${now}`];
  });
}

/** Remove the canaries. @param destroy  kills everything in a test's cgroup and removes it */
export async function stopWatching(destroy: (dir: string) => Promise<void>): Promise<void> {
  isWatching = false;
  for (const { pid } of canaries.values()) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It is already dead; the test that was running then has failed.
    }
  }
  canaries.clear();
  for (const dir of withProgress.values()) await destroy(dir);
  withProgress.clear();
}
