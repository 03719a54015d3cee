// Snapshots of the guarded processes: when one is used again, and when not.

import { describe, expect, test } from "bun:test";
import { readFileSync, statSync } from "node:fs";
import { release } from "node:os";

import { findHierarchies } from "../../../src/cgroup/open/hierarchy.ts";
import { openCgroup } from "../../../src/cgroup/open/open.ts";
import { createGuardedCache } from "../../../src/kill/plan/guarded-cache.ts";
import { planKill } from "../../../src/kill/plan/plan.ts";
import { DEFAULT_OPTIONS, type KillOptions, type Refusal } from "../../../src/kill/types.ts";
import { libcCalls } from "../../../src/sys/calls/libc-calls.ts";
import { linuxSys } from "../../../src/sys/linux.ts";
import { type PidfdInfo, POLLIN } from "../../../src/sys/sys.ts";
import { type Model, model, type Way } from "../../support/model.ts";
import {
  canStage,
  isAlive,
  liveMembers,
  makeCgroup,
  startAdversary,
  startSleeper,
  until,
} from "../../support/real-cgroup.ts";

type RefusalCode = Refusal["code"];

const SHELL = 900;
const SUDO = 901;

/** cgkill was started by a shell, which sudo started. */
function staged(way: Way = "kill", given: Parameters<typeof model>[1] = {}) {
  const on = model(way, given);
  const { kernel, which } = on;
  kernel.addProcess({ pid: SUDO, comm: "sudo", group: kernel.makeGroup(which, "home"), which });
  kernel.addProcess({ pid: SHELL, ppid: SUDO, comm: "bash", group: kernel.makeGroup(which, "home"), which });
  processOf(on, kernel.pid).ppid = SHELL;
  const cache = createGuardedCache(true);
  const proc: string[] = [];
  kernel.onAccess = (operation, path) => {
    if (operation === "read" && path.startsWith("/proc/")) proc.push(path);
  };
  /** @returns the code of the refusal, and which files of /proc were read */
  const name = async (options: Partial<KillOptions> = {}) => {
    cache.expire();
    kernel.advance(1000);
    proc.length = 0;
    using cgroup = openCgroup(kernel, findHierarchies(kernel), on.dir);
    proc.length = 0;
    const all = { ...DEFAULT_OPTIONS, mayStepAside: false, ...options };
    const { refusal, ancestors } = await planKill(kernel, cgroup, all, {}, cache.read);
    return { code: refusal?.code ?? null, ancestors: [...ancestors.keys()], proc: [...proc] };
  };
  return { ...on, cache, name };
}

const processOf = ({ kernel }: Pick<Model, "kernel">, pid: number) => {
  const process = kernel.processes.get(pid);
  if (process === undefined) throw new Error(`no process ${pid}`);
  return process;
};

const moveIn = ({ kernel, target, which }: Model, pid: number): void =>
  void processOf({ kernel }, pid).groups.set(kernel.hierarchy(which), target);

describe.each<Way>(["kill", "freezer on v1"])("a lasting snapshot, %s", (way) => {
  test("is used for as long as nothing changes", async () => {
    const { name, cache, kernel, target } = staged(way);
    // The list of a v1 cgroup without children tells more than /proc.
    for (const child of target.children.values())
      for (const each of kernel.processes.values()) if ([...each.groups.values()].includes(child)) each.isDead = true;
    for (const child of [...target.children.values()]) kernel.removeGroup(child);
    expect((await name()).proc).toContain(`/proc/${SHELL}/status`);
    for (let i = 0; i < 3; i++) expect(await name()).toEqual({ code: null, ancestors: [SHELL, SUDO], proc: [] });
    cache[Symbol.dispose]();
    expect(kernel.openDescriptors).toBe(0);
  });

  test.each<[string, (on: Model) => void, RefusalCode]>([
    ["PID 1 is moved in", (on) => moveIn(on, 1), "holds-init"],
    ["the parent is moved in", (on) => moveIn(on, SHELL), "holds-ancestors"],
    ["its parent is moved in", (on) => moveIn(on, SUDO), "holds-ancestors"],
    ["cgkill itself is moved in", (on) => moveIn(on, on.kernel.pid), "holds-standby"],
    [
      "the parent dies, and a member adopts cgkill",
      (on) => {
        processOf(on, SHELL).isDead = true;
        processOf(on, SHELL).isReaped = true;
        processOf(on, on.kernel.pid).ppid = on.kernel.live(on.target, on.kernel.hierarchy(on.which))[0]?.pid ?? 0;
      },
      "holds-ancestors",
    ],
    [
      "a member adopts the parent",
      (on) => void (processOf(on, SHELL).ppid = on.kernel.live(on.target, on.kernel.hierarchy(on.which))[0]?.pid ?? 0),
      "holds-ancestors",
    ],
    [
      "the leader of the parent exits, and the rest of it is moved in",
      (on) => {
        const others = [{ tid: 9500, group: on.target }];
        Object.assign(processOf(on, SHELL), { tid: 9500, otherThreads: others });
      },
      "holds-ancestors",
    ],
    [
      "/proc begins to hide the parent (hidepid=2), which is moved in",
      (on) => {
        on.kernel.failNext("read", new RegExp(`^/proc/${SHELL}/`), "ENOENT", Number.POSITIVE_INFINITY);
        moveIn(on, SHELL);
      },
      "holds-ancestors",
    ],
  ])("%s: seen at the next name", async (_, change, code) => {
    const on = staged(way);
    for (let i = 0; i < 2; i++) expect((await on.name()).code).toBeNull();
    change(on);
    expect((await on.name()).code).toBe(code);
    on.cache[Symbol.dispose]();
    expect(on.kernel.openDescriptors).toBe(0);
  });

  test("a process that was elsewhere only while its place was read is seen at the next name", async () => {
    const on = staged(way);
    const { kernel, target, which } = on;
    const home = kernel.makeGroup(which, "home");
    const note = kernel.onAccess;
    kernel.onAccess = (operation, path) => {
      note(operation, path);
      const group = path === `/proc/${SHELL}/cgroup` ? home : target;
      processOf(on, SHELL).groups.set(kernel.hierarchy(which), group);
    };
    expect((await on.name()).code).toBeNull();
    kernel.onAccess = note;
    expect((await on.name()).code).toBe("holds-ancestors");
    on.cache[Symbol.dispose]();
    expect(kernel.openDescriptors).toBe(0);
  });

  test("what was allowed for one target is not allowed for another", async () => {
    const on = staged(way);
    moveIn(on, SHELL);
    expect((await on.name({ allowAncestors: true })).code).toBeNull();
    expect((await on.name()).code).toBe("holds-ancestors");
    expect((await on.name({ allowAncestors: true })).code).toBeNull();
    on.cache[Symbol.dispose]();
    expect(on.kernel.openDescriptors).toBe(0);
  });
});

test("snapshots of two hierarchies share the pidfds", async () => {
  const { kernel, cache } = staged();
  const options = { ...DEFAULT_OPTIONS, mayStepAside: false };
  let opened = 0;
  kernel.onAccess = (operation) => void (operation === "pidfd_open" && opened++);
  for (let i = 0; i < 3; i++) {
    for (const hierarchy of findHierarchies(kernel)) cache.read(kernel, hierarchy, options);
    cache.expire();
  }
  // PID 1, cgkill, the shell and sudo.
  expect(opened).toBe(4);
  expect(kernel.openDescriptors).toBe(4);
  cache[Symbol.dispose]();
  expect(kernel.openDescriptors).toBe(0);
});

test("descriptors are left to the kills if there are few", async () => {
  const { name, kernel } = staged();
  kernel.raiseFileLimit = () => 32;
  for (let i = 0; i < 2; i++) {
    expect((await name()).proc).toContain(`/proc/${SHELL}/status`);
    expect(kernel.openDescriptors).toBe(0);
  }
});

test("on a kernel without pidfds, /proc is read for each name", async () => {
  const { name, kernel } = staged("kill", { hasPidfd: false });
  for (let i = 0; i < 2; i++) {
    // Once, as without a cache.
    expect((await name()).proc.filter((path) => path === `/proc/${SHELL}/status`)).toHaveLength(1);
  }
  expect(kernel.openDescriptors).toBe(0);
});

test.skipIf(!canStage("v2"))("the kernel tells parent and cgroup, and whether the leader has exited", async () => {
  const sys = linuxSys(libcCalls());
  await using group = makeCgroup("v2");
  await using sleeper = await startSleeper(group.dir);
  const cgroupId = statSync(group.dir, { bigint: true }).ino;
  const ppid = (pid: number): number => Number(readFileSync(`/proc/${pid}/stat`, "utf8").split(" ")[3]);
  const infoOf = (pid: number): PidfdInfo | undefined => {
    const pidfd = sys.pidfdOpen(pid) as number;
    try {
      expect(sys.poll([{ fd: pidfd, events: POLLIN }], 0)).toEqual([]);
      return sys.infoOf(pidfd);
    } finally {
      sys.close(pidfd);
    }
  };
  const [major = 0, minor = 0] = release().split(".").map(Number);
  const tells = major * 100 + minor >= 616;
  const info = infoOf(sleeper.pid);
  // Before 6.13 the kernel tells nothing.
  if (info !== undefined) expect(info).toEqual({ cgroupId, ppid: ppid(sleeper.pid), hasMemory: tells });
  else expect(tells).toBe(false);
  await using other = makeCgroup("v2");
  await using _ = startAdversary("deadleader", 1, other.dir);
  // The process that started it is a member for a moment.
  await until(
    "its leader has exited",
    () => liveMembers(other.dir).length === 1 && !liveMembers(other.dir).some(isAlive),
  );
  const [pid = 0] = liveMembers(other.dir);
  expect(infoOf(pid)?.hasMemory ?? false).toBe(false);
});
