// Every refusal by its code: the exact message, hint and commands, and nothing written.

import { expect, test } from "bun:test";

import type { Command } from "../../../src/advice.ts";
import { RefusedNameError } from "../../../src/cgroup/errors.ts";
import { findHierarchies } from "../../../src/cgroup/open/hierarchy.ts";
import { openCgroupOf } from "../../../src/cgroup/open/open-by-pid.ts";
import { findToSpare } from "../../../src/kill/moves/step-aside.ts";
import type { Refusal } from "../../../src/kill/types.ts";
import { execute, expectPromise, kill, type Model, model, plan } from "../../support/model.ts";

interface Refused {
  readonly on: Model;
  /** `null` if the name is refused before there is a plan. */
  readonly planned: Refusal | null;
  readonly error: Pick<Refusal, "message" | "hint" | "commands"> & { readonly code: string };
}

/** Plan and execute: the execution of a refused plan must report the same refusal. */
async function refuse(on: Model, dir: string = on.dir, options = {}): Promise<Refused> {
  const planned = await plan({ ...on, dir }, options);
  const { outcome } = await execute(on, planned);
  expect(outcome).toMatchObject({ outcome: "refused", killed: [], survivors: [], removed: false });
  if (outcome.error === null) throw new Error("refused without an error");
  expect(outcome.error).toMatchObject({ operation: null, path: null, errno: null });
  return { on, planned: planned.refusal, error: outcome.error };
}

function refuseName(name: string, on: Model = model("kill")): Promise<Refused> {
  return refusedOf(on, () => plan({ ...on, dir: name }));
}

async function refusedOf(on: Model, open: () => unknown): Promise<Refused> {
  try {
    await open();
  } catch (error) {
    if (!(error instanceof RefusedNameError)) throw error;
    return { on, planned: null, error };
  }
  throw new Error("not refused");
}

const V2 = "/sys/fs/cgroup/unified";

/** Refusals of a whole call, tested in test/cli/targets/resolve.test.ts and test/cli/targets/from-stdin.test.ts. */
type OfCall = "spare-not-inside" | "bad-line";

/** A record, so that the type checker finds a missing code. */
const CASES: Readonly<
  Record<
    Exclude<Refusal["code"], OfCall>,
    readonly [() => Refused | Promise<Refused>, message: string, hint: string | null, command?: Command]
  >
> = {
  "hierarchy-root": [
    () => refuse(model("kill"), V2),
    `${V2} is the root of a hierarchy, which contains every process`,
    "name a cgroup below it",
  ],
  "foreign-proc": [
    () => refuse(model("freezer on v1", { isProcForeign: true })),
    "/proc belongs to another pid namespace, in which each pid is that of another process",
    "mount the /proc of this pid namespace (unshare --pid needs --mount-proc), or run cgkill outside it",
  ],
  "holds-init": [
    () => {
      const on = model("kill");
      on.kernel.processes.get(1)?.groups.set(on.kernel.hierarchy("v2"), on.target);
      return refuse(on);
    },
    "/parent/target: contains PID 1; killing it would bring the system down",
    "name a cgroup below it that does not",
  ],
  "holds-standby": [
    () => {
      const on = model("kill");
      on.kernel.addProcess({ pid: on.kernel.pid, group: on.target, which: "v2" });
      return refuse(on, on.dir, { mayStepAside: false });
    },
    "/parent/target: contains this cgkill, which does not move while it reads names from standard input",
    "start it outside the cgroups whose names it is given, or give the name as an operand",
  ],
  "holds-ancestors": [
    () => {
      const on = model("kill");
      // The parent of cgkill's parent.
      on.kernel.addProcess({ pid: 800, comm: "sshd", group: on.target, which: "v2" });
      on.kernel.addProcess({ pid: 900, ppid: 800, comm: "bash" });
      (on.kernel.processes.get(on.kernel.pid) as { ppid: number }).ppid = 900;
      return refuse(on);
    },
    "/parent/target: contains pid 800 (sshd), which started this cgkill",
    "move it out first with --spare 800, or let it die with --allow-ancestors",
  ],
  "not-a-cgroup": [
    () => refuseName("/tmp"),
    "/tmp is not on a cgroup file system",
    `cgroups are below ${V2}, /sys/fs/cgroup/freezer, /sys/fs/cgroup/systemd, /sys/fs/cgroup/memory`,
  ],
  "empty-path": [() => refuseName(""), "missing cgroup: the name is empty", "in a script, check the variable"],
  "leaves-mount": [
    () => refuseName("parent/../../target"),
    "parent/../../target: a cgroup path must not contain ..",
    "write the path from the root of the hierarchy, without ..",
  ],
  "frozen-ancestor": [
    () => {
      const on = model("freezer on v1");
      on.kernel.makeGroup("freezer", "parent").isSwitchedOn = true;
      on.kernel.isWritable = () => false;
      return refuse(on);
    },
    "/parent/target: its ancestor /parent is frozen, and killed processes cannot be moved out to die",
    "thaw it, or let it be thawed for the duration of the kill: --thaw-ancestors",
    ["cgkill", "thaw", "/sys/fs/cgroup/freezer/parent"],
  ],
  threaded: [
    () => refuse(threaded("outside")),
    "/parent/target: is threaded, and pid 4000 also has threads outside it",
    "name the cgroup that contains all of its threads",
    ["cgkill", "show", `${V2}/parent`],
  ],
  "nowhere-to-step-aside": [
    async () => {
      const on = model("kill");
      on.kernel.processes.get(on.kernel.pid)?.groups.set(on.kernel.hierarchy("v2"), on.target);
      on.kernel.failNext("write", /cgroup\.procs$/, "EBUSY", Number.POSITIVE_INFINITY);
      const planned = await plan(on);
      expect([planned.refusal, await findToSpare(on.kernel, planned.cgroup, planned.options)]).toEqual([
        null,
        [on.kernel.pid],
      ]);
      const { outcome } = await execute(on, planned);
      if (outcome.error === null) throw new Error("refused without an error");
      return { on, planned: null, error: outcome.error };
    },
    "pid 1000 is inside /parent/target and could not be moved out: " +
      [`${V2}/cgroup.procs`, `${V2}/parent/cgroup.procs`]
        .map((path) => `write ${path}: device or resource busy (EBUSY)`)
        .join("; "),
    "name a cgroup outside the target that accepts processes: --spare-to CGROUP",
  ],
  covered: [
    () => {
      const on = model("kill", { isPrivileged: false });
      on.kernel.covers.add(`${V2}/parent/target/below`);
      return refuseName("/parent/target", on);
    },
    `/parent/target: something else is mounted at ${V2}/parent/target/below, and cgkill is not permitted to look beneath it`,
    "unmount it, or run cgkill with CAP_SYS_ADMIN",
  ],
  "not-mounted": [
    () => {
      const on = model("freezer on v1");
      on.kernel.hierarchy("v2").isMounted = false;
      return refuseName("/no/such", on);
    },
    "/no/such: not found, and it may be in the v2 hierarchy, which is not mounted here",
    "run cgkill where that hierarchy is mounted, or choose another one with --hierarchy " +
      "(in a systemd unit, see InaccessiblePaths=, TemporaryFileSystem=)",
  ],
  "not-where-named": [
    () => {
      const on = model("kill");
      const { kernel, target } = on;
      const [member] = kernel.live(target, kernel.hierarchy("v2"));
      // It leaves between the read of its path and the read of the lists of the cgroup there.
      kernel.onAccess = (operation, path) => {
        if (operation === "open" && path.endsWith("parent/target"))
          member?.groups.set(kernel.hierarchy("v2"), kernel.hierarchy("v2").root);
      };
      return refusedOf(on, () => openCgroupOf(kernel, findHierarchies(kernel), 2000));
    },
    "pid 2000 is not in /parent/target, where /proc placed it",
    "it has exited or was moved: check where it is now",
    ["cgkill", "show", "--pid", "2000"],
  ],
  changed: [
    async () => {
      const on = model("kill");
      const { kernel, target } = on;
      const planned = await plan(on);
      for (const process of kernel.live(target, kernel.hierarchy("v2"))) process.isDead = true;
      kernel.removeGroup(target);
      kernel.addProcess({ group: kernel.makeGroup("v2", "parent/target"), which: "v2" });
      const { outcome } = await execute(on, planned);
      if (outcome.error === null) throw new Error("refused without an error");
      return { on, planned: null, error: outcome.error };
    },
    `${V2}/parent/target: another cgroup has taken this name in the meantime`,
    "preview that one",
    ["cgkill", "show", `${V2}/parent/target`],
  ],
};

/** The target and its descendants are threaded. A process has one thread inside, and its leader inside or outside. */
function threaded(leader: "inside" | "outside"): Model {
  const on = model("kill");
  const { kernel, target } = on;
  for (const group of target.subtree()) group.isThreaded = true;
  const group = leader === "inside" ? target : kernel.makeGroup("v2", "parent");
  kernel.addProcess({ pid: 4000, group, which: "v2", otherThreads: [{ tid: 4001, group: target }] });
  return on;
}

for (const [code, [stage, message, hint, command]] of Object.entries(CASES)) {
  test(`${code}: exact message, hint and commands, and nothing is written`, async () => {
    const { on, planned, error } = await stage();
    const commands = command === undefined ? [] : [command];
    const advice = { hint: error.hint, commands: error.commands };
    expect({ code: error.code, message: error.message, ...advice }).toEqual({ code, message, hint, commands });
    if (planned !== null) expect(planned).toEqual({ code, message, hint, commands } as Refusal);
    expect(on.kernel.writes).toEqual([]);
    expect(on.kernel.openDescriptors).toBe(0);
  });
}

test.each(["/", V2, "/sys/fs/cgroup/freezer/", "/sys/fs/cgroup/memory"])(
  "the root, named %s: refused",
  async (name) => {
    const on = model("kill");
    try {
      expect((await refuse(on, name)).error.code).toBe("hierarchy-root");
    } catch (error) {
      if (!(error instanceof RefusedNameError)) throw error;
      expect(error.code).toBe("hierarchy-root");
    }
    expect(on.kernel.writes).toEqual([]);
  },
);

test.each([".", "./", "./x", "..", "../x"])("%s, in a working directory that is no cgroup: refused", async (name) => {
  const { on, error } = await refuseName(name);
  expect(error).toMatchObject({
    code: "not-a-cgroup",
    hint: "cd into a cgroup mount, or give a path from the root of a hierarchy",
  });
  expect(on.kernel.openDescriptors).toBe(0);
});

test("a threaded cgroup with all threads inside: killed by pidfd, not by cgroup.kill", async () => {
  const on = threaded("inside");
  const planned = await plan(on);
  expect([planned.refusal, planned.method]).toEqual([null, "freezer"]);
  const done = await execute(on, planned);
  expectPromise(on, done);
  expect(done.outcome).toMatchObject({ outcome: "killed", killedCount: 6 });
  expect(on.kernel.processes.get(4000)?.isDead).toBe(true);
  expect(on.kernel.writes.filter(({ path }) => path.endsWith("cgroup.kill"))).toEqual([]);
});

test("a domain with a threaded child: killed as a whole", async () => {
  const on = model("kill");
  const { kernel, target } = on;
  const below = kernel.makeGroup("v2", "parent/target/below");
  below.isThreaded = true;
  kernel.addProcess({ pid: 4000, group: target, which: "v2", otherThreads: [{ tid: 4001, group: below }] });
  const done = await kill(on, { remove: true });
  expectPromise(on, done);
  expect(done.outcome).toMatchObject({ outcome: "killed", method: "kill", killedCount: 6, removed: true });
});

test("a method that the cgroup does not have: an error that says why", async () => {
  await expect(plan(threaded("inside"), { method: "kill" })).rejects.toThrow(
    "/parent/target: method kill is not available in hierarchy v2: it has no cgroup.kill, or is threaded",
  );
  await expect(plan(model("freezer on v2"), { method: "kill" })).rejects.toThrow("it has no cgroup.kill");
  await expect(plan(model("freezer on v1"), { method: "kill" })).rejects.toThrow(
    "hierarchy v1: cgroup.kill exists in v2 only",
  );
  await expect(plan(model("sweep"), { method: "freezer" })).rejects.toThrow(
    "hierarchy memory: this hierarchy has no freezer",
  );
});

// Regression: the hint named one of them, and led to the refusal for the next.
test("several ancestors inside: the hint spares them all", async () => {
  const on = model("kill");
  const chain = ["sshd", "bash", "sudo"].map((comm, nth) => ({
    pid: 800 + nth,
    ppid: nth === 0 ? 1 : 799 + nth,
    comm,
  }));
  for (const each of chain) on.kernel.addProcess({ ...each, group: on.target, which: "v2" });
  (on.kernel.processes.get(on.kernel.pid) as { ppid: number }).ppid = 802;
  const { error } = await refuse(on);
  expect([error.message, error.hint]).toEqual([
    "/parent/target: contains pid 802 (sudo) and 2 others, which started this cgkill",
    "move them out first with --spare 802,801,800, or let them die with --allow-ancestors",
  ]);
  const { outcome } = await kill(on, { spare: [802, 801, 800] });
  expect(outcome.outcome).toBe("killed");
});
