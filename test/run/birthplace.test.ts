// Where a command is born, on the modelled kernel: which hierarchy, and what is said if none will do.

import { describe, expect, test } from "bun:test";

import { findHierarchies } from "../../src/cgroup/open/hierarchy.ts";
import { openCgroup } from "../../src/cgroup/open/open.ts";
import { enterNew, makeChild, type PlaceOptions } from "../../src/run/birthplace.ts";
import { FakeKernel } from "../support/fake-kernel/fake-kernel.ts";
import { model } from "../support/model.ts";

const ANYWHERE: PlaceOptions = { parent: undefined, name: undefined, hierarchy: undefined };

const enter = (kernel: FakeKernel, options: Partial<PlaceOptions>) =>
  enterNew(kernel, findHierarchies(kernel), { ...ANYWHERE, ...options });

describe("no cgroup for the command", () => {
  // Regression: the name was then used in the freezer, where it made a second cgroup that no name told from the first.
  test("a name that is taken in v2 is not used in the freezer instead", () => {
    const kernel = new FakeKernel({ layout: "hybrid" });
    kernel.makeGroup("v2", "taken");
    expect(() => enter(kernel, { parent: "/", name: "taken" })).toThrow(
      /^\/sys\/fs\/cgroup\/unified\/taken: cannot make this cgroup: file exists \(EEXIST\)$/,
    );
    expect(kernel.openDescriptors).toBe(0);
  });

  // Regression: the hint used to be to name a cgroup that exists, which does not help to find one.
  test("a parent that exists in neither is named once, and the hint says where it was searched", () => {
    const kernel = new FakeKernel({ layout: "hybrid" });
    expect(() => enter(kernel, { parent: "/nowhere", hierarchy: "v2" })).toThrow(
      expect.objectContaining({ message: "--in /nowhere: no such cgroup", hint: "not found in v2" }),
    );
    expect(() => enter(kernel, { parent: "/nowhere" })).toThrow(
      expect.objectContaining({
        message: "--in /nowhere: no such cgroup",
        hint: expect.stringMatching(/^not found in v2, v1/) as string,
      }),
    );
  });

  // Regression: the hint used to be to name a cgroup that exists, as if /tmp did not.
  test("a parent that is no cgroup: the hint says where cgroups are", () => {
    const kernel = new FakeKernel({ layout: "hybrid" });
    const hint = expect.stringMatching(/^cgroups are below \/sys\/fs\/cgroup\/unified, /) as string;
    expect(() => enter(kernel, { parent: "/tmp" })).toThrow(
      expect.objectContaining({ message: "--in /tmp is not on a cgroup file system", hint }),
    );
  });

  test("in another v1 hierarchy: the message does not say that v2 and the freezer are not mounted", () => {
    const kernel = new FakeKernel({ layout: "hybrid" });
    const [other] = findHierarchies(kernel).filter(({ version, hasFreezer }) => version === "v1" && !hasFreezer);
    const hierarchy = other?.controllers ?? "";
    expect(() => enter(kernel, { hierarchy })).toThrow(
      `--hierarchy ${hierarchy}: cgkill run makes a cgroup in v2 or in the v1 freezer only`,
    );
  });
});

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
