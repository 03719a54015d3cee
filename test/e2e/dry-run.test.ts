// A dry run and the kill after it agree, field by field: the compiled binary on real cgroups, with generated options,
// as root and as an unprivileged user. The events and the outcome of the kill show what it did.

import { describe, expect, test } from "bun:test";
import { mkdirSync } from "node:fs";

import {
  type Call,
  generateCalls,
  type Killed,
  plannedSteps,
  type Shown,
  startIn,
  takenSteps,
  TIMEOUT_MS,
  titleOf,
} from "../support/dry-run.ts";
import { AS_NOBODY, canBeNobody, delegate } from "../support/nobody.ts";
import { canStage, isAlive, isFrozen, makeCgroup, until, write } from "../support/real-cgroup.ts";
import { documents, type Ran, runCgkill } from "../support/run-cgkill.ts";
import { startTraced } from "../support/traced.ts";

const calls = generateCalls(30);
const isNobody = canBeNobody();

describe.if(isNobody)("a dry run and the kill after it agree", () => {
  for (const [nth, call] of calls.entries()) {
    if (!canStage(call.which) || (call.method === "sweep" && call.isFrozen && call.graceMs > 0)) continue;

    test(`${nth}: ${titleOf(call)}`, async () => {
      await using top = makeCgroup(call.which);
      const dir = `${top.dir}/job`;
      mkdirSync(dir);
      if (call.who === "nobody, delegated") for (const each of [top.dir, dir]) delegate(each);
      await using one = await startIn(dir, call);
      await using two = await startIn(dir, call);
      await using three = await startIn(dir, call);
      if (call.isFrozen) {
        write(
          `${dir}/${call.which === "v1" ? "freezer.state" : "cgroup.freeze"}`,
          call.which === "v1" ? "FROZEN" : "1",
        );
        await until("frozen", () => isFrozen(dir));
      }
      const pids = [one.pid, two.pid, three.pid];
      const options = [
        "--json",
        ...["--log-level", "trace", "--log-format", "json"],
        ...["-m", call.method, "-t", `${TIMEOUT_MS}ms`],
        ...(call.graceMs === 0 ? [] : ["-g", `${call.graceMs}ms`]),
        ...(call.removal === "" ? [] : [call.removal]),
        ...(call.spares ? ["--spare", String(one.pid)] : []),
        dir,
      ];
      // Otherwise it would freeze itself with this very write and never start.
      const enter =
        call.isInside && !call.isFrozen ? ["sh", "-c", `echo 0 > ${dir}/cgroup.procs && exec "$@"`, "sh"] : [];
      const under = [...enter, ...(call.who === "root" ? [] : AS_NOBODY)];
      const dry = await runCgkill(["--dry-run", ...options], { under });
      expect(dry.stderr).toBe("");
      expect(dry.code).toBe(0);
      expect(pids.map(isAlive)).toEqual([true, true, true]);
      const shown = documents(dry.stdout)[0] as unknown as Shown;
      const ran = await runCgkill(["kill", ...options], { under });
      compare(shown, ran, { call, dir, point: top.dir.slice(0, -top.path.length), pids });
    });
  }

  test("the matrix has every hierarchy, every caller, and every kind of end", () => {
    expect(new Set(calls.map(({ which, who }) => `${which} ${who}`)).size).toBe(9);
    expect([...ends].toSorted()).toEqual(["denied", "killed", "refused"]);
  });
});

const ends = new Set<string>();

interface Place {
  readonly call: Call;
  readonly dir: string;
  readonly point: string;
  readonly pids: readonly number[];
}

function compare(shown: Shown, ran: Ran, { call, dir, point, pids }: Place): void {
  const killed = documents(ran.stdout)[0] as unknown as Killed;
  ends.add(killed.outcome);
  expect(shown.method).toBe(killed.method);
  expect(shown.refusal?.code ?? null).toBe(killed.outcome === "refused" ? (killed.error?.code ?? "") : null);
  // Its own pid differs in each run.
  const own = shown.processes.find(({ comm }) => comm.startsWith("cgkill"));
  const isOurs = ({ pid }: { readonly pid: number }): boolean => pids.includes(pid);
  const withFate = (fate: string): number[] =>
    shown.processes.filter((process) => isOurs(process) && process.fate === fate).map(({ pid }) => pid);
  if (own !== undefined) expect(own).toMatchObject({ fate: "spared" });
  if (killed.outcome === "refused") {
    expect(shown.plan).toEqual([]);
    expect(shown.processes.every(({ fate_reason }) => fate_reason === "refused")).toBe(true);
    expect(pids.every(isAlive)).toBe(true);
    return;
  }
  const sorted = (of: ReadonlyArray<{ readonly pid: number }>): number[] =>
    of
      .filter(isOurs)
      .map(({ pid }) => pid)
      .sort();
  expect(withFate("killed").sort()).toEqual(sorted(killed.killed));
  expect(withFate("spared").sort()).toEqual(sorted(killed.spared));
  expect(killed.spared.some((process) => !isOurs(process))).toBe(own !== undefined);
  expect(withFate("may-survive")).toEqual(pids.filter((pid) => isAlive(pid) && !sorted(killed.spared).includes(pid)));
  for (const { pid, reason } of killed.survivors)
    expect(shown.processes.find((process) => process.pid === pid)).toMatchObject({
      fate: "may-survive",
      fate_reason: reason,
    });
  compareSteps(shown, killed, takenSteps(documents(ran.stderr), dir, point), { call, dir });
}

/** At a step that is not permitted a kill ends, or it skips the step. */
function compareSteps(
  shown: Shown,
  killed: Killed,
  taken: readonly string[],
  { call, dir }: Pick<Place, "call" | "dir">,
): void {
  const planned = plannedSteps(shown);
  const grace = shown.plan.find(({ step }) => step === "grace");
  expect(grace?.wait_ms ?? 0).toBe(call.graceMs);
  expect(shown.plan.find(({ step }) => step === "wait")?.wait_ms).toBe(TIMEOUT_MS);
  const denied = shown.plan.find(
    ({ step, permitted, path }) => permitted === false && path !== null && step !== "thaw",
  );
  if (killed.outcome === "denied" && killed.error?.code === "denied") {
    expect(killed.error.path).toBe(denied?.path as string);
    return;
  }
  // All exited in the grace period, so the rest was not needed.
  const isEnough = call.graceMs > 0 && !call.isStubborn && !call.isFrozen && !taken.includes("kill");
  const expected = isEnough ? planned.filter((step) => /^(step-aside|grace|remove|thaw)/.test(step)) : planned;
  const isRemoved = killed.survivors.length === 0;
  const isKept = (step: string): boolean => isRemoved || !step.startsWith("remove");
  if (!isEnough) expect(taken.filter(isKept)).toEqual(expected.filter(isKept));
  expect(killed.removed).toBe(
    isRemoved && shown.plan.some(({ step, permitted }) => step === "remove" && permitted !== false),
  );
  expect(shown.plan.filter(({ step, path }) => step === "remove" && path !== dir)).toEqual([]);
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
