// Twins, on the modelled kernel: a path that is a cgroup in v2 and in the v1 freezer is one target, unless a process is in
// only one of them.

import { describe, expect, test } from "bun:test";

import { runCgkill } from "../../../src/cli/dispatch.ts";
import { documents } from "../../support/documents.ts";
import { FakeKernel } from "../../support/fake-kernel/fake-kernel.ts";
import type { FakeOptions } from "../../support/fake-kernel/options.ts";
import type { FakeProcess } from "../../support/fake-kernel/processes.ts";
import { writtenIo } from "../support.ts";

const V2 = "/sys/fs/cgroup/unified";
const V1 = "/sys/fs/cgroup/freezer";

interface Host {
  readonly kernel: FakeKernel;
  /** Add a process to the cgroups of a path, in both hierarchies or in one. */
  readonly add: (path: string, where?: "both" | "v2" | "v1", more?: Partial<FakeProcess>) => FakeProcess;
}

function host(options: FakeOptions = {}): Host {
  const kernel = new FakeKernel(options);
  return {
    kernel,
    add(path, where = "both", more = {}) {
      const process = kernel.addProcess(more);
      const [v2, v1] = (["v2", "freezer"] as const).map((which) => kernel.makeGroup(which, path));
      if (where !== "v1") process.groups.set(kernel.hierarchy("v2"), v2!);
      if (where !== "v2") process.groups.set(kernel.hierarchy("freezer"), v1!);
      return process;
    },
  };
}

async function run(kernel: FakeKernel, argv: readonly string[], isJson = true) {
  const { io, out, err } = writtenIo();
  const words = isJson ? ["--json", ...argv] : argv;
  const code = await runCgkill(words, { sys: kernel, io, abort: new AbortController().signal });
  expect(kernel.openDescriptors).toBe(0);
  return { code, out: out(), err: err(), reports: isJson ? documents(out()) : [] };
}

const isThere = (kernel: FakeKernel, which: "v2" | "freezer", name: string): boolean =>
  kernel.hierarchy(which).root.children.has(name);

/** The hierarchies that were written to, in order. */
const written = ({ writes }: FakeKernel): string[] => [
  ...new Set(writes.filter(({ path }) => path.startsWith("/")).map(({ path }) => (path.startsWith(V2) ? "v2" : "v1"))),
];

describe("the same processes in both: one target", () => {
  test.each([
    ["/x", "a path"],
    ["x", "a path without its first slash"],
  ])("%s, %s: killed in both, v2 first; each side is removed or kept by its own default", async (name) => {
    const { kernel, add } = host();
    const pids = [add("x").pid, add("x").pid, add("x/sub").pid];
    const { code, reports, err } = await run(kernel, [name]);
    expect(reports).toMatchObject([
      {
        cgroup: "/x",
        path: `${V2}/x`,
        hierarchy: "v2",
        method: "kill",
        outcome: "killed",
        killed_count: 3,
        removed: false,
        proven: true,
        twin: { path: `${V1}/x`, method: "freezer", removed: true },
        matches: null,
      },
    ]);
    expect(reports.flatMap(({ killed }) => (killed as { pid: number }[]).map(({ pid }) => pid)).sort()).toEqual(pids);
    expect([isThere(kernel, "v2", "x"), isThere(kernel, "freezer", "x")]).toEqual([true, false]);
    expect(written(kernel)[0]).toBe("v2");
    expect([code, err]).toEqual([0, ""]);
  });

  test.each([
    [["--remove"], true, true],
    [["--keep"], false, false],
  ])("%j is for both", async (argv, v2, v1) => {
    const { kernel, add } = host();
    add("x");
    const { code, reports } = await run(kernel, [...argv, "/x"]);
    expect(reports).toMatchObject([{ outcome: "killed", removed: v2, twin: { removed: v1 } }]);
    expect([isThere(kernel, "v2", "x"), isThere(kernel, "freezer", "x")]).toEqual([!v2, !v1]);
    expect(code).toBe(0);
  });

  test("--name finds both as one match; the line of the result has both", async () => {
    const { kernel, add } = host();
    const id = "dd7284673ec4".padEnd(64, "0");
    add(`docker/${id}`);
    const { code, out, err } = await run(kernel, ["--name", "dd7284673ec4"], false);
    expect(out).toContain(
      `killed  /docker/${id}  1 process, removed in v1, kept in v2, methods kill in v2, freezer in v1`,
    );
    expect(err).not.toContain("hint");
    expect(code).toBe(0);
  });

  test.each([
    ["a directory of v2", [`${V2}/x`], "v2", null],
    ["a directory of the freezer", [`${V1}/x`], "v1", null],
    ["--hierarchy v2", ["--hierarchy", "v2", "/x"], "v2", null],
    ["--hierarchy v1", ["--hierarchy", "v1", "/x"], "v1", null],
    ["--hierarchy freezer", ["--hierarchy", "freezer", "/x"], "v1", null],
  ])("%s names one hierarchy", async (_, argv, hierarchy, twin) => {
    const { kernel, add } = host();
    add("x");
    const { reports } = await run(kernel, argv);
    expect(reports).toMatchObject([{ outcome: "killed", hierarchy, twin }]);
    expect(isThere(kernel, hierarchy === "v2" ? "freezer" : "v2", "x")).toBe(true);
  });

  test("--pid names one hierarchy", async () => {
    const { kernel, add } = host();
    const { pid } = add("x");
    expect((await run(kernel, ["--pid", `${pid}`])).reports).toMatchObject([{ hierarchy: "v2", twin: null }]);
  });

  test("show reports the twin and changes nothing", async () => {
    const { kernel, add } = host();
    add("x");
    const { reports, code } = await run(kernel, ["show", "/x"]);
    expect(reports).toMatchObject([{ path: `${V2}/x`, twin: { path: `${V1}/x`, method: "freezer", removed: null } }]);
    expect([code, kernel.writes]).toEqual([0, []]);
    const { out } = await run(kernel, ["-n", "/x"], false);
    expect(out).toContain(`with its twin in the v1 freezer, by method freezer: ${V1}/x`);
  });

  const stepsOf = ({ reports }: Awaited<ReturnType<typeof run>>): string[] =>
    (reports[0]?.["plan"] as Array<{ step: string; path: string | null }>)
      .filter(({ step }) => step !== "wait")
      .map(({ step, path }) => [step, ...(path === null ? [] : [path])].join(" "));

  // Regression: the refusal came when the processes in v2 were dead already.
  test("a process that cannot be moved out of the freezer: refused, and nothing is killed or moved in v2", async () => {
    const { kernel, add } = host();
    const pids = [add("x").pid, add("x").pid];
    kernel.failNext("write", /freezer\/cgroup\.procs$/, "EACCES", Number.POSITIVE_INFINITY);
    const { reports, code } = await run(kernel, ["/x", "--spare", `${pids[0]}`]);
    expect(reports).toMatchObject([{ outcome: "refused", error: { code: "nowhere-to-step-aside" }, spared: [] }]);
    expect([code, pids.map((pid) => kernel.processes.get(pid)?.isDead)]).toEqual([4, [false, false]]);
    expect(kernel.writes).toEqual([]);
  });

  test("a process that cannot be moved out of v2: refused, and it is moved back in the freezer", async () => {
    const { kernel, add } = host();
    const spared = add("x");
    const other = add("x");
    kernel.failNext("write", /unified\/(.*\/)?cgroup\.procs$/, "EACCES", Number.POSITIVE_INFINITY);
    const { reports, code } = await run(kernel, ["/x", "--spare", `${spared.pid}`]);
    expect(reports).toMatchObject([{ outcome: "refused", error: { code: "nowhere-to-step-aside" }, spared: [] }]);
    expect([code, spared.isDead, other.isDead]).toEqual([4, false, false]);
    expect(spared.groups.get(kernel.hierarchy("freezer"))?.path).toBe("/x");
  });

  // Regression: what had been moved out of the freezer before the error was missing from the report.
  test("an error on the way out of the freezer: its kill moves the rest, and each that was moved is reported", async () => {
    const { kernel, add } = host();
    const [one, two] = [add("x"), add("x")];
    add("x");
    kernel.processes.get(1)?.groups.set(kernel.hierarchy("freezer"), kernel.makeGroup("freezer", "outside"));
    kernel.onAccess = (operation, path) => {
      if (operation !== "write" || path !== `${V1}/outside/cgroup.procs`) return;
      kernel.onAccess = () => {};
      kernel.failNext("read", new RegExp(`^/proc/${two.pid}/cgroup$`), "EIO");
    };
    const { reports, code } = await run(kernel, ["/x", "--spare", `${one.pid}`, "--spare", `${two.pid}`]);
    expect(reports).toMatchObject([{ outcome: "killed", killed_count: 1 }]);
    expect(new Set(reports[0]?.["spared"] as unknown[])).toEqual(
      new Set([one, two].flatMap(({ pid }) => ["/", "/outside"].map((cgroup) => ({ pid, cgroup })))),
    );
    expect([code, one.isDead, two.isDead]).toEqual([0, false, false]);
  });

  // Regression: the removal in v2 waited until the deadline for the freezer cgroup, which still had the spared process.
  test("--all-hierarchies with --spare: the other hierarchies are removed once the freezer is empty too", async () => {
    const { kernel, add } = host();
    const { pid } = add("x");
    add("x");
    kernel.makeGroup("memory", "x");
    const before = kernel.time;
    const { reports, code } = await run(kernel, ["-r", "--all-hierarchies", "--spare", `${pid}`, "/x"]);
    expect(reports).toMatchObject([{ outcome: "killed", killed_count: 1, removed: true, twin: { removed: true } }]);
    expect([code, kernel.hierarchy("memory").root.children.has("x")]).toEqual([0, false]);
    expect(kernel.time - before).toBeLessThan(1000);
  });

  test("with a frozen cgroup below it, the freezer is first: its processes die there, and none is moved out", async () => {
    const { kernel, add } = host();
    add("x");
    add("x/sub");
    kernel.makeGroup("freezer", "x/sub").isSwitchedOn = true;
    const { reports } = await run(kernel, ["/x"]);
    expect(reports).toMatchObject([{ outcome: "killed", killed_count: 2, twin: { removed: true } }]);
    expect(kernel.writes[0]?.path).toBe(`${V1}/x/freezer.state`);
    expect(kernel.writes.filter(({ path }) => path.endsWith("cgroup.procs"))).toEqual([]);
  });

  // Regression: the freezer used up the time, and v2 could look only once whether its processes were dead.
  test("frozen members that may not be signalled are killed in v2 before the deadline", async () => {
    const { kernel, add } = host();
    const { pid } = add("x", "both", { isDenied: true });
    kernel.makeGroup("freezer", "x").isSwitchedOn = true;
    const before = kernel.time;
    const { reports, code } = await run(kernel, ["-t", "2s", "/x"]);
    expect(reports).toMatchObject([{ outcome: "killed", killed: [{ pid }], survivors: [] }]);
    expect(code).toBe(0);
    expect(kernel.time - before).toBeLessThan(1900);
  });

  test("show lists the steps in both: what the first kill leaves, the second needs not do", async () => {
    const { kernel, add } = host();
    add("x");
    const kill = `kill ${V2}/x/cgroup.kill`;
    expect(stepsOf(await run(kernel, ["show", "/x"]))).toEqual([kill, `remove ${V1}/x`]);
    expect(stepsOf(await run(kernel, ["show", "--keep", "/x"]))).toEqual([kill]);
    expect(stepsOf(await run(kernel, ["show", "-r", "/x"]))).toEqual([kill, `remove ${V2}/x`, `remove ${V1}/x`]);
    const graceful = await run(kernel, ["show", "-g", "5s", "/x"]);
    expect(stepsOf(graceful)).toEqual(["grace", kill, `remove ${V1}/x`]);
    const { out } = await run(kernel, ["show", "/x"], false);
    expect(out).toContain(`\n  plan: SIGKILL; then remove ${V1}/x\n`);
  });

  test("show lists the steps in the freezer first if it has frozen the processes, which die then", async () => {
    const { kernel, add } = host();
    const { pid } = add("x");
    kernel.makeGroup("freezer", "x").isSwitchedOn = true;
    const shown = await run(kernel, ["show", "/x"]);
    const [state, below] = [`${V1}/x/freezer.state`, `${V1}/x`];
    expect(stepsOf(shown)).toEqual([`freeze ${state}`, "kill", `thaw ${state}`, `remove ${below}`]);
    expect(shown.reports[0]).toMatchObject({ processes: [{ pid, fate: "killed", fate_reason: null }] });
  });

  test("show: where cgroup.kill is denied, the steps in the freezer kill", async () => {
    const { kernel, add } = host();
    const { pid } = add("x");
    kernel.failNext("open", /cgroup\.kill$/, "EACCES", Number.POSITIVE_INFINITY);
    const shown = await run(kernel, ["show", "--keep", "/x"]);
    const state = `${V1}/x/freezer.state`;
    expect(stepsOf(shown)).toEqual([`kill ${V2}/x/cgroup.kill`, `freeze ${state}`, "kill", `thaw ${state}`]);
    expect(shown.reports[0]).toMatchObject({ processes: [{ pid, fate: "killed", fate_reason: null }] });
  });

  test("freeze and thaw act on both", async () => {
    const { kernel, add } = host();
    add("x");
    const isOn = () =>
      (["v2", "freezer"] as const).map((which) => kernel.hierarchy(which).root.children.get("x")?.isSwitchedOn);
    const twin = { path: `${V1}/x` };
    expect((await run(kernel, ["freeze", "/x"])).reports).toMatchObject([{ outcome: "frozen", path: `${V2}/x`, twin }]);
    expect(isOn()).toEqual([true, true]);
    expect((await run(kernel, ["thaw", "/x"])).reports).toMatchObject([{ outcome: "thawed", path: `${V2}/x`, twin }]);
    expect(isOn()).toEqual([false, false]);
  });

  test("frozen in both: all are killed", async () => {
    const { kernel, add } = host();
    add("x");
    await run(kernel, ["freeze", "/x"]);
    const { code, reports } = await run(kernel, ["/x"]);
    expect(reports).toMatchObject([{ outcome: "killed", killed_count: 1, proven: true, left_frozen: [] }]);
    // Regression: the freezer is emptied first, and its part of the outcome hid that v2 was thawed.
    expect(reports).toMatchObject([{ thawed_empty: true }]);
    expect(code).toBe(0);
  });

  test("a failure to remove the second: how many the grace signal has ended is reported all the same", async () => {
    const { kernel, add } = host();
    add("x");
    kernel.failNext("rmdir", /freezer\/x$/, "EIO");
    const { reports } = await run(kernel, ["-g", "2s", "/x"]);
    expect(reports).toMatchObject([{ outcome: "not-removed", killed_count: 1, ended_by_grace: 1 }]);
  });

  test("a freeze that does not complete in one of them is undone in both", async () => {
    const { kernel, add } = host();
    add("x");
    kernel.failNext("write", /freezer\.state$/, "EIO");
    const { reports, code } = await run(kernel, ["freeze", "/x"]);
    expect(reports).toMatchObject([{ outcome: "failed", left_frozen: [] }]);
    for (const which of ["v2", "freezer"] as const)
      expect(kernel.hierarchy(which).root.children.get("x")?.isSwitchedOn).toBe(false);
    expect(code).toBe(1);
  });

  // Regression: the cgroup in v2 stayed frozen while cgkill was stopped.
  test.each([
    ["frozen again after it", false, "frozen", [true, true]],
    ["and is thawed if v2 cannot be frozen again", true, "failed", [false, false]],
  ] as const)("a stop request while the second one freezes: neither is frozen meanwhile, %s", async (...each) => {
    const [, isFailing, outcome, isOnAtTheEnd] = each;
    const { kernel, add } = host();
    add("x");
    const isOn = () =>
      (["v2", "freezer"] as const).map((which) => kernel.hierarchy(which).root.children.get("x")?.isSwitchedOn);
    let freezing = 2;
    const readRecord = kernel.readRecord.bind(kernel);
    kernel.readRecord = (dir, name) =>
      name === "freezer.state" && isOn()[1] === true && freezing-- > 0 ? "FREEZING\n" : readRecord(dir, name);
    const seen: unknown[] = [];
    const pause = {
      isRequested: false,
      begin: () => ({ [Symbol.dispose]: () => {} }),
      async stop() {
        pause.isRequested = false;
        seen.push(isOn());
        kernel.time += 60_000;
        if (isFailing) kernel.failNext("write", /cgroup\.freeze$/, "EIO");
        return 60_000;
      },
    };
    const poll = kernel.poll.bind(kernel);
    kernel.poll = (...args) => {
      if (isOn()[1] === true && seen.length === 0) pause.isRequested = true;
      return poll(...args);
    };
    const { io, out } = writtenIo();
    const abort = new AbortController().signal;
    await runCgkill(["freeze", "--json", "/x"], { sys: kernel, io, abort, pause });
    expect(seen).toEqual([[false, false]]);
    expect(documents(out())).toMatchObject([{ outcome, left_frozen: [] }]);
    expect(isOn()).toEqual([...isOnAtTheEnd]);
  });

  test("the grace signal is sent once, and there is one grace period", async () => {
    const { kernel, add } = host();
    const { pid } = add("x", "both", { ignoresTerm: true });
    const start = kernel.time;
    const { reports } = await run(kernel, ["-g", "2s", "/x"]);
    expect(reports).toMatchObject([{ outcome: "killed", killed_count: 1 }]);
    expect(kernel.writes.filter(({ path, value }) => path === `pid ${pid}` && value === "15")).toHaveLength(1);
    expect(kernel.time - start).toBeLessThan(2500);
  });

  test("a survivor is reported once, within one deadline", async () => {
    const { kernel, add } = host();
    const { pid } = add("x", "both", { isStuck: true });
    const start = kernel.time;
    const { reports, code } = await run(kernel, ["-t", "1s", "/x"]);
    expect(reports).toMatchObject([
      { outcome: "survivors", survivors: [{ pid }], killed: [], twin: { removed: false } },
    ]);
    expect(kernel.time - start).toBeLessThan(1500);
    expect(code).toBe(6);
  });

  test("if one of them is refused, so are both, and nothing is touched", async () => {
    const { kernel, add } = host();
    add("x");
    const self = kernel.processes.get(1)!;
    self.groups.set(kernel.hierarchy("freezer"), kernel.makeGroup("freezer", "x/init"));
    self.groups.set(kernel.hierarchy("v2"), kernel.makeGroup("v2", "x/init"));
    const { reports, code } = await run(kernel, ["/x"]);
    expect(reports).toMatchObject([{ outcome: "refused", error: { code: "holds-init" } }]);
    expect([code, kernel.writes]).toEqual([4, []]);
  });

  test("targets that are not kept open are reopened with their twins", async () => {
    const { kernel, add } = host();
    const names = Array.from({ length: 50 }, (_, at) => `x${at}`);
    for (const name of names) add(name);
    const { reports, code } = await run(kernel, names);
    expect(reports.every(({ outcome, twin }) => outcome === "killed" && twin !== null)).toBe(true);
    expect(code).toBe(0);
  });
});

describe("one twin is empty: only the other is the target", () => {
  test.each([
    ["v2", `${V2}/x`, "v2", ["v2"]],
    ["v1", `${V1}/x`, "v1", ["v1"]],
  ] as const)("all are in %s", async (where, path, hierarchy, touched) => {
    const { kernel, add } = host();
    add("x", where);
    const { reports, code } = await run(kernel, ["/x"]);
    expect(reports).toMatchObject([{ outcome: "killed", killed_count: 1, path, hierarchy, twin: null }]);
    expect(written(kernel)).toEqual([...touched]);
    expect(code).toBe(0);
  });

  test("both are empty: one target, already empty", async () => {
    const { kernel, add } = host();
    add("x").isDead = true;
    const { reports, code } = await run(kernel, ["/x"]);
    expect(reports).toMatchObject([{ outcome: "empty", twin: { removed: true }, removed: false }]);
    expect(code).toBe(0);
  });
});

describe("one may be covered by a mount that cgkill may not look beneath", () => {
  // Regression: the other alone was killed, with exit status 0.
  test.each([
    ["v2", V2],
    ["v1", V1],
  ] as const)("the one in %s is: refused, also by --name, and --hierarchy decides", async (where, point) => {
    const { kernel, add } = host({ isPrivileged: false });
    add("x", "v2");
    add("x", "v1");
    kernel.covers.add(`${point}/x`);
    for (const argv of [["/x"], ["--ignore-missing", "/x"], ["--name", "x"]]) {
      const { reports, code } = await run(kernel, argv);
      const message = expect.stringContaining(`something else is mounted at ${point}/x`);
      expect(reports).toMatchObject([{ outcome: "refused", error: { code: "covered", message } }]);
      expect([code, kernel.writes]).toEqual([4, []]);
    }
    const other = where === "v2" ? "v1" : "v2";
    const { reports } = await run(kernel, ["--hierarchy", other, "/x"]);
    expect(reports).toMatchObject([{ outcome: "killed", killed_count: 1, hierarchy: other }]);
  });

  test("a whole hierarchy is: the other alone is the target, as if that one were not mounted", async () => {
    const { kernel, add } = host({ isPrivileged: false });
    add("x");
    kernel.covers.add(V1);
    expect((await run(kernel, ["/x"])).reports).toMatchObject([{ outcome: "killed", hierarchy: "v2", twin: null }]);
  });
});

describe("a process is in only one of them: ambiguous", () => {
  test.each(["v2", "v1"] as const)("in %s: both full paths are listed, and nothing is touched", async (where) => {
    const { kernel, add } = host();
    add("x");
    const { pid } = add("x", where, { comm: "stray" });
    for (const argv of [["/x"], ["show", "/x"], ["freeze", "/x"], ["--name", "x"]]) {
      const { reports, code } = await run(kernel, argv);
      const matches = [`${V2}/x`, `${V1}/x`].map((path) => ({ path, label: null }));
      expect(reports).toMatchObject([{ outcome: "usage", error: { code: "ambiguous" }, matches }]);
      const { message, hint } = reports[0]?.["error"] as { message: string; hint: string };
      expect(message).toContain(`pid ${pid} (stray) is only in the one in ${where === "v2" ? "v2" : "the v1 freezer"}`);
      expect(hint).toContain("--hierarchy");
      expect([code, kernel.writes]).toEqual([2, []]);
    }
    const chosen = await run(kernel, ["--hierarchy", where, "/x"]);
    expect(chosen.reports).toMatchObject([{ outcome: "killed", killed_count: 2, twin: null }]);
  });

  test("--name with --all: two targets", async () => {
    const { kernel, add } = host();
    add("x", "v2");
    add("x", "v1");
    add("p/x");
    const { reports, code } = await run(kernel, ["--all", "--name", "x"]);
    expect(reports.map(({ path, twin }) => [path, (twin as { path: string } | null)?.path ?? null])).toEqual([
      [`${V2}/p/x`, `${V1}/p/x`],
      [`${V2}/x`, null],
      [`${V1}/x`, null],
    ]);
    expect(code).toBe(0);
  });

  test("a process that joins only one of them during the grace period of an earlier target", async () => {
    const { kernel, add } = host();
    add("slow", "both", { ignoresTerm: true });
    add("x");
    kernel.at(1500, () => void add("x", "v2"));
    const { reports, code } = await run(kernel, ["-g", "2s", "/slow", "/x"]);
    expect(reports.map(({ outcome }) => outcome)).toEqual(["killed", "usage"]);
    expect([code, kernel.writes.filter(({ path }) => path.endsWith("/x/cgroup.kill"))]).toEqual([2, []]);
  });

  test("a process between two moves is given time to arrive in both", async () => {
    const { kernel, add } = host();
    add("x");
    const late = add("x", "v2");
    kernel.at(3, () => late.groups.set(kernel.hierarchy("freezer"), kernel.makeGroup("freezer", "x")));
    expect((await run(kernel, ["/x"])).reports).toMatchObject([{ outcome: "killed", killed_count: 2, twin: {} }]);
  });

  test("a process that leaves both or exits before its cgroups are read does not count", async () => {
    for (const leave of [true, false]) {
      const { kernel, add } = host();
      add("x");
      const stray = add("x", "v2");
      kernel.onAccess = (operation, path) => {
        if (operation !== "read" || !path.endsWith(`/${stray.pid}/cgroup`)) return;
        if (leave) stray.groups.set(kernel.hierarchy("v2"), kernel.hierarchy("v2").root);
        else stray.isDead = true;
      };
      expect((await run(kernel, ["/x"])).reports).toMatchObject([{ outcome: "killed", killed_count: 1, twin: {} }]);
    }
  });

  test("a signal while thousands of processes are compared ends the call soon, and touches nothing", async () => {
    const { kernel, add } = host();
    for (let n = 0; n < 3000; n++) add("x");
    const interruption = new AbortController();
    let looks = 0;
    const readRecord = kernel.readRecord.bind(kernel);
    kernel.readRecord = (dir, name) => {
      if (name.endsWith("/cgroup") && ++looks === 700) interruption.abort("SIGTERM");
      return readRecord(dir, name);
    };
    const { io, out } = writtenIo();
    const code = await runCgkill(["--json", "x"], { sys: kernel, io, abort: interruption.signal });
    expect(documents(out())).toMatchObject([{ outcome: "interrupted", killed_count: 0 }]);
    expect([code, written(kernel)]).toEqual([143, []]);
    expect(looks).toBeLessThan(1300);
    expect(kernel.openDescriptors).toBe(0);
  });

  test("a process with an exited leader is judged by its threads", async () => {
    const { kernel, add } = host();
    add("x", "both", { tid: 50_000, missesKill: Number.POSITIVE_INFINITY });
    expect((await run(kernel, ["/x"])).reports).toMatchObject([{ outcome: "killed", killed_count: 1, twin: {} }]);
  });

  test("members of another pid namespace cannot be judged", async () => {
    const { kernel, add } = host({ isInPidNamespace: true });
    add("x");
    add("x", "both", { isInvisible: true });
    const { reports, code } = await run(kernel, ["/x"]);
    expect(reports).toMatchObject([{ outcome: "usage", error: { code: "ambiguous" } }]);
    expect([code, kernel.writes]).toEqual([2, []]);
  });
});

test("an ambiguous path: the hint has a show command for each full path", async () => {
  const { kernel, add } = host();
  add("x y", "v2");
  add("x y", "v1");
  const { code, err } = await run(kernel, ["/x y"], false);
  const ways = `    cgkill show '${V2}/x y'\n    cgkill show '/sys/fs/cgroup/freezer/x y'\n`;
  expect(err).toEndWith(
    `\n  hint: compare them, then give one of the full paths, or add --hierarchy v2 or --hierarchy v1\n${ways}`,
  );
  const { reports } = await run(kernel, ["/x y"]);
  expect(reports).toMatchObject([{ error: { commands: [["cgkill", "show", `${V2}/x y`], expect.any(Array)] } }]);
  expect([code, kernel.writes]).toEqual([2, []]);
});

test("several matches are listed one per line, each with its label", async () => {
  const { kernel, add } = host();
  const ids = ["a", "b"].map((digit) => `dd72${digit.repeat(60)}`);
  for (const id of ids) add(`docker/${id}`);
  const { code, out, err } = await run(kernel, ["--name", "dd72"], false);
  expect(out).toBe("ambiguous  dd72\n");
  expect(err).toBe(
    `cgkill: dd72: 2 cgroups match\n${ids.map((id) => `  ${V2}/docker/${id}  (docker ${id.slice(0, 12)})\n`).join("")}` +
      "  hint: give one of the paths, or add --all to take all of them\n",
  );
  const { reports } = await run(kernel, ["--name", "dd72"]);
  expect(reports[0]?.["matches"]).toEqual(
    ids.map((id) => ({ path: `${V2}/docker/${id}`, label: `docker ${id.slice(0, 12)}` })),
  );
  expect([code, kernel.writes]).toEqual([2, []]);
});
