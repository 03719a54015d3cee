// A user without privileges, what a manager has delegated to him, and his processes.

import { chownSync, readdirSync, readFileSync } from "node:fs";

import { until, write } from "./real-cgroup.ts";

const NOBODY = 65534;
const setpriv: string | null = Bun.which("setpriv");
/** Words before a command that is to run as he. */
export const AS_NOBODY: readonly string[] = [setpriv ?? "", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"];

/** Words before a command that is to run as root without the right to signal another user's processes. */
export const ROOT_WITHOUT_KILL: readonly string[] = [setpriv ?? "", "--bounding-set=-kill", "--inh-caps=-kill"];

/** Where it cannot be, the run says so. */
export function canBeNobody(): boolean {
  if (setpriv === null) console.warn("left out: without privileges (setpriv is not installed)");
  return setpriv !== null;
}

/** As a manager delegates a cgroup: the directory and these files; all of them where it is told so. */
export function delegate(dir: string, files: readonly string[] = readdirSync(dir)): void {
  chownSync(dir, NOBODY, NOBODY);
  for (const file of files) chownSync(`${dir}/${file}`, NOBODY, NOBODY);
}

/** @param before  words before the sleeper, of a program that becomes it */
export async function startAsNobody(
  dir: string,
  before: readonly string[] = [],
): Promise<AsyncDisposable & { readonly pid: number }> {
  const child = Bun.spawn([...AS_NOBODY, ...before, "sleep", "1000"], { stdio: ["ignore", "ignore", "ignore"] });
  await until("the sleeper of nobody", () => readFileSync(`/proc/${child.pid}/comm`, "utf8") === "sleep\n");
  write(`${dir}/cgroup.procs`, String(child.pid));
  return {
    pid: child.pid,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}
