// The modelled kernel as a `World` for the contract tests.

import type { PopulationKind, World } from "../contract/world.ts";
import { FakeKernel } from "./fake-kernel/fake-kernel.ts";
import type { FakeGroup } from "./fake-kernel/groups.ts";
import type { FakeOptions } from "./fake-kernel/options.ts";
import type { FakeProcess } from "./fake-kernel/processes.ts";

const KINDS: Readonly<Record<PopulationKind, (count: number) => Partial<FakeProcess>>> = {
  sleepers: () => ({}),
  forkbomb: (count) => ({ forksUpTo: count }),
  stopped: () => ({ ignoresTerm: true }),
  ignorant: () => ({ ignoresTerm: true }),
  deadleader: () => ({ missesKill: Number.POSITIVE_INFINITY }),
  execstorm: () => ({ missesKill: 2 }),
};

export function fakeWorld(version: "v1" | "v2", options: FakeOptions = {}): World & { readonly kernel: FakeKernel } {
  const kernel = new FakeKernel(options);
  const which = version === "v2" ? "v2" : "freezer";
  const hierarchy = kernel.hierarchy(which);
  const base = `${hierarchy.point}/base`;
  const groupAt = (dir: string): FakeGroup | undefined =>
    dir
      .slice(hierarchy.point.length)
      .split("/")
      .filter(Boolean)
      .reduce<FakeGroup | undefined>((group, name) => group?.children.get(name), hierarchy.root);
  const group = (dir: string): FakeGroup => {
    const found = groupAt(dir);
    if (found === undefined) throw new Error(`no such cgroup in this model: ${dir}`);
    return found;
  };
  let tids = 100_000;
  kernel.makeGroup(which, "base");
  return {
    kernel,
    version,
    sys: kernel,
    base,
    async makeCgroup(path) {
      kernel.makeGroup(which, `base/${path}`);
      return `${base}/${path}`;
    },
    async populate(dir, kind, count) {
      for (let i = 0; i < count; i++) {
        const thread = kind === "deadleader" ? { tid: tids++ } : {};
        kernel.addProcess({ ...KINDS[kind](count), ...thread, comm: kind, group: group(dir), which });
      }
    },
    async enter(dir) {
      kernel.processes.get(kernel.pid)?.groups.set(hierarchy, group(dir));
    },
    async freeze(dir) {
      group(dir).isSwitchedOn = true;
    },
    async removeCgroup(dir) {
      for (const process of kernel.live(group(dir), hierarchy)) process.isDead = true;
      kernel.removeGroup(group(dir));
    },
    members(dir) {
      const found = groupAt(dir);
      return found === undefined ? [] : kernel.live(found, hierarchy).map(({ pid }) => pid);
    },
    exists: (dir) => groupAt(dir) !== undefined,
    isFrozen(dir) {
      const found = groupAt(dir);
      return found !== undefined && [...found.subtree()].some(({ isSwitchedOn }) => isSwitchedOn);
    },
    soon: (ms, action) => kernel.at(ms, () => void action()),
    async [Symbol.asyncDispose]() {},
  };
}
