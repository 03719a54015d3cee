// The cgroup that a command starts in is never left behind.

import { expect, test } from "bun:test";

import { findHierarchies } from "../../src/cgroup/open/hierarchy.ts";
import { openCgroup } from "../../src/cgroup/open/open.ts";
import { makeChild } from "../../src/run/child-cgroup.ts";
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
