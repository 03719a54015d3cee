// Finding cgroups by name, alias or id, and the order in which the hierarchies are searched.

import { describe, expect, test } from "bun:test";

import { findHierarchies } from "../../src/cgroup/open/hierarchy.ts";
import { findByName, type FoundCgroup, readNames } from "../../src/inspect/find.ts";
import { FakeKernel } from "../support/fake-kernel/fake-kernel.ts";
import type { FakeOptions } from "../support/fake-kernel/options.ts";

const ID = "3f2a9c41d0be3f2a9c41d0be3f2a9c41d0be3f2a9c41d0be3f2a9c41d0be0123";
const POD = "0f5e1c2d-3a4b-5c6d-7e8f-9a0b1c2d3e4f";
const POD_SLICE = `/kubepods.slice/kubepods-pod${POD.replaceAll("-", "_")}.slice`;

/** A kernel with these cgroups, each given as "HIERARCHY:/path". */
function kernelWith(groups: readonly string[], options: FakeOptions = {}): FakeKernel {
  const kernel = new FakeKernel(options);
  for (const group of groups) {
    const at = group.indexOf(":");
    kernel.makeGroup(group.slice(0, at), group.slice(at + 1));
  }
  return kernel;
}

const findIn = async (kernel: FakeKernel, pattern: string, only?: string): Promise<FoundCgroup[]> =>
  await findByName(pattern, { sys: kernel, hierarchies: findHierarchies(kernel), only });

async function find(kernel: FakeKernel, pattern: string, only?: string): Promise<string[]> {
  const found = await findIn(kernel, pattern, only);
  expect(kernel.openDescriptors).toBe(0);
  expect(kernel.writes).toEqual([]);
  return found.map(({ name }) => name);
}

/** The paths that a pattern finds on a v2 host. */
async function findV2(paths: readonly string[], pattern: string): Promise<string[]> {
  const kernel = kernelWith(
    paths.map((path) => `v2:${path}`),
    { layout: "unified" },
  );
  return (await find(kernel, pattern)).map((name) => name.slice("/sys/fs/cgroup".length));
}

describe("names and globs", () => {
  test("a match has its path, directory and label", async () => {
    const kernel = kernelWith(["v2:/system.slice/nginx.service"], { layout: "unified" });
    expect(await findIn(kernel, "nginx.service")).toMatchObject([
      {
        path: "/system.slice/nginx.service",
        name: "/sys/fs/cgroup/system.slice/nginx.service",
        label: "unit nginx.service",
      },
    ]);
  });

  const BATCH = ["/batch", "/batch/job7", "/batch/job71", "/batch/job7/step", "/other/job7"];

  test.each([
    ["job7", ["/batch/job7", "/other/job7"]],
    ["job7*", ["/batch/job7", "/batch/job71", "/other/job7"]],
    ["job?", ["/batch/job7", "/other/job7"]],
    ["job7?", ["/batch/job71"]],
    ["{batch,step}", ["/batch", "/batch/job7/step"]],
    ["job[0-9]", ["/batch/job7", "/other/job7"]],
    ["*", ["/batch", "/batch/job7", "/batch/job7/step", "/batch/job71", "/other", "/other/job7"]],
    ["ob7", []],
    ["JOB7", []],
    ["batch/job7", []],
    ["/batch", []],
    ["", []],
  ] as const)("%p matches the whole last component, and the results are sorted", async (pattern, expected) => {
    expect(await findV2(BATCH, pattern)).toEqual([...expected]);
  });

  test.each([
    ["a-\udc80-x", ["/a-\udc80-x"]],
    ["a-\udc81-*", ["/a-\udc81-x"]],
    ["a-?-x", ["/a-b-x", "/a-\udc80-x", "/a-\udc81-x"]],
    ["!a-b-x", []],
    ["!*", ["/!important"]],
  ] as const)("%j: bytes are distinct characters, and a leading ! is an ordinary one", async (pattern, expected) => {
    const found = await findV2(["/a-\udc80-x", "/a-\udc81-x", "/a-b-x", "/!important"], pattern);
    expect(found.sort()).toEqual([...expected].sort());
  });

  test("the root never matches", async () => {
    expect(await findV2([], "*")).toEqual([]);
    expect(await findV2([], "")).toEqual([]);
  });

  test("a cgroup with an unrecognized name has no label", async () => {
    const kernel = kernelWith(["v2:/batch/job7"]);
    expect((await findIn(kernel, "job7"))[0]?.label).toBeNull();
  });
});

describe("aliases and ids", () => {
  const UNITS = [
    "/system.slice/nginx.service",
    "/system.slice/foo\\x2dbar.service",
    `/system.slice/docker-${ID}.scope`,
    POD_SLICE,
    `${POD_SLICE}/cri-containerd-${ID.replaceAll("3", "7")}.scope`,
    "/slurm/uid_1000/job_17/step_0",
    "/user.slice/user-1000.slice/session-3.scope",
  ];

  test.each([
    ["nginx", [UNITS[0]]],
    ["nginx.service", [UNITS[0]]],
    ["nginx.*", [UNITS[0]]],
    // Decoded as systemd does, as it is, and with the backslash escaped.
    ["foo-bar.service", [UNITS[1]]],
    ["foo\\x2dbar.service", [UNITS[1]]],
    ["foo\\\\x2dbar", [UNITS[1]]],
    [POD, [UNITS[3]]],
    ["17", [UNITS[5]]],
    ["session-3", [UNITS[6]]],
    [ID, [UNITS[2]]],
    [`docker-${ID}.scope`, [UNITS[2]]],
  ] as const)("%s", async (pattern, expected) => {
    expect(await findV2(UNITS, pattern)).toEqual(expected.map(String));
  });

  test.each([
    ["3f2", []],
    ["3f2a", [UNITS[2]]],
    ["3f2a9c41d0be", [UNITS[2]]],
    ["0f5e1c2d", [UNITS[3]]],
    // Only prefixes match, and only those of ids.
    ["f2a9", []],
    ["ngin", []],
    ["sess", []],
    // A glob is not an id prefix.
    ["3f2a*", [UNITS[2]]],
    ["3f*", [UNITS[2]]],
  ] as const)("%s: an id matches by a prefix of at least four digits", async (pattern, expected) => {
    expect(await findV2(UNITS, pattern)).toEqual(expected.map(String));
  });

  test.each([
    ["2651", ["/slurm/uid_1000/job_2651/step_0"]],
    ["26512651265", []],
    ["265126512651", [`/docker/${"2651".repeat(16)}`]],
    ["2651*", [`/docker/${"2651".repeat(16)}`, "/slurm/uid_1000/job_2651/step_0"]],
  ])("%s: a prefix of decimal digits matches an id only from 12 digits on", async (pattern, expected) => {
    expect(await findV2([`/docker/${"2651".repeat(16)}`, "/slurm/uid_1000/job_2651/step_0"], pattern)).toEqual(
      expected,
    );
  });

  test("a Slurm job is found in the cgroups of its processes, and never in those of slurmstepd", async () => {
    const job = "/system.slice/vm_slurmstepd.scope/job_7";
    const steps = ["batch", "4294967292", "0"].map((step) => `${job}/step_${step}`);
    const all = steps.flatMap((step) => [`${step}/user`, `${step}/slurm`]);
    const users = steps.map((step) => `${step}/user`).toSorted();
    const find = (pattern: string) => findV2([job, ...steps, ...all, "/slurm/uid_0/job_8/step_0"], pattern);
    expect([await find("7"), await find("job_7"), await find("7.*")]).toEqual([users, users, users]);
    expect(await find("7.extern")).toEqual([`${job}/step_4294967292/user`]);
    expect(await find("7.0")).toEqual([`${job}/step_0/user`]);
    expect(await find("step_batch")).toEqual([]);
    expect(await find("8")).toEqual(["/slurm/uid_0/job_8/step_0"]);
  });

  test("a prefix common to two ids finds both", async () => {
    const other = `3f2a${ID.slice(4).replaceAll("9", "8")}`;
    const paths = [`/docker/${ID}`, `/docker/${other}`];
    expect(await findV2(paths, "3f2a")).toEqual([...paths].sort());
    expect(await findV2(paths, ID.slice(0, 12))).toEqual([`/docker/${ID}`]);
  });

  test("a cgroup that matches by name, alias and id is found once", async () => {
    expect(await findV2([`/docker/${ID}`], ID)).toEqual([`/docker/${ID}`]);
  });
});

describe("the hierarchies searched", () => {
  const EVERYWHERE = ["v2:/a/job", "freezer:/b/job", "name=systemd:/c/job", "memory:/d/job", "cpu:/e/job"];
  const CONTROLLERS = ["memory", "freezer", "cpu"];

  test("v2 and the v1 freezer are searched together, and no other if they have a match", async () => {
    expect(await find(kernelWith(EVERYWHERE, { controllers: CONTROLLERS }), "job")).toEqual([
      "/sys/fs/cgroup/freezer/b/job",
      "/sys/fs/cgroup/unified/a/job",
    ]);
  });

  test.each([
    ["only v2 has it", ["v2:/a/job", "name=systemd:/c/job"], ["/sys/fs/cgroup/unified/a/job"]],
    ["only the freezer has it", ["freezer:/b/job", "memory:/d/job"], ["/sys/fs/cgroup/freezer/b/job"]],
    ["neither has it: name=systemd", EVERYWHERE.slice(2), ["/sys/fs/cgroup/systemd/c/job"]],
    ["not in name=systemd either: the others, in mount order", EVERYWHERE.slice(3), ["/sys/fs/cgroup/memory/d/job"]],
    ["only the last hierarchy has it", EVERYWHERE.slice(4), ["/sys/fs/cgroup/cpu/e/job"]],
    ["no hierarchy has it", [], []],
  ] as const)("%s", async (_, groups, expected) => {
    expect(await find(kernelWith(groups, { controllers: CONTROLLERS }), "job")).toEqual([...expected]);
  });

  test("on a legacy host, units are found in the hierarchy of systemd", async () => {
    const kernel = kernelWith(["name=systemd:/system.slice/nginx.service", "memory:/system.slice/nginx.service"], {
      layout: "legacy",
    });
    expect(await find(kernel, "nginx")).toEqual(["/sys/fs/cgroup/systemd/system.slice/nginx.service"]);
  });

  test.each([
    ["v2", ["/sys/fs/cgroup/unified/a/job"]],
    ["freezer", ["/sys/fs/cgroup/freezer/b/job"]],
    ["v1", ["/sys/fs/cgroup/freezer/b/job"]],
    ["memory", ["/sys/fs/cgroup/memory/d/job"]],
    ["name=systemd", ["/sys/fs/cgroup/systemd/c/job"]],
  ] as const)("--hierarchy %s restricts the search", async (only, expected) => {
    expect(await find(kernelWith(EVERYWHERE, { controllers: CONTROLLERS }), "job", only)).toEqual([...expected]);
  });

  test("--hierarchy v1 means the first v1 hierarchy that has a match", async () => {
    const kernel = kernelWith(["v2:/a/job", "memory:/d/job", "cpu:/e/job"], { controllers: CONTROLLERS });
    expect(await find(kernel, "job", "v1")).toEqual(["/sys/fs/cgroup/memory/d/job"]);
  });

  test("--hierarchy with one that is not mounted is an error", async () => {
    const kernel = kernelWith(EVERYWHERE.slice(0, 2));
    const message = "--hierarchy pids: no cgroup hierarchy of that name is mounted here";
    await expect(find(kernel, "job", "pids")).rejects.toMatchObject({
      name: "OptionError",
      message,
      hint: "mounted hierarchies: v2, v1, name=systemd, memory",
    });
    expect(kernel.openDescriptors).toBe(0);
  });
});

describe("races and errors", () => {
  const PATHS = ["v2:/a", "v2:/a/job", "v2:/b", "v2:/b/deep", "v2:/b/deep/job"];

  test("a cgroup removed at any moment is left out, and no descriptor leaks", async () => {
    for (let at = 1; ; at++) {
      const kernel = kernelWith(PATHS, { layout: "unified" });
      let accesses = 0;
      kernel.onAccess = () => {
        if (++accesses === at) kernel.removeGroup(kernel.makeGroup("v2", "b"));
      };
      const found = await find(kernel, "job");
      expect(found[0]).toBe("/sys/fs/cgroup/a/job");
      expect([[], ["/sys/fs/cgroup/b/deep/job"]]).toContainEqual(found.slice(1));
      if (accesses < at) break;
    }
  });

  test("an error at any access is thrown, and no descriptor leaks", async () => {
    let thrown = 0;
    for (let at = 1; ; at++) {
      const kernel = kernelWith(PATHS, { layout: "unified" });
      let accesses = 0;
      kernel.onAccess = (operation, path) => {
        if (++accesses === at) kernel.failNext(operation, new RegExp(`^${RegExp.escape(path)}$`), "EIO");
      };
      try {
        expect(await find(kernel, "job")).toEqual(["/sys/fs/cgroup/a/job", "/sys/fs/cgroup/b/deep/job"]);
      } catch (error) {
        expect(error).toMatchObject({ name: "SysError", errno: "EIO" });
        thrown++;
      }
      expect(kernel.openDescriptors).toBe(0);
      if (accesses < at) break;
    }
    expect(thrown).toBeGreaterThan(5);
  });
});

describe("readNames", () => {
  test("reads every cgroup of one hierarchy except its root", async () => {
    const kernel = kernelWith(["freezer:/b/c", "v2:/a", "name=systemd:/e.service"]);
    const names: string[][] = [];
    for (const hierarchy of findHierarchies(kernel)) {
      names.push((await readNames(kernel, hierarchy)).names.map(({ path }) => path));
    }
    expect(names.slice(0, 3)).toEqual([["/a"], ["/b", "/b/c"], ["/e.service"]]);
    expect(kernel.openDescriptors).toBe(0);
  });
});
