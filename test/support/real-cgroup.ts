// Real cgroups for tests, named cgkill-test-…, and adversaries in them. Cleans up with its own code, not with the code
// under test, and waits for conditions, never for a fixed time.

import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeSync,
} from "node:fs";

import { watchOver } from "./canary.ts";
import { isAsleep, stateOf, statOf, statusOf } from "./proc.ts";

export type Which = "v1" | "v2" | "memory" | "pids" | "cpu" | "cpuset" | "systemd";

/**
 * Find the mount point of a hierarchy, and the cgroup that it shows, which in a container may not be the root.
 */
function mountOf(which: Which): { readonly root: string; readonly point: string } | undefined {
  for (const line of readFileSync("/proc/self/mountinfo", "utf8").split("\n")) {
    const [left = "", right = ""] = line.split(" - ");
    const [type, , options = ""] = right.split(" ");
    const words = options.split(",");
    const controller = which === "v1" ? "freezer" : which === "systemd" ? "name=systemd" : which;
    const isIt = which === "v2" ? type === "cgroup2" : type === "cgroup" && words.includes(controller);
    const [, , , root = "", point = ""] = left.split(" ");
    if (isIt) return { root: root === "/" ? "" : root, point };
  }
  return undefined;
}

export function mountPoint(which: Which): string | undefined {
  return mountOf(which)?.point;
}

/**
 * How much longer paths are here: in a container that sees the host's cgroups, each path starts with the container's.
 */
export const nameRoom: number = Math.max(
  0,
  ...(["v1", "v2"] as const).map((which) => mountOf(which)?.root.length ?? 0),
);

/**
 * Whether a mount is writable. In an unprivileged container it is read-only.
 */
function isWritable(point: string): boolean {
  try {
    accessSync(point, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Why real cgroups cannot be made in a hierarchy here; `undefined` if they can. */
export function cannotMake(which: Which): string | undefined {
  if (process.getuid?.() !== 0) return "not root";
  const point = mountPoint(which);
  if (point === undefined) return `no ${which} hierarchy here`;
  return isWritable(point) ? undefined : `${point} is read-only`;
}

/**
 * Whether tests on real cgroups can run here, which needs root and the hierarchy. If not, a message; in CI a failure.
 */
export function canStage(which: Which): boolean {
  const problem = cannotMake(which);
  if (problem === undefined) return true;
  if (process.env["CI"] === "true") throw new Error(`the real tests cannot run: ${problem}`);
  console.warn(`left out: real cgroups on ${which} (${problem})`);
  return false;
}

/** A condition did not come true in time. On a busy machine an alarm may end adversaries before all have started. */
export class WaitedInVainError extends Error {}

export async function until(what: string, isSo: () => boolean, ms = 20_000): Promise<void> {
  const end = performance.now() + ms;
  // Most wait for a process that was just started.
  for (let restMs = 1; !isSo(); restMs = Math.min(restMs + 1, 15)) {
    if (performance.now() > end) throw new WaitedInVainError(`waited in vain for: ${what}`);
    await Bun.sleep(restMs);
  }
}

function readList(path: string): number[] {
  try {
    return readFileSync(path, "utf8").split("\n").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

export function write(path: string | Buffer, value: string): void {
  const fd = openSync(path, constants.O_WRONLY);
  try {
    writeSync(fd, value);
  } finally {
    closeSync(fd);
  }
}

export function quietly(action: () => void): void {
  try {
    action();
  } catch {
    // Gone, or the caller tries again.
  }
}

/** List a cgroup and everything below it, parents first. Cgroups that vanish in the meantime are left out. */
export function subtree(dir: string): string[] {
  try {
    const children = readdirSync(dir, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    return [dir, ...children.flatMap(({ name }) => subtree(`${dir}/${name}`))];
  } catch {
    return [];
  }
}

const tgidOf = (tid: number): number => Number(statusOf(tid, "Tgid") || tid);

/** List the processes of a subtree, from all lists of the kernel, threads included. */
export function liveMembers(dir: string): number[] {
  const lists = subtree(dir).flatMap((path) => [
    ...readList(`${path}/cgroup.procs`),
    ...[...readList(`${path}/cgroup.threads`), ...readList(`${path}/tasks`)].map(tgidOf),
  ]);
  return [...new Set(lists)];
}

export function isFrozen(dir: string): boolean {
  return subtree(dir).some((path) => {
    try {
      if (existsSync(`${path}/freezer.state`)) return readFileSync(`${path}/freezer.state`, "utf8") !== "THAWED\n";
      return readFileSync(`${path}/cgroup.freeze`, "utf8") === "1\n";
    } catch {
      return false;
    }
  });
}

/** Thaw, kill and remove a test's cgroup and everything below it, repeatedly until it is gone. */
export async function destroy(dir: string): Promise<void> {
  if (!dir.includes("/cgkill-")) throw new Error(`not a test's cgroup: ${dir}`);
  await until(`the end of ${dir}`, () => {
    for (const path of subtree(dir)) {
      quietly(() => write(`${path}/freezer.state`, "THAWED"));
      quietly(() => write(`${path}/cgroup.freeze`, "0"));
      quietly(() => write(`${path}/cgroup.kill`, "1"));
    }
    for (const pid of liveMembers(dir)) {
      if (pid > 1 && pid !== process.pid) quietly(() => process.kill(pid, "SIGKILL"));
    }
    for (const path of subtree(dir).reverse()) quietly(() => rmdirSync(path));
    return !existsSync(dir);
  });
}

export interface RealCgroup extends AsyncDisposable {
  readonly dir: string;
  /** Its path in /proc/PID/cgroup. */
  readonly path: string;
}

let made = 0;

export function makeCgroup(which: Which): RealCgroup {
  const name = `cgkill-test-${process.pid}-${++made}`;
  const mount = mountOf(which);
  const dir = `${mount?.point}/${name}`;
  if (mount !== undefined) watchOver(mount.point, (into, pid) => write(`${into}/cgroup.procs`, String(pid)));
  mkdirSync(dir);
  return { dir, path: `${mount?.root}/${name}`, [Symbol.asyncDispose]: () => destroy(dir) };
}

export type Adversary =
  | "sleepers"
  | "stopped"
  | "ignorant"
  | "forkbomb"
  | "comet"
  | "deadleader"
  | "threads"
  | "vforker"
  | "hopper"
  | "nester"
  | "digger"
  | "churner"
  | "threadstorm"
  | "ghost"
  | "exec"
  | "hydra"
  | "zombies"
  | "tracer"
  | "pidns"
  | "memhog"
  | "splitthread"
  | "feeder"
  | "tracehold"
  | "samepid"
  | "noreap"
  | "unwaited"
  | "nshold"
  | "fusehang"
  | "relay"
  | "shuttle"
  | "renamer"
  | "rescuer"
  | "leaser";

const LIFETIME_S = 60;
const RUN = `${import.meta.dir}/adversaries/run.ts`;

/** Start an adversary in a cgroup. Its supervisor stays outside and is killed with the returned handle. */
export function startAdversary(name: Adversary, count: number, dir: string, other = ""): AsyncDisposable {
  const child = Bun.spawn([process.execPath, RUN, name, String(count), String(LIFETIME_S), dir, other], {
    stdio: ["ignore", "inherit", "inherit"],
    argv0: name,
  });
  return {
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

/** Thaw a cgroup and its ancestors up to the test's own, because a process that is frozen on v1 does not die. */
export function thawUpwards(dir: string): void {
  for (let at = dir; at.includes("/cgkill-"); at = at.slice(0, at.lastIndexOf("/"))) {
    quietly(() => write(`${at}/freezer.state`, "THAWED"));
  }
}

/** The scheduling policy of a process; 2 is SCHED_RR. */
export const policyOf = (pid: number): number => Number(statOf(pid)[38]);

/** Whether a real-time priority is to be had here: a v1 cgroup that divides processor time allows none. */
export const isRealtimePermitted = (): boolean => Bun.spawnSync(["chrt", "-r", "1", "true"]).success;

/** Start a process in a cgroup, and wait until it sleeps. It is killed with the handle, frozen or not. */
export async function startSleeper(dir: string | Buffer): Promise<AsyncDisposable & { readonly pid: number }> {
  const child = Bun.spawn(["sleep", "1000"], { stdio: ["ignore", "ignore", "ignore"] });
  await until("a sleeper", () => isAsleep(child.pid));
  write(Buffer.concat([Buffer.from(dir), Buffer.from("/cgroup.procs")]), String(child.pid));
  return {
    pid: child.pid,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      thawUpwards(String(dir));
      await child.exited;
    },
  };
}

const SESSION = statOf(process.pid)[3];

/** Whether the last fork of a daemon ("ignorant") is done: it has the session of a leader that has exited. */
export function isSettledDaemon(pid: number): boolean {
  const [, , , session] = statOf(pid);
  return session !== undefined && Number(session) !== pid && session !== SESSION;
}

/**
 * Start processes that only SIGKILL ends, and wait until they are all there is. Regression: two members may also be one
 * of them and the process that forks it; a test that took those for both found three a moment later.
 */
export async function startStubborn(dir: string, count: number): Promise<AsyncDisposable> {
  const adversary = startAdversary("ignorant", count, dir);
  await until(`${count} stubborn`, () => {
    const members = liveMembers(dir).filter(isAlive);
    return members.length === count && members.every(isSettledDaemon);
  });
  return adversary;
}

/** Whether it lives on in another thread than its leader, which has exited. */
export const isLeaderless = (pid: number): boolean => !isAlive(pid) && statusOf(pid, "Threads") === "2";

/**
 * Start processes whose leaders have exited, and wait until they are all there is. Regression: one that had not got so
 * far, or the process that starts them, was killed like any other.
 */
export async function startLeaderless(dir: string, count: number): Promise<AsyncDisposable> {
  const adversary = startAdversary("deadleader", count, dir);
  const isComplete = (): boolean => {
    const members = liveMembers(dir);
    return members.length === count && members.every(isLeaderless);
  };
  await until(`${count} exited leaders`, isComplete, 60_000);
  return adversary;
}

export const isAlive = (pid: number): boolean => !["", "Z", "X"].includes(stateOf(pid));
