// Refused kills, each with its reason and a way out, and with nothing written: guards, stepping aside, a frozen ancestor.

import { describe, expect, test } from "bun:test";

import { execute, kill, model, plan } from "../../support/model.ts";

describe("refused, and nothing is written", () => {
  test("the root of a hierarchy", async () => {
    const on = model("kill");
    const done = await kill({ ...on, dir: on.kernel.hierarchy("v2").point });
    expect(done.outcome.outcome).toBe("refused");
    expect(done.outcome.error).toMatchObject({ code: "hierarchy-root", hint: "name a cgroup below it" });
    expect(on.kernel.writes).toEqual([]);
  });

  test("a cgroup that contains PID 1, also in a descendant", async () => {
    const on = model("kill");
    const { kernel, target } = on;
    kernel.processes.get(1)?.groups.set(kernel.hierarchy("v2"), target.children.get("below") ?? target);
    const done = await kill(on, { allowAncestors: true });
    expect(done.outcome.error).toMatchObject({ code: "holds-init" });
    expect(kernel.writes).toEqual([]);
  });

  test("a cgroup that contains the parent of cgkill, unless that is allowed or spared", async () => {
    const shell = 900;
    const staged = () => {
      const on = model("kill");
      on.kernel.addProcess({ pid: shell, comm: "bash", group: on.target, which: "v2" });
      (on.kernel.processes.get(on.kernel.pid) as { ppid: number }).ppid = shell;
      return on;
    };
    const refused = staged();
    const done = await kill(refused);
    expect(done.outcome.error).toMatchObject({ code: "holds-ancestors" });
    expect(done.outcome.error?.message).toContain("pid 900 (bash)");
    expect(done.outcome.error?.hint).toContain("--spare 900");
    expect(refused.kernel.writes).toEqual([]);

    const allowed = staged();
    expect((await kill(allowed, { allowAncestors: true })).outcome.outcome).toBe("killed");
    expect(allowed.kernel.processes.get(shell)?.isDead).toBe(true);

    const spared = staged();
    const { outcome } = await kill(spared, { spare: [shell] });
    expect(outcome).toMatchObject({ outcome: "killed", spared: [{ pid: shell }] });
    expect(spared.kernel.processes.get(shell)?.isDead).toBe(false);
  });

  // Regression: on v2 only the leader was read, which stays where it was when its process is moved.
  test("a cgroup that contains an ancestor whose leader has exited", async () => {
    const on = model("kill");
    const { kernel, target } = on;
    kernel.addProcess({ pid: 900, tid: 901, comm: "svc", otherThreads: [{ tid: 901, group: target }] });
    (kernel.processes.get(kernel.pid) as { ppid: number }).ppid = 900;
    const done = await kill(on);
    expect(done.outcome.error).toMatchObject({ code: "holds-ancestors" });
    expect(kernel.writes).toEqual([]);
  });

  test("a cgroup that contains an ancestor further up, although the parent of cgkill is outside", async () => {
    const on = model("kill");
    on.kernel.addProcess({ pid: 700, comm: "sshd", group: on.target, which: "v2" });
    on.kernel.addProcess({ pid: 800, ppid: 700, comm: "bash" });
    on.kernel.addProcess({ pid: 900, ppid: 800, comm: "make" });
    (on.kernel.processes.get(on.kernel.pid) as { ppid: number }).ppid = 900;
    const done = await kill(on);
    expect(done.outcome.error?.message).toContain("pid 700 (sshd)");
    expect(on.kernel.writes).toEqual([]);
  });

  test("a cgroup that has to be refused only after the plan", async () => {
    const on = model("kill");
    const planned = await plan(on);
    // The plan is old by now.
    on.kernel.poll([], 1000);
    on.kernel.processes.get(1)?.groups.set(on.kernel.hierarchy("v2"), on.target);
    const done = await execute(on, planned);
    expect(done.outcome.error).toMatchObject({ code: "holds-init" });
    expect(on.kernel.writes).toEqual([]);
  });
});

describe("stepping aside", () => {
  const inside = (way: "kill" | "freezer on v1") => {
    const on = model(way);
    on.kernel.processes.get(on.kernel.pid)?.groups.set(on.kernel.hierarchy(on.which), on.target);
    return on;
  };

  test("v2: init.scope first", async () => {
    const on = inside("kill");
    on.kernel.makeGroup("v2", "init.scope");
    const { outcome } = await kill(on);
    expect(outcome).toMatchObject({ outcome: "killed", spared: [{ pid: on.kernel.pid, cgroup: "/init.scope" }] });
  });

  test("then the cgroup of PID 1, then the nearest ancestor", async () => {
    const first = inside("kill");
    first.kernel.processes.get(1)?.groups.set(first.kernel.hierarchy("v2"), first.kernel.makeGroup("v2", "boot"));
    expect((await kill(first)).outcome.spared[0]?.cgroup).toBe("/boot");
    const second = inside("kill");
    second.kernel.failNext("write", /unified\/cgroup\.procs$/, "EBUSY");
    expect((await kill(second)).outcome.spared[0]?.cgroup).toBe("/parent");
  });

  test("never to a frozen cgroup, since cgkill would freeze as soon as it joined", async () => {
    const on = inside("kill");
    on.kernel.makeGroup("v2", "init.scope").isSwitchedOn = true;
    expect((await kill(on)).outcome.spared[0]?.cgroup).toBe("/");
    on.kernel.makeGroup("v2", "init.scope").isSwitchedOn = false;
  });

  test("no destination: refused, no process signalled, and those that had been moved are back", async () => {
    const on = inside("freezer on v1");
    const { kernel, target } = on;
    const other = kernel.addProcess({ group: target, which: "freezer" });
    // cgkill is moved out; the other process is not.
    let writes = 0;
    kernel.onAccess = (operation, path) => {
      if (operation === "write" && path.endsWith("cgroup.procs") && ++writes === 2) {
        kernel.failNext("write", /cgroup\.procs$/, "EPERM", 1);
      }
    };
    const done = await kill(on, { spare: [other.pid] });
    expect(done.outcome).toMatchObject({ outcome: "refused", spared: [], killed: [] });
    expect(done.outcome.error).toMatchObject({ code: "nowhere-to-step-aside" });
    expect(done.outcome.error?.hint).toContain("--spare-to");
    expect(kernel.processes.get(kernel.pid)?.groups.get(kernel.hierarchy("freezer"))).toBe(target);
    expect(kernel.writes.filter(({ operation }) => operation === "signal")).toEqual([]);
  });
});

describe("below a frozen v1 ancestor", () => {
  const frozen = () => {
    const on = model("freezer on v1");
    const parent = on.kernel.makeGroup("freezer", "parent");
    parent.isSwitchedOn = true;
    return { on, parent };
  };

  test("killed processes are moved out to die, and the ancestor stays frozen", async () => {
    const { on, parent } = frozen();
    const { outcome } = await kill(on);
    expect(outcome).toMatchObject({ outcome: "killed", killedCount: 5, leftFrozen: [] });
    expect(parent.isSwitchedOn).toBe(true);
    expect(on.innocents.map((pid) => on.kernel.processes.get(pid)?.killedAt)).toEqual([undefined, undefined]);
  });

  test("no destination: refused, with the path of the ancestor", async () => {
    const { on } = frozen();
    on.kernel.isWritable = () => false;
    const { outcome } = await kill(on);
    expect(outcome.error).toMatchObject({ code: "frozen-ancestor" });
    expect(outcome.error?.message).toContain("its ancestor /parent is frozen");
    expect(outcome.error?.hint).toContain("--thaw-ancestors");
    expect(on.kernel.writes).toEqual([]);
  });

  test("no destination, with --thaw-ancestors: thawed for the duration of the kill, and frozen again", async () => {
    const { on, parent } = frozen();
    on.kernel.isWritable = () => false;
    const { outcome, events } = await kill(on, { thawAncestors: true });
    expect(outcome).toMatchObject({ outcome: "killed", killedCount: 5 });
    expect(parent.isSwitchedOn).toBe(true);
    expect(events.map(({ kind }) => kind)).toContain("ancestors-frozen");
  });

  test("frozen again even if the kill fails", async () => {
    const { on, parent } = frozen();
    on.kernel.isWritable = () => false;
    on.kernel.failNext("read", /target\/cgroup\.procs$/, "EIO", Number.POSITIVE_INFINITY);
    const { outcome } = await kill(on, { thawAncestors: true });
    expect(outcome.outcome).toBe("failed");
    expect(parent.isSwitchedOn).toBe(true);
  });
});
