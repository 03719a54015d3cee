// A process that waits for a file system that never answers (adversary "fusehang"), so that it neither freezes nor dies.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";

import { readText, statusOf } from "./proc.ts";
import { isAlive, liveMembers, startAdversary, until } from "./real-cgroup.ts";

export interface Blocked extends AsyncDisposable {
  readonly pid: number;
  /** Its parent, outside: it dies when the server does. */
  readonly server: number;
}

/**
 * @param dir    a cgroup without other members that wait for such a file system; thawed when the handle is disposed
 * @param point  where it is mounted, in a mount namespace of its own
 */
export async function startBlocked(dir: string, point?: string): Promise<Blocked> {
  const scratch = mkdtempSync(`${tmpdir()}/cgkill-test-`);
  const adversary = startAdversary("fusehang", 1, dir, point ?? scratch);
  const find = (): number | undefined =>
    liveMembers(dir).find((pid) => readText(`/proc/${pid}/wchan`) === "request_wait_answer");
  await until("a blocked process", () => find() !== undefined);
  const pid = find() as number;
  const server = Number(statusOf(pid, "PPid"));
  return {
    pid,
    server,
    async [Symbol.asyncDispose]() {
      // On a slow host its alarm may have ended it already.
      if (isAlive(server)) process.kill(server, "SIGKILL");
      await until("its end", () => !isAlive(pid));
      await adversary[Symbol.asyncDispose]();
      rmSync(scratch, { recursive: true, force: true });
    },
  };
}
