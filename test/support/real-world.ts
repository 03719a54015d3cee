// The real kernel as a `World` for the contract tests.

import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";

import { hostSys } from "../../src/sys/host.ts";
import type { PopulationKind, World } from "../contract/world.ts";
import {
  type Adversary,
  destroy,
  isAlive,
  isFrozen,
  isSettledDaemon,
  liveMembers,
  makeCgroup,
  mountPoint,
  startAdversary,
  subtree,
  until,
  write,
} from "./real-cgroup.ts";
import { writeExecStorm } from "./tiny-elf.ts";

const ADVERSARIES: Readonly<Record<PopulationKind, Adversary>> = {
  sleepers: "sleepers",
  forkbomb: "forkbomb",
  stopped: "stopped",
  ignorant: "ignorant",
  deadleader: "deadleader",
  execstorm: "exec",
};

export function realWorld(version: "v1" | "v2"): World {
  const base = makeCgroup(version);
  const scratch = mkdtempSync(`${tmpdir()}/cgkill-test-`);
  const handles: AsyncDisposable[] = [];
  const pending: Promise<unknown>[] = [];
  const storm = `${scratch}/storm`;
  // In the cgroup above the targets; the bystander and the canaries are beside and below.
  const above = Bun.spawn(["sleep", "1000"], { stdio: ["ignore", "ignore", "ignore"] });
  write(`${base.dir}/cgroup.procs`, String(above.pid));
  return {
    version,
    sys: hostSys(),
    base: base.dir,
    async makeCgroup(path) {
      mkdirSync(`${base.dir}/${path}`, { recursive: true });
      return `${base.dir}/${path}`;
    },
    async populate(dir, kind, count) {
      if (kind === "execstorm") writeExecStorm(storm);
      handles.push(startAdversary(ADVERSARIES[kind], count, dir, kind === "execstorm" ? storm : ""));
      // Settled: the same ones at two looks, but for those that never settle (a storm's threads end while they are
      // read).
      const isRestless = kind === "forkbomb" || kind === "execstorm";
      let before: readonly number[] = [];
      await until(`${count} ${kind} in ${dir}`, () => {
        const now = liveMembers(dir);
        const isSettled = isRestless || String(now) === String(before);
        before = now;
        // Each is started by a process that exits at once; until that is gone there are more than asked for.
        const isComplete = kind !== "ignorant" || now.every(isSettledDaemon);
        return now.length >= count && isComplete && isSettled;
      });
    },
    async enter(dir) {
      write(`${dir}/cgroup.procs`, String(process.pid));
      handles.push({
        async [Symbol.asyncDispose]() {
          write(`${mountPoint(version)}/cgroup.procs`, String(process.pid));
        },
      });
    },
    async freeze(dir) {
      if (version === "v1") write(`${dir}/freezer.state`, "FROZEN");
      else write(`${dir}/cgroup.freeze`, "1");
      await until(`${dir} frozen`, () => isFrozen(dir));
    },
    removeCgroup: destroy,
    members: liveMembers,
    exists: (dir) => subtree(dir).length > 0,
    isFrozen,
    soon(ms, action) {
      pending.push(Bun.sleep(ms).then(action));
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(pending);
      for (const handle of handles) await handle[Symbol.asyncDispose]();
      const isHarmed = !isAlive(above.pid);
      await base[Symbol.asyncDispose]();
      rmSync(scratch, { recursive: true, force: true });
      if (isHarmed) throw new Error("an innocent process was harmed: the one in the cgroup above the target");
    },
  };
}
