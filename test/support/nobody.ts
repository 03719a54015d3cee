// An unprivileged user, the cgroups that a manager has delegated to it, and its processes.

import { chownSync, readdirSync } from "node:fs";

import { isAsleep } from "./proc.ts";
import { until, write } from "./real-cgroup.ts";

const NOBODY = 65534;
const setpriv: string | null = Bun.which("setpriv");
/** Prefix of a command that runs as this user. */
export const AS_NOBODY: readonly string[] = [setpriv ?? "", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"];

/** Prefix of a command that runs as root without the right to signal another user's processes. */
export const ROOT_WITHOUT_KILL: readonly string[] = [setpriv ?? "", "--bounding-set=-kill", "--inh-caps=-kill"];

/** Whether commands can run as this user; if not, a message says so. */
export function canBeNobody(): boolean {
  if (setpriv === null) console.warn("left out: without privileges (setpriv is not installed)");
  return setpriv !== null;
}

/** Delegate a cgroup as a manager does: the directory and these files, by default all. */
export function delegate(dir: string, files: readonly string[] = readdirSync(dir)): void {
  chownSync(dir, NOBODY, NOBODY);
  for (const file of files) chownSync(`${dir}/${file}`, NOBODY, NOBODY);
}

/** Start a sleeper as this user. @param before  prefix: a program that executes the sleeper */
export async function startAsNobody(
  dir: string,
  before: readonly string[] = [],
): Promise<AsyncDisposable & { readonly pid: number }> {
  const child = Bun.spawn([...AS_NOBODY, ...before, "sleep", "1000"], { stdio: ["ignore", "ignore", "ignore"] });
  await until("the start of the sleeper", () => isAsleep(child.pid));
  write(`${dir}/cgroup.procs`, String(child.pid));
  return {
    pid: child.pid,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}
