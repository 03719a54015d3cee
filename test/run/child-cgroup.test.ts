// The cgroup that a command starts in is never left behind.

import { expect, test } from "bun:test";

import { findHierarchies } from "../../src/cgroup/open/hierarchy.ts";
import { openCgroup } from "../../src/cgroup/open/open.ts";
import { makeChild, removeStale } from "../../src/run/child-cgroup.ts";
import { model } from "../support/model.ts";

// Regression: it stayed.
test("a new cgroup that cannot be opened is removed again", () => {
  const { kernel, dir } = model("kill");
  const parent = openCgroup(kernel, findHierarchies(kernel), dir);
  kernel.failNext("open", /child$/, "EMFILE");
  expect(() => makeChild(kernel, parent, "child")).toThrow("EMFILE");
  expect(kernel.readSubdirs(parent.dir).map(({ name }) => name)).not.toContain("child");
  kernel.close(parent.fd);
  expect(kernel.openDescriptors).toBe(0);
});

test("of the children called after a pid, those of dead processes are removed if they are empty", () => {
  const { kernel, dir } = model("kill");
  const parent = openCgroup(kernel, findHierarchies(kernel), dir);
  const [dead, live, other] = ["own-4000", `own-${kernel.pid}`, "own-4001"];
  for (const name of [dead, live, other, "own-", "own-x", "own-4002-x"])
    kernel.makeGroup("v2", `parent/target/${name}`);
  kernel.addProcess({ group: kernel.makeGroup("v2", `parent/target/${other}`) });
  removeStale(kernel, parent, "own-");
  const left = kernel.readSubdirs(parent.dir).map(({ name }) => name);
  expect(left.toSorted()).toEqual(["below", live, other, "own-", "own-x", "own-4002-x"].toSorted());
  kernel.close(parent.fd);
  expect(kernel.openDescriptors).toBe(0);
});
