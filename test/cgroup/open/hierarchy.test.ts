import { expect, test } from "bun:test";

import { findHierarchies, hierarchyName, isHierarchyNamed, layoutOf } from "../../../src/cgroup/open/hierarchy.ts";
import { isWithin } from "../../../src/cgroup/open/path-names.ts";
import type { Hierarchy } from "../../../src/cgroup/types.ts";
import type { Sys } from "../../../src/sys/sys.ts";
import { recordedSys } from "../../support/recorded.ts";

const names = (hierarchies: readonly Hierarchy[]): string[] => hierarchies.map(({ controllers }) => controllers);

test("a unified host has one hierarchy, v2", () => {
  const hierarchies = findHierarchies(recordedSys("unified"));
  expect(layoutOf(hierarchies)).toBe("unified");
  expect(hierarchies).toEqual([
    {
      version: "v2",
      controllers: "",
      hasFreezer: false,
      mounts: [{ id: 34, root: "/", point: "/sys/fs/cgroup", covers: [] }],
    },
  ]);
});

test("a cgroup mount over another cgroup is a cover, and no names are looked up in it", () => {
  const point = "/sys/fs/cgroup/target";
  const over = `900 34 0:29 /other ${point} rw - cgroup2 cgroup2 rw\n`;
  const [v2] = findHierarchies(recordedSys("unified", over));
  expect(v2?.mounts).toEqual([{ id: 34, root: "/", point: "/sys/fs/cgroup", covers: [point] }]);
});

// Regression: a hierarchy came as early as its first mount, used or not.
test("a mount inside another cgroup mount is used only without another one, and does not change the order", () => {
  const freezer = "32 1 0:28 / /freezer rw - cgroup cgroup rw,freezer\n";
  const nested = "33 1 0:29 / /freezer/a rw - cgroup cgroup rw,net_cls,net_prio\n";
  const cpu = "34 1 0:27 / /cpu rw - cgroup cgroup rw,cpu,cpuacct\n";
  const outer = "35 1 0:29 / /net rw - cgroup cgroup rw,net_cls,net_prio\n";
  const found = (text: string) => {
    const sys = recordedSys("legacy");
    const readFile: Sys["readFile"] = (dir, name) => (name === "self/mountinfo" ? text : sys.readFile(dir, name));
    return findHierarchies({ ...sys, readFile }).map(({ controllers, mounts }) => [controllers, mounts[0]?.point]);
  };
  const others = [
    ["freezer", "/freezer"],
    ["cpu,cpuacct", "/cpu"],
  ];
  expect(found(freezer + nested + cpu + outer)).toEqual([...others, ["net_cls,net_prio", "/net"]]);
  expect(found(freezer + cpu + nested)).toEqual([...others, ["net_cls,net_prio", "/freezer/a"]]);
});

test("the look-up order of a hybrid host: v2, the freezer, systemd's, the others", () => {
  const hierarchies = findHierarchies(recordedSys("hybrid"));
  expect(layoutOf(hierarchies)).toBe("hybrid");
  expect(names(hierarchies).slice(0, 3)).toEqual(["", "freezer", "name=systemd"]);
  expect(names(hierarchies).slice(3).sort()).toEqual([
    "blkio",
    "cpu",
    "cpuacct",
    "cpuset",
    "devices",
    "memory",
    "pids",
  ]);
});

test("a legacy host: co-mounted controllers are one hierarchy, and so are two mounts of the freezer", () => {
  const hierarchies = findHierarchies(recordedSys("legacy"));
  expect(layoutOf(hierarchies)).toBe("legacy");
  expect(names(hierarchies)).toEqual(["freezer", "name=systemd", "cpu,cpuacct", "net_cls,net_prio"]);
  expect(hierarchies[0]?.mounts.map(({ point }) => point)).toEqual(["/sys/fs/cgroup/freezer", "/mnt/second freezer"]);
});

test("in a container, a mount that shows cgroups above our namespace is kept and comes last", () => {
  const [v2] = findHierarchies(recordedSys("container"));
  expect(v2?.mounts.map(({ root }) => root)).toEqual(["/", "/../../.."]);
});

test("a bind mount of a subtree keeps its root, and octal escapes are decoded", () => {
  const [v2] = findHierarchies(recordedSys("bind"));
  expect(v2?.mounts[1]).toEqual({ id: 50, root: "/batch/job\\7", point: "/mnt/odd na\tme", covers: [] });
});

test("the name of a hierarchy is what --hierarchy accepts", () => {
  for (const machine of ["unified", "hybrid", "legacy"] as const) {
    for (const hierarchy of findHierarchies(recordedSys(machine))) {
      expect(isHierarchyNamed(hierarchy, hierarchyName(hierarchy))).toBe(true);
    }
  }
});

test.each([
  ["cpu", true],
  ["cpuacct", true],
  ["cpu,cpuacct", true],
  ["v1", true],
  ["v2", false],
  ["pu", false],
])("cpu,cpuacct is meant by --hierarchy %s: %p", (name, isMeant) => {
  const both = findHierarchies(recordedSys("legacy")).find(({ controllers }) => controllers === "cpu,cpuacct");
  expect(isHierarchyNamed(both as Hierarchy, name)).toBe(isMeant);
});

test.each([
  ["/a/b", "/a", true],
  ["/a", "/a", true],
  ["/ab", "/a", false],
  ["/a", "/a/b", false],
  ["/anything", "/", true],
])("%s within %s: %p", (path, ancestor, expected) => {
  expect(isWithin(path, ancestor)).toBe(expected);
});
