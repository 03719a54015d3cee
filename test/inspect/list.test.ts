// What `list` shows of a tree: counts per cgroup and subtree, freezer states, methods and refusals; it changes nothing.

import { describe, expect, test } from "bun:test";

import { CoveredError } from "../../src/cgroup/errors.ts";
import { findHierarchies } from "../../src/cgroup/open/hierarchy.ts";
import { openCgroup } from "../../src/cgroup/open/open.ts";
import { type ListedCgroup, listSubtree } from "../../src/inspect/list.ts";
import { FakeKernel } from "../support/fake-kernel/fake-kernel.ts";
import type { FakeGroup } from "../support/fake-kernel/groups.ts";
import type { FakeOptions } from "../support/fake-kernel/options.ts";

const WHICH = ["v2", "freezer", "memory"] as const;
const FREEZERS = ["v2", "freezer"] as const;

async function list(kernel: FakeKernel, which: string, path = "/"): Promise<ListedCgroup[]> {
  const dir = `${kernel.hierarchy(which).point}${path === "/" ? "" : path}`;
  const top = openCgroup(kernel, findHierarchies(kernel), dir);
  try {
    return await listSubtree(kernel, top);
  } finally {
    kernel.close(top.fd);
    expect(kernel.openDescriptors).toBe(0);
    expect(kernel.writes).toEqual([]);
  }
}

/** One field of each cgroup, by path. */
function facts<K extends keyof ListedCgroup>(listed: readonly ListedCgroup[], key: K): Record<string, ListedCgroup[K]> {
  return Object.fromEntries(listed.map((row) => [row.cgroup, row[key]]));
}

function fill(kernel: FakeKernel, which: string, path: string, count: number, given = {}): FakeGroup {
  const group = kernel.makeGroup(which, path);
  for (let i = 0; i < count; i++) kernel.addProcess({ group, which, ...given });
  return group;
}

/** a, a/b, a/b/c, a/b/d, a/e and f with 1, 0, 2, 3, 0 and 4 processes. */
function tree(which: string, options: FakeOptions = {}): FakeKernel {
  const kernel = new FakeKernel(options);
  for (const [path, count] of [
    ["a", 1],
    ["a/b", 0],
    ["a/b/c", 2],
    ["a/b/d", 3],
    ["a/e", 0],
    ["f", 4],
  ] as const) {
    fill(kernel, which, path, count);
  }
  return kernel;
}

describe("a tree", () => {
  test.each(WHICH)("%s: each cgroup comes after its parent, with its path and directory", async (which) => {
    const kernel = tree(which);
    const listed = await list(kernel, which);
    const paths = listed.map(({ cgroup }) => cgroup);
    expect(paths.toSorted()).toEqual(["/", "/a", "/a/b", "/a/b/c", "/a/b/d", "/a/e", "/f"]);
    for (const path of paths.slice(1)) {
      const parent = path.slice(0, path.lastIndexOf("/")) || "/";
      expect(paths.indexOf(parent)).toBeLessThan(paths.indexOf(path));
    }
    const { point } = kernel.hierarchy(which);
    for (const { cgroup, path } of listed) expect(path).toBe(`${point}${cgroup === "/" ? "" : cgroup}`);
    const name = { v2: "v2", freezer: "v1", memory: "memory" }[which];
    expect(new Set(listed.map(({ hierarchy }) => hierarchy))).toEqual(new Set([name]));
  });

  test.each(WHICH)("%s: processes are counted per cgroup and per subtree", async (which) => {
    const listed = await list(tree(which), which);
    expect(facts(listed, "procs")).toEqual({
      // PID 1 and cgkill.
      "/": 2,
      "/a": 1,
      "/a/b": 0,
      "/a/b/c": 2,
      "/a/b/d": 3,
      "/a/e": 0,
      "/f": 4,
    });
    expect(facts(listed, "procsSubtree")).toEqual({
      "/": 12,
      "/a": 6,
      "/a/b": 5,
      "/a/b/c": 2,
      "/a/b/d": 3,
      "/a/e": 0,
      "/f": 4,
    });
  });

  test.each(WHICH)("%s: a cgroup with a process in its subtree is populated", async (which) => {
    expect(facts(await list(tree(which), which), "populated")).toEqual({
      "/": true,
      "/a": true,
      "/a/b": true,
      "/a/b/c": true,
      "/a/b/d": true,
      "/a/e": false,
      "/f": true,
    });
  });

  test.each(WHICH)("%s: a list can start below the root", async (which) => {
    const listed = await list(tree(which), which, "/a/b");
    expect(facts(listed, "procsSubtree")).toEqual({ "/a/b": 5, "/a/b/c": 2, "/a/b/d": 3 });
  });

  test.each(WHICH)("%s: a cgroup whose name starts like another's is not counted in it", async (which) => {
    const kernel = new FakeKernel();
    fill(kernel, which, "a", 1);
    fill(kernel, which, "ab", 2);
    fill(kernel, which, "a/ab", 4);
    expect(facts(await list(kernel, which), "procsSubtree")).toEqual({ "/": 9, "/a": 5, "/ab": 2, "/a/ab": 4 });
  });

  test("v2: members outside our pid namespace are counted separately", async () => {
    const kernel = new FakeKernel();
    fill(kernel, "v2", "a", 2);
    fill(kernel, "v2", "a", 3, { isInvisible: true });
    fill(kernel, "v2", "a/b", 1, { isInvisible: true });
    const listed = await list(kernel, "v2", "/a");
    expect(facts(listed, "procs")).toEqual({ "/a": 2, "/a/b": 0 });
    expect(facts(listed, "invisible")).toEqual({ "/a": 3, "/a/b": 1 });
    expect(facts(listed, "populated")).toEqual({ "/a": true, "/a/b": true });
  });

  test.each(WHICH)("%s: a leaf with processes is read even if it is not wanted: it counts above", async (which) => {
    const kernel = tree(which);
    const top = openCgroup(kernel, findHierarchies(kernel), kernel.hierarchy(which).point);
    const listed = await listSubtree(kernel, top, {}, () => false);
    kernel.close(top.fd);
    const counts = { "/": expect.any(Number), "/a": 6, "/a/b": 5, "/a/b/c": 2, "/a/b/d": 3, "/f": 4 };
    expect(facts(listed, "procsSubtree")).toEqual(counts);
  });

  // Regression: the sums had it once for each of its cgroups, and once more for the domain above threaded ones.
  test.each(WHICH)("%s: a process with threads in several cgroups counts once in each cgroup above", async (which) => {
    const kernel = new FakeKernel();
    const isV2 = which === "v2";
    const [one, inner, other] = ["d/one", "d/one/inner", "d/other"].map((path) => {
      const group = kernel.makeGroup(which, path);
      group.isThreaded = isV2;
      return group;
    });
    const threadIn = (tid: number, group: FakeGroup | undefined) => ({ tid, group: group as FakeGroup });
    const otherThreads = [threadIn(9001, one), threadIn(9002, inner), threadIn(9003, inner), threadIn(9004, other)];
    kernel.addProcess({ group: kernel.makeGroup(which, "d"), which, otherThreads });
    fill(kernel, which, "d/other", 1);
    const listed = await list(kernel, which, "/d");
    expect(facts(listed, "procsSubtree")).toEqual({ "/d": 2, "/d/one": 1, "/d/one/inner": 1, "/d/other": 2 });
    expect(facts(listed, "procs")).toEqual({ "/d": isV2 ? 2 : 1, "/d/one": 1, "/d/one/inner": 1, "/d/other": 2 });
  });

  test("a path longer than PATH_MAX is listed", async () => {
    const kernel = new FakeKernel();
    const path = Array.from({ length: 40 }, (_, i) => `${"x".repeat(200)}${i}`).join("/");
    fill(kernel, "v2", path, 1);
    const listed = await list(kernel, "v2");
    expect(listed).toHaveLength(41);
    expect(listed[0]?.procsSubtree).toBe(3);
    expect(listed.at(-1)?.cgroup).toBe(`/${path}`);
  });
});

describe("processes and resources", () => {
  test("a cgroup has the start time of its first process and the distinct names of the first eight", async () => {
    const kernel = new FakeKernel();
    const names = ["nginx", "nginx", "sh", "a", "b", "c", "d", "e", "f"];
    for (const comm of names) fill(kernel, "v2", "a", 1, { comm });
    kernel.makeGroup("v2", "empty");
    const listed = await list(kernel, "v2");
    expect(facts(listed, "comms")).toEqual({
      "/": ["init", "cgkill"],
      "/a": ["nginx", "sh", "a", "b", "c", "d", "e"],
      "/empty": [],
    });
    // One second after boot.
    expect(facts(listed, "startedAt")).toEqual({
      "/": "2027-01-15T08:00:01.000Z",
      "/a": "2027-01-15T08:00:01.000Z",
      "/empty": null,
    });
  });

  test("a process that exits while it is read has no name, and its cgroup is listed", async () => {
    const kernel = new FakeKernel();
    fill(kernel, "v2", "a", 1, { comm: "first" });
    fill(kernel, "v2", "a", 1, { comm: "second" });
    kernel.failNext("read", /^\/proc\/2001\/comm$/, "ESRCH");
    expect(facts(await list(kernel, "v2", "/a"), "comms")).toEqual({ "/a": ["first"] });
    kernel.failNext("read", /^\/proc\/2000\/stat$/, "ENOENT");
    expect(await list(kernel, "v2", "/a")).toMatchObject([{ comms: [], startedAt: null, procs: 2 }]);
  });

  // Regression: an unreadable /proc entry of a member used to leave out its cgroup.
  test.each(["EACCES", "EPERM"])("a cgroup with a process hidden by %s is listed", async (errno) => {
    const kernel = new FakeKernel();
    fill(kernel, "v2", "a", 2);
    kernel.failNext("read", /^\/proc\/2000\/stat$/, errno, Number.POSITIVE_INFINITY);
    expect(await list(kernel, "v2", "/a")).toMatchObject([{ cgroup: "/a", procs: 2 }]);
  });

  test("memory and CPU time are null if the kernel does not account them", async () => {
    const kernel = new FakeKernel();
    const a = kernel.makeGroup("v2", "a");
    const b = kernel.makeGroup("v2", "a/b");
    fill(kernel, "v2", "a/b", 1);
    a.memory = 8192;
    b.memory = 0;
    a.cpuUsec = 1_234_500;
    const listed = await list(kernel, "v2", "/a");
    expect(facts(listed, "memoryBytes")).toEqual({ "/a": 8192, "/a/b": 0 });
    expect(facts(listed, "cpuMs")).toEqual({ "/a": 1234.5, "/a/b": null });

    kernel.makeGroup("memory", "m").memory = 4096;
    expect(await list(kernel, "memory", "/m")).toMatchObject([{ memoryBytes: 4096, cpuMs: null }]);
    kernel.makeGroup("freezer", "m").memory = 4096;
    expect(await list(kernel, "freezer", "/m")).toMatchObject([{ memoryBytes: null, cpuMs: null }]);
  });

  test("recognized names have labels", async () => {
    const id = "3f2a9c41d0be".padEnd(64, "0");
    const kernel = new FakeKernel({ layout: "unified" });
    for (const path of ["system.slice/nginx.service", `docker/${id}`, "batch/job7"]) kernel.makeGroup("v2", path);
    expect(facts(await list(kernel, "v2"), "label")).toEqual({
      "/": null,
      "/system.slice": "slice system.slice",
      "/system.slice/nginx.service": "unit nginx.service",
      "/docker": "docker containers",
      [`/docker/${id}`]: "docker 3f2a9c41d0be",
      "/batch": null,
      "/batch/job7": null,
    });
  });
});

describe("frozen", () => {
  const stateOf = (listed: readonly ListedCgroup[]) =>
    Object.fromEntries(listed.map(({ cgroup, state, frozenBy }) => [cgroup, `${state} by ${frozenBy}`]));

  test.each(FREEZERS)("%s: a cgroup frozen by itself or by an ancestor", async (which) => {
    const kernel = tree(which);
    kernel.makeGroup(which, "a/b").isSwitchedOn = true;
    expect(stateOf(await list(kernel, which))).toEqual({
      "/": "thawed by null",
      "/a": "thawed by null",
      "/a/b": "frozen by /a/b",
      "/a/b/c": "frozen by /a/b",
      "/a/b/d": "frozen by /a/b",
      "/a/e": "thawed by null",
      "/f": "thawed by null",
    });
  });

  test.each(FREEZERS)("%s: the frozen ancestor may be above the top of the list", async (which) => {
    const kernel = tree(which);
    kernel.makeGroup(which, "a").isSwitchedOn = true;
    expect(stateOf(await list(kernel, which, "/a/b"))).toEqual({
      "/a/b": "frozen by /a",
      "/a/b/c": "frozen by /a",
      "/a/b/d": "frozen by /a",
    });
  });

  test.each(FREEZERS)("%s: the nearest frozen cgroup is named", async (which) => {
    const kernel = tree(which);
    for (const path of ["a", "a/b/c"]) kernel.makeGroup(which, path).isSwitchedOn = true;
    expect(stateOf(await list(kernel, which, "/a"))).toEqual({
      "/a": "frozen by /a",
      "/a/b": "frozen by /a",
      "/a/b/c": "frozen by /a/b/c",
      "/a/b/d": "frozen by /a",
      "/a/e": "frozen by /a",
    });
  });

  test.each(FREEZERS)("%s: a cgroup that is not completely frozen is freezing", async (which) => {
    const kernel = tree(which);
    const group = kernel.makeGroup(which, "a/e");
    kernel.addProcess({ which, group });
    group.isSwitchedOn = true;
    group.readsToFreeze = Number.POSITIVE_INFINITY;
    expect(stateOf(await list(kernel, which, "/a/e"))).toEqual({ "/a/e": "freezing by /a/e" });
  });

  // Regression: on v2 it was shown as thawed.
  test.each(FREEZERS)("%s: so is one below, or below the top of the list", async (which) => {
    const kernel = tree(which);
    const group = kernel.makeGroup(which, "a/e");
    kernel.addProcess({ which, group });
    kernel.makeGroup(which, "a").isSwitchedOn = true;
    group.readsToFreeze = Number.POSITIVE_INFINITY;
    expect(stateOf(await list(kernel, which, "/a"))).toMatchObject({ "/a/e": "freezing by /a" });
    expect(stateOf(await list(kernel, which, "/a/e"))).toEqual({ "/a/e": "freezing by /a" });
  });

  test("a cgroup in a hierarchy without a freezer is thawed", async () => {
    const kernel = tree("memory");
    kernel.makeGroup("memory", "a").isSwitchedOn = true;
    expect(stateOf(await list(kernel, "memory", "/a/b/c"))).toEqual({ "/a/b/c": "thawed by null" });
  });
});

describe("what a kill would do", () => {
  test.each([
    ["v2", {}, "kill"],
    ["v2", { hasCgroupKill: false }, "freezer"],
    ["freezer", {}, "freezer"],
    ["memory", {}, "sweep"],
    ["name=systemd", {}, "sweep"],
  ] as const)("%s, %p: %s", async (which, options, method) => {
    const methods = (await list(tree(which, options), which)).filter(({ cgroup }) => cgroup !== "/");
    expect(methods.map((row) => row.method)).toEqual(Array<string>(6).fill(method) as (typeof method)[]);
  });

  test("a threaded cgroup has no cgroup.kill, and the types are shown", async () => {
    const kernel = new FakeKernel();
    fill(kernel, "v2", "dom", 1);
    kernel.makeGroup("v2", "dom/threads").isThreaded = true;
    kernel.makeGroup("v2", "other");
    const listed = await list(kernel, "v2");
    expect(facts(listed, "type")).toEqual({
      "/": "domain",
      "/dom": "domain threaded",
      "/dom/threads": "threaded",
      "/other": "domain",
    });
    expect(facts(listed.slice(1), "method")).toEqual({ "/dom": "kill", "/dom/threads": "freezer", "/other": "kill" });
  });

  test("every v1 cgroup has the type domain", async () => {
    expect(new Set((await list(tree("freezer"), "freezer")).map(({ type }) => type))).toEqual(new Set(["domain"]));
  });

  /** PID 1 is in /system/init, our parent in /user/shell, cgkill in /user/shell/cgkill. */
  function inhabited(which: string): { readonly kernel: FakeKernel; readonly shell: number } {
    const kernel = new FakeKernel();
    const hierarchy = kernel.hierarchy(which);
    const shell = kernel.addProcess({ comm: "shell", group: kernel.makeGroup(which, "user/shell"), which }).pid;
    const ourselves = kernel.processes.get(kernel.pid);
    if (ourselves !== undefined) ourselves.ppid = shell;
    kernel.processes.get(1)?.groups.set(hierarchy, kernel.makeGroup(which, "system/init"));
    ourselves?.groups.set(hierarchy, kernel.makeGroup(which, "user/shell/cgkill"));
    kernel.makeGroup(which, "system/other");
    return { kernel, shell };
  }

  const codes = (listed: readonly ListedCgroup[]) =>
    Object.fromEntries(listed.map(({ cgroup, refusal }) => [cgroup, refusal?.code ?? null]));

  test.each(WHICH)("%s: a cgroup that contains PID 1 or our ancestors is refused", async (which) => {
    const { kernel, shell } = inhabited(which);
    const listed = await list(kernel, which);
    expect(codes(listed)).toEqual({
      "/": "hierarchy-root",
      "/system": "holds-init",
      "/system/init": "holds-init",
      "/system/other": null,
      "/user": "holds-ancestors",
      "/user/shell": "holds-ancestors",
      // cgkill moves itself out.
      "/user/shell/cgkill": null,
    });
    expect(listed.find(({ cgroup }) => cgroup === "/user")?.refusal).toEqual({
      code: "holds-ancestors",
      message: `/user: contains pid ${shell} (shell), which started this cgkill`,
      hint: `move it out first with --spare ${shell}, or let it die with --allow-ancestors`,
      commands: [],
    });
  });
});

describe("races and errors", () => {
  test.each(WHICH)("%s: a cgroup removed at any moment is left out, and the others are right", async (which) => {
    let variants = 0;
    for (let at = 1; ; at++) {
      const kernel = tree(which);
      const top = openCgroup(kernel, findHierarchies(kernel), kernel.hierarchy(which).point);
      let accesses = 0;
      kernel.onAccess = () => {
        if (++accesses !== at) return;
        const gone = kernel.makeGroup(which, "a/b");
        for (const process of kernel.live(gone, kernel.hierarchy(which))) process.isDead = true;
        kernel.removeGroup(gone);
      };
      const listed = await listSubtree(kernel, top);
      kernel.close(top.fd);
      const procs = facts(listed, "procs");
      expect(procs).toMatchObject({ "/": 2, "/a": 1, "/a/e": 0, "/f": 4 });
      const sum = Object.values(procs).reduce((before, count) => before + count, 0);
      if ("/a/b" in procs) expect(listed[0]?.procsSubtree).toBe(sum);
      else variants++;
      expect(kernel.openDescriptors).toBe(0);
      if (accesses < at) break;
    }
    expect(variants).toBeGreaterThan(3);
  });

  test.each(WHICH)("%s: a cgroup that appears at any moment never hides another", async (which) => {
    const before = (await list(tree(which), which)).map(({ cgroup }) => cgroup);
    for (let at = 1; ; at++) {
      const kernel = tree(which);
      const top = openCgroup(kernel, findHierarchies(kernel), kernel.hierarchy(which).point);
      let accesses = 0;
      kernel.onAccess = () => {
        if (++accesses !== at) return;
        // A leaf becomes an inner cgroup.
        fill(kernel, which, "a/b/c/late", 1);
        fill(kernel, which, "f/late", 1);
      };
      const listed = (await listSubtree(kernel, top)).map(({ cgroup }) => cgroup);
      kernel.close(top.fd);
      expect(before.filter((path) => !listed.includes(path))).toEqual([]);
      if (accesses < at) break;
    }
  });

  test.each(WHICH)("%s: leaves are read by name, and a covered leaf is an error", async (which) => {
    const kernel = new FakeKernel();
    const { point } = kernel.hierarchy(which);
    for (const name of ["a", "b", "c"]) fill(kernel, which, `job/${name}`, 1);
    let stats = 0;
    const opened: string[] = [];
    kernel.onAccess = (operation, path) => {
      if (operation === "stat" && path.startsWith(`${point}/job/`)) stats++;
      if (operation === "open" && /\/job\/[abc]$/.test(path)) opened.push(path);
    };
    expect((await list(kernel, which, "/job")).length).toBe(4);
    expect(opened).toEqual([]);
    // v2 says that none of them has children.
    expect(stats).toBe(which === "v2" ? 0 : 3);
    const top = openCgroup(kernel, findHierarchies(kernel), `${point}/job`);
    kernel.covers.add(`${point}/job/b`);
    await expect(listSubtree(kernel, top)).rejects.toThrow(CoveredError);
    kernel.close(top.fd);
    expect(kernel.openDescriptors).toBe(0);
  });

  test("freezer: a leaf that has its name again after a read has missed it is listed", async () => {
    const kernel = new FakeKernel();
    const group = fill(kernel, "freezer", "job/leaf", 1);
    let misses = 0;
    kernel.onAccess = (operation, path) => {
      const isMissed = operation === "read" && path.endsWith("/job/leaf/freezer.state") && misses++ < 3;
      kernel.renameGroup(group, isMissed ? "renamed" : "leaf");
    };
    expect(facts(await list(kernel, "freezer", "/job"), "procsSubtree")).toEqual({ "/job": 1, "/job/leaf": 1 });
    expect(misses).toBe(4);
    // It has members, but never a state.
    misses = Number.NEGATIVE_INFINITY;
    await expect(list(kernel, "freezer", "/job")).rejects.toThrow("ENOENT");
  });

  test("a removed top gives an empty list", async () => {
    const kernel = tree("v2");
    const top = openCgroup(kernel, findHierarchies(kernel), `${kernel.hierarchy("v2").point}/a`);
    kernel.removeGroup(kernel.makeGroup("v2", "a"));
    expect(await listSubtree(kernel, top)).toEqual([]);
    kernel.close(top.fd);
    expect(kernel.openDescriptors).toBe(0);
  });

  test.each(WHICH)("%s: only the cgroup that cannot be read is left out", async (which) => {
    const kernel = tree(which);
    kernel.failNext("read", /\/f\/cgroup\.procs$/, "EACCES");
    const paths = (await list(kernel, which)).map(({ cgroup }) => cgroup);
    expect(paths.toSorted()).toEqual(["/", "/a", "/a/b", "/a/b/c", "/a/b/d", "/a/e"]);
  });

  // Regression: counts and `frozenBy` used to stop at a cgroup that was left out.
  test("processes below an unreadable cgroup are counted above it", async () => {
    const kernel = tree("freezer");
    kernel.failNext("read", /\/a\/b\/cgroup\.procs$/, "EACCES");
    expect(facts(await list(kernel, "freezer"), "procsSubtree")).toMatchObject({ "/": 12, "/a": 6 });
  });
  test("a cgroup below an unreadable one names the ancestor that freezes it", async () => {
    const kernel = tree("freezer");
    kernel.makeGroup("freezer", "a").isSwitchedOn = true;
    kernel.failNext("read", /\/a\/b\/cgroup\.procs$/, "EACCES");
    expect(facts(await list(kernel, "freezer"), "frozenBy")).toMatchObject({ "/a/b/c": "/a" });
  });

  // Regression: a removed first cgroup used to make all others look like a kernel without cgroup.kill.
  test("if the first cgroup is removed before cgroup.kill is checked, the others are still killed by it", async () => {
    const kernel = tree("v2");
    let hasGone = false;
    kernel.onAccess = (operation, path) => {
      if (hasGone || operation !== "access" || !path.endsWith("/cgroup.kill")) return;
      hasGone = true;
      kernel.removeGroup(kernel.makeGroup("v2", "a"));
    };
    expect(facts(await list(kernel, "v2"), "method")).toMatchObject({ "/f": "kill" });
  });
});
