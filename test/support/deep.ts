// Cgroups whose paths are longer than the kernel takes or prints. Made, watched and removed by handles, one name at a
// time, since no path leads there.

import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmdirSync } from "node:fs";

import { write } from "./real-cgroup.ts";

/** What `/proc/PID/cgroup` prints of a path at most, in bytes; the rest is cut off. */
export const SHOWN = 4095;

/** A directory by its handle, as a path of a few bytes that works in this process alone. */
export const at = (fd: number): string => `/proc/self/fd/${fd}`;

/** Make one cgroup below another for each name, and hold each: `[0]` is the first one made. */
export function dig(dir: string, names: readonly string[]): number[] {
  const fds: number[] = [];
  for (const name of names) {
    const parent = fds.length === 0 ? dir : at(fds.at(-1) as number);
    mkdirSync(`${parent}/${name}`);
    fds.push(openSync(`${parent}/${name}`, "r"));
  }
  return fds;
}

/** Names that, below a path of some length, make it exactly `SHOWN` bytes long; each has at most 255. */
export function namesToTheCut(path: string, target: number = SHOWN): string[] {
  const names: string[] = [];
  let left = target - Buffer.byteLength(path);
  while (left > 0) {
    // Never leave a rest of one byte: it would be a slash without a name.
    const bytes = left === 257 ? 200 : Math.min(left, 256);
    names.push("abcdefghijklmnopqrstuvwxyz".charAt(names.length % 26).repeat(bytes - 1));
    left -= bytes;
  }
  return names;
}

function childrenOf(dir: string): string[] {
  try {
    const entries = readdirSync(dir, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  } catch {
    return [];
  }
}

/** Visit a cgroup and all below it, however deep, children first; `visit` gets a directory that can be used as a path. */
export function visitDeep(dir: string, visit: (dir: string) => void): void {
  let fd: number;
  try {
    fd = openSync(dir, "r");
  } catch {
    return;
  }
  const stack: string[][] = [childrenOf(at(fd))];
  for (;;) {
    const name = stack.at(-1)?.pop();
    if (name !== undefined) {
      try {
        const child = openSync(`${at(fd)}/${name}`, "r");
        closeSync(fd);
        fd = child;
        stack.push(childrenOf(at(fd)));
      } catch {
        // It vanished.
      }
      continue;
    }
    visit(at(fd));
    stack.pop();
    if (stack.length === 0) break;
    const parent = openSync(`${at(fd)}/..`, "r");
    closeSync(fd);
    fd = parent;
  }
  closeSync(fd);
}

function quietly(action: () => void): void {
  try {
    action();
  } catch {
    // It has no such file, or is tried again by the caller.
  }
}

function endMembers(dir: string): void {
  let pids: number[] = [];
  quietly(() => {
    pids = readFileSync(`${dir}/cgroup.procs`, "utf8").split("\n").filter(Boolean).map(Number);
  });
  if (pids.length === 0) return;
  quietly(() => write(`${dir}/freezer.state`, "THAWED"));
  quietly(() => write(`${dir}/cgroup.freeze`, "0"));
  for (const pid of pids) if (pid > 1 && pid !== process.pid) quietly(() => process.kill(pid, "SIGKILL"));
}

/**
 * Thaw, kill and remove everything below a test's cgroup, but not the cgroup itself. Only cgroups with members, and the
 * one given, are thawed: each write to a v1 freezer costs a walk of all that is below.
 */
export function clearDeep(dir: string): void {
  if (!dir.includes("/cgkill-test-")) throw new Error(`not a test's cgroup: ${dir}`);
  quietly(() => write(`${dir}/freezer.state`, "THAWED"));
  quietly(() => write(`${dir}/cgroup.freeze`, "0"));
  endMembers(dir);
  visitDeep(dir, endMembers);
  const end = performance.now() + 10_000;
  for (let isEmpty = false; !isEmpty && performance.now() < end;) {
    visitDeep(dir, (path) => {
      for (const child of childrenOf(path)) quietly(() => rmdirSync(`${path}/${child}`));
    });
    isEmpty = childrenOf(dir).length === 0;
    if (!isEmpty) Bun.sleepSync(10);
  }
}
