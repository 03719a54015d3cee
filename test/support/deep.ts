// Cgroups whose paths are longer than the kernel accepts or shows. They are made, read and removed through directory
// handles, one name at a time.

import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmdirSync } from "node:fs";

import { quietly, write } from "./real-cgroup.ts";

/** How many bytes of a path `/proc/PID/cgroup` shows; it truncates the rest. */
export const SHOWN = 4095;

/** A short path to an open directory, valid in this process only. */
export const at = (fd: number): string => `/proc/self/fd/${fd}`;

/** Make a chain of cgroups with these names. @returns an open descriptor for each, the outermost first */
export function dig(dir: string, names: readonly string[]): number[] {
  const fds: number[] = [];
  for (const name of names) {
    const parent = fds.length === 0 ? dir : at(fds.at(-1) as number);
    mkdirSync(`${parent}/${name}`);
    fds.push(openSync(`${parent}/${name}`, "r"));
  }
  return fds;
}

/** Names, of at most 255 bytes each, that extend a path to exactly `target` bytes. */
export function namesToTheCut(path: string, target: number = SHOWN): string[] {
  const names: string[] = [];
  let left = target - Buffer.byteLength(path);
  while (left > 0) {
    // Never leave one byte, which would be a slash without a name.
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

/**
 * Visit a cgroup and everything below it, at any depth, children first. `visit` gets a usable path.
 */
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
        // It vanished in the meantime.
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
 * Thaw, kill and remove everything below a test's cgroup, but not the cgroup itself. Only that cgroup and those with
 * members are thawed, because each write to a v1 freezer makes the kernel walk the whole subtree.
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
