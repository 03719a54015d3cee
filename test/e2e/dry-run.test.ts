// A dry run and the kill after it agree, field by field: the compiled binary on real cgroups, with generated options,
// as root and as an unprivileged user. The events and the outcome of the kill show what it did.

import { describe, expect, test } from "bun:test";

import {
  type Call,
  generateCalls,
  type Killed,
  plannedSteps,
  type Shown,
  takenSteps,
  TIMEOUT_MS,
  titleOf,
} from "../support/dry-run.ts";
import { canBeNobody } from "../support/nobody.ts";
import { canStage, isAlive, makeCgroup, type Which } from "../support/real-cgroup.ts";
import { documents, runCgkill } from "../support/run-cgkill.ts";
import { hierarchiesOf, type Stage, stage } from "../support/stage.ts";
import { startTraced } from "../support/traced.ts";

// The same calls in each run. COUNT=480 SEED=3 tries others.
const { COUNT = "64", SEED = "20261129" } = process.env;
const calls = generateCalls(Number(COUNT), Number(SEED));
const isNobody = canBeNobody();
const here = new Map((["v2", "v1", "memory", "pids"] as const).map((which) => [which as Which, canStage(which)]));

/** Why a call cannot be tried here; `undefined` if it can. */
function whyNot(call: Call): string | undefined {
  const absent = hierarchiesOf(call).filter((which) => here.get(which) !== true);
  if (absent.length > 0) return `no real cgroups on ${absent.join(" and ")}`;
  if (call.caller !== "root" && !isNobody) return "setpriv is not installed";
  // They are sent SIGKILL in v2 when the ancestor is frozen again, and die in the last moment or not.
  const isLate = call.which === "twins" && call.caller === "nobody, delegated" && call.owner === "root";
  return isLate && call.frozen === "ancestor" ? "processes die at the deadline or survive it" : undefined;
}

const tried = calls.map((call) => ({ call, problem: whyNot(call) }));

describe("a dry run and the kill after it agree", () => {
  for (const [nth, { call, problem }] of tried.entries()) {
    const title = `${nth}: ${titleOf(call)}`;
    if (problem !== undefined) {
      console.warn(`left out: dry run ${title} (${problem})`);
      continue;
    }
    test(title, async () => {
      await using on = await stage(call);
      const dry = await runCgkill(["--dry-run", ...on.argv], { under: on.under });
      expect(dry.stderr).toBe("");
      expect(on.pids.map(isAlive)).toEqual([true, true, true]);
      const shown = documents(dry.stdout)[0] as unknown as Shown;
      const ran = await runCgkill(["kill", ...on.argv], { under: on.under });
      const killed = documents(ran.stdout)[0] as unknown as Killed;
      ends.add(killed.outcome);
      if (killed.outcome === "usage") {
        expect([dry.code, shown.outcome, shown.error]).toEqual([ran.code, killed.outcome, killed.error]);
        expect(on.pids.every(isAlive)).toBe(true);
        return;
      }
      expect(dry.code).toBe(0);
      compare(shown, killed, on, call);
      if (killed.outcome !== "refused") compareSteps(shown, killed, takenSteps(documents(ran.stderr), on.points), call);
    });
  }

  test.if(isNobody && [...here.values()].every(Boolean))(
    "the matrix has every hierarchy, every caller, every option, and every kind of end",
    () => {
      expect(new Set(calls.map(({ which, caller }) => `${which} ${caller}`)).size).toBe(12);
      expect(new Set(calls.map(({ which, frozen }) => `${which} ${frozen}`)).size).toBe(12);
      for (const key of ["method", "signal", "removal", "ancestor", "owner"] as const) {
        expect(new Set(calls.map((call) => call[key])).size).toBeGreaterThan(1);
      }
      for (const key of ["spares", "sparesTo", "isInside", "hasChild", "thawsAncestors", "allHierarchies"] as const) {
        expect(calls.filter((call) => call[key]).length).toBeGreaterThan(calls.length / 10);
      }
      expect([...ends]).toEqual(expect.arrayContaining(["denied", "killed", "not-removed", "refused", "usage"]));
    },
  );
});

const ends = new Set<string>();

const sorted = (pids: readonly number[]): number[] => pids.toSorted((a, b) => a - b);

function compare(shown: Shown, killed: Killed, { pids, dirs }: Stage, call: Call): void {
  for (const key of ["cgroup", "path", "hierarchy", "method"] as const) expect(shown[key]).toBe(killed[key]);
  expect(shown.path).toBe(dirs[0] as string);
  expect(shown.refusal?.code ?? null).toBe(killed.outcome === "refused" ? (killed.error?.code ?? "") : null);
  // cgkill and the shell that started it have other pids in each run.
  const isOurs = ({ pid }: { readonly pid: number }): boolean => pids.includes(pid);
  const own = shown.processes.find(({ comm }) => comm.startsWith("cgkill"));
  if (killed.outcome === "refused") {
    expect(shown.plan).toEqual([]);
    expect(shown.processes.every(({ fate, fate_reason }) => fate === "spared" && fate_reason === "refused")).toBe(true);
    expect(pids.every(isAlive)).toBe(true);
    return;
  }
  if (own !== undefined) expect(own).toMatchObject({ fate: "spared" });
  const withFate = (fate: string): number[] =>
    sorted(shown.processes.filter((process) => isOurs(process) && process.fate === fate).map(({ pid }) => pid));
  const pidsOf = (of: ReadonlyArray<{ readonly pid: number }>): number[] =>
    sorted([...new Set(of.filter(isOurs).map(({ pid }) => pid))]);
  const spared = pidsOf(killed.spared);
  // A process may obey the signal of the grace period before the kill is denied.
  const early = call.graceMs > 0 && !call.isStubborn ? withFate("may-survive").filter((pid) => !isAlive(pid)) : [];
  expect(sorted([...withFate("killed"), ...early])).toEqual(pidsOf(killed.killed));
  expect(withFate("spared")).toEqual(spared);
  expect(sorted(shown.moves.filter((pid) => pids.includes(pid)))).toEqual(spared);
  expect(killed.spared.some((process) => !isOurs(process))).toBe(own !== undefined);
  const alive = pids.filter((pid) => isAlive(pid) && !spared.includes(pid));
  expect(withFate("may-survive")).toEqual(sorted([...alive, ...early]));
  const counted = shown.processes.filter(({ fate }) => fate === "killed").length + early.length;
  expect(counted).toBe(killed.killed.length);
  for (const { pid, reason } of killed.survivors)
    expect(shown.processes.find((process) => process.pid === pid)).toMatchObject({
      fate: "may-survive",
      fate_reason: reason,
    });
}

type Steps = Shown["plan"];

function compareSteps(shown: Shown, killed: Killed, taken: readonly string[], call: Call): void {
  const { plan, twin } = shown;
  const grace = plan.find(({ step }) => step === "grace");
  expect(grace?.wait_ms ?? 0).toBe(call.graceMs);
  expect(grace?.signal ?? null).toBe(call.graceMs === 0 ? null : `SIG${call.signal || "TERM"}`);
  expect(plan.find(({ step }) => step === "wait")?.wait_ms).toBe(TIMEOUT_MS);
  expect([twin?.path, twin?.method]).toEqual([killed.twin?.path, killed.twin?.method]);
  const parts = partsOf(shown);
  const denied = parts.map((part) => part.find(isFatal)?.path).filter((path) => path !== undefined);
  const isDenied = killed.outcome === "denied" && killed.error?.path !== null;
  if (isDenied) expect(denied).toContain(killed.error?.path as string);
  // What survives is in the way of a removal.
  const isEmptied = !isDenied && killed.survivors.length === 0;
  const removals = plan.filter(({ step, permitted }) => step === "remove" && permitted !== false && isEmptied);
  expect(taken.filter((step) => step.startsWith("remove ")).toSorted()).toEqual(plannedSteps(removals).toSorted());
  const isRemoved = (dir: string): boolean => removals.some(({ path }) => path === dir);
  expect([killed.removed, killed.twin?.removed]).toEqual([
    isRemoved(shown.path),
    twin ? isRemoved(twin.path) : undefined,
  ]);
  const isEnough =
    grace !== undefined && isEmptied && killed.killed.length > 0 && killed.ended_by_grace === killed.killed.length;
  const expected = parts.flatMap((part, nth) => neededSteps(part, { isEnough: isEnough && nth === 0, isEmptied }));
  // Where a freeze was denied, the thaw only finds that nothing is frozen.
  const isLeftOut = (words: string): boolean =>
    words.startsWith("remove ") || plannedSteps(plan.filter(isDeniedThaw)).includes(words);
  expect(taken.filter((words) => !isLeftOut(words))).toEqual(
    plannedSteps(expected).filter((words) => !isLeftOut(words)),
  );
}

/** The steps in each of twins: those of the second begin after the first wait and what follows it. */
function partsOf({ plan, path, twin }: Shown): readonly Steps[] {
  if (twin === null) return [plan];
  const sideOf = ({ path: at, step }: Steps[number]): string | undefined =>
    step === "step-aside" ? undefined : [path, twin.path].find((dir) => at === dir || at?.startsWith(`${dir}/`));
  const first = plan.map(sideOf).find((side) => side !== undefined);
  const wait = plan.findIndex(({ step }) => step === "wait");
  const isLast = (step: Steps[number]): boolean =>
    step.step === "freeze-ancestor" ||
    (["remove", "thaw"].includes(step.step) && [undefined, first].includes(sideOf(step)));
  const split = plan.findIndex((step, at) => at > wait && !isLast(step));
  return split < 0 ? [plan] : [plan.slice(0, split), plan.slice(split)];
}

/** Ends the kill of this cgroup if it is denied. Others are skipped, and those after it are not reached. */
const isFatal = ({ step, permitted, path }: Steps[number]): boolean =>
  permitted === false &&
  path !== null &&
  (step === "thaw-ancestor" || step === "kill" || (step === "freeze" && path.endsWith("/freezer.state")));
const isDeniedThaw = ({ step, permitted }: Steps[number]): boolean => step === "thaw" && permitted === false;

function neededSteps(part: Steps, { isEnough, isEmptied }: Readonly<Record<"isEnough" | "isEmptied", boolean>>): Steps {
  const fatal = part.findIndex(isFatal);
  // A freeze is announced before it is tried.
  if (fatal >= 0 && !isEnough) return part.slice(0, part[fatal]?.step === "freeze" ? fatal + 1 : fatal);
  const wait = part.findIndex(({ step }) => step === "wait");
  return part.filter(({ step }, at) => {
    if (at > wait && wait >= 0 && step !== "freeze-ancestor") return isEmptied;
    // If all exit in the grace period, the method is not needed.
    return !isEnough || step === "step-aside" || step === "grace";
  });
}

for (const version of ["v1", "v2"] as const) {
  test.if(canStage(version))(`${version}: a traced process is said to be one that may survive, and does`, async () => {
    await using cgroup = makeCgroup(version);
    await using traced = await startTraced(cgroup.dir);
    const dry = await runCgkill(["show", "--json", cgroup.dir]);
    expect((documents(dry.stdout)[0] as unknown as Shown).processes).toMatchObject([
      { pid: traced.pid, fate: "may-survive", fate_reason: "traced" },
    ]);
    const text = await runCgkill(["show", cgroup.dir]);
    expect(text.stdout).toContain(`may survive (traced: its tracer may hold it): pid ${traced.pid}`);
    const killed = await runCgkill(["--json", "-t", "200ms", cgroup.dir]);
    expect(documents(killed.stdout)[0]).toMatchObject({ outcome: "survivors", survivors: [{ reason: "traced" }] });
  });
}
