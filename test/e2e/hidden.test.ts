// Processes that are hard to find: a zombie whose cgroup is gone, one thread of a process, threaded cgroups that change
// while they are read, and a /proc that hides processes of other users.

import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, rmdirSync } from "node:fs";

import { canBeNobody, startAsNobody } from "../support/nobody.ts";
import {
  canStage,
  isAlive,
  isFrozen,
  liveMembers,
  makeCgroup,
  startAdversary,
  startSleeper,
  until,
  write,
} from "../support/real-cgroup.ts";
import { inMounts, runBounded } from "../support/run-bounded.ts";
import { documents } from "../support/run-cgkill.ts";

setDefaultTimeout(30_000);

// On v1 a zombie is in the root of each hierarchy; on v2 it keeps the path.
describe.if(canStage("v2"))("v2: a zombie whose cgroup was removed", () => {
  test("--pid of it does not kill a cgroup that is called NAME (deleted)", async () => {
    await using base = makeCgroup("v2");
    const dir = `${base.dir}/x`;
    mkdirSync(dir);
    await using _ = startAdversary("noreap", 1, dir);
    await until("the member", () => liveMembers(dir).length === 1);
    const [pid = 0] = liveMembers(dir);
    process.kill(pid, "SIGKILL");
    await until("the zombie", () => !isAlive(pid) && liveMembers(dir).length === 0);
    rmdirSync(dir);
    mkdirSync(`${dir} (deleted)`);
    await using other = await startSleeper(`${dir} (deleted)`);
    expect(readFileSync(`/proc/${pid}/status`, "utf8")).toContain("Z (zombie)");
    const { code, stdout } = await runBounded(["--json", "--hierarchy", "v2", "--pid", String(pid)]);
    expect(isAlive(other.pid)).toBe(true);
    expect(code).toBeOneOf([3, 4]);
    expect(documents(stdout)).toMatchObject([{ killed: [] }]);
  });
});

describe.if(canStage("v1"))("v1: --spare of a process whose leader is outside the target and one thread inside", () => {
  test("it is moved out and lives, and is not a survivor", async () => {
    await using target = makeCgroup("v1");
    await using outside = makeCgroup("v1");
    await using _ = startAdversary("splitthread", 1, outside.dir, target.dir);
    await until("the thread", () => liveMembers(target.dir).length === 1);
    const [pid = 0] = liveMembers(target.dir);
    await using other = await startSleeper(target.dir);
    try {
      const { code, stdout } = await runBounded(["--json", "-t", "1s", "--spare", String(pid), target.dir]);
      expect(documents(stdout)).toMatchObject([
        { outcome: "killed", killed: [{ pid: other.pid }], survivors: [], spared: [expect.anything()] },
      ]);
      expect(code).toBe(0);
      expect([isAlive(pid), isAlive(other.pid)]).toEqual([true, false]);
      for (const tid of readdirSync(`/proc/${pid}/task`)) {
        expect(readFileSync(`/proc/${pid}/task/${tid}/cgroup`, "utf8")).not.toContain(`${target.path}\n`);
      }
    } finally {
      // It may have left the test's cgroups by now.
      process.kill(pid, "SIGKILL");
    }
  });
});

describe.if(canStage("v2"))("a threaded cgroup that changes while it is looked at", () => {
  async function stage() {
    const domain = makeCgroup("v2");
    const threaded = `${domain.dir}/threads`;
    mkdirSync(threaded);
    write(`${threaded}/cgroup.type`, "threaded");
    return { dir: threaded, [Symbol.asyncDispose]: () => domain[Symbol.asyncDispose]() };
  }

  test("descendants come and go: every member dies, ten times", async () => {
    await using target = await stage();
    await using _ = startAdversary("churner", 2_000_000, target.dir);
    await until("the first descendant", () => readdirSync(target.dir).some((name) => name.startsWith("churn")));
    for (let round = 1; round <= 10; round++) {
      await using member = await startSleeper(`${target.dir}/..`);
      write(`${target.dir}/cgroup.threads`, String(member.pid));
      const { code, stderr } = await runBounded(["--keep", target.dir]);
      expect({ round, code, stderr }).toEqual({ round, code: 0, stderr: "" });
      expect(isAlive(member.pid)).toBe(false);
      expect(isFrozen(target.dir)).toBe(false);
    }
  });

  test("threads start and exit: the process dies, and no thread is believed to be elsewhere, ten times", async () => {
    for (let round = 1; round <= 10; round++) {
      await using target = await stage();
      await using _ = startAdversary("threadstorm", 64, `${target.dir}/..`);
      await until("the process", () => liveMembers(`${target.dir}/..`).length === 1);
      const [pid = 0] = liveMembers(`${target.dir}/..`);
      // All its threads at once: writing a process to the domain of a threaded cgroup moves it as a whole.
      await until("its move", () => {
        for (const tid of readdirSync(`/proc/${pid}/task`)) moveThread(target.dir, tid);
        return readdirSync(`/proc/${pid}/task`).every((tid) => placeOfThread(pid, tid)?.endsWith("/threads") ?? true);
      });
      const { code, stderr } = await runBounded(["--keep", target.dir]);
      expect({ round, code, stderr }).toEqual({ round, code: 0, stderr: "" });
      expect(isAlive(pid)).toBe(false);
    }
  });
});

function moveThread(dir: string, tid: string): void {
  try {
    write(`${dir}/cgroup.threads`, tid);
  } catch {
    // It has exited.
  }
}

function placeOfThread(pid: number, tid: string): string | undefined {
  try {
    return /^0::(.*)$/m.exec(readFileSync(`/proc/${pid}/task/${tid}/cgroup`, "utf8"))?.[1];
  } catch {
    return undefined;
  }
}

// A group that no process has, because hidepid exempts the members of the given group, and root's would see everything.
const hiding = (hidepid: number) => `mount -t proc -o hidepid=${hidepid},gid=54321 proc /proc`;
const WITHOUT_PTRACE = ["setpriv", "--bounding-set=-sys_ptrace", "--inh-caps=-sys_ptrace"];

describe.if(canStage("v1") && canStage("v2") && canBeNobody())("/proc hides the members from cgkill", () => {
  test.each([1, 2])("hidepid=%i: the members of a threaded cgroup die", async (hidepid) => {
    await using base = makeCgroup("v2");
    const target = `${base.dir}/threads`;
    await using member = await startAsNobody(base.dir);
    mkdirSync(target);
    write(`${target}/cgroup.type`, "threaded");
    write(`${target}/cgroup.threads`, String(member.pid));
    const ran = await runBounded(["--json", "-t", "2s", target], {
      under: [...inMounts(hiding(hidepid)), ...WITHOUT_PTRACE],
    });
    expect(documents(ran.stdout)).toMatchObject([{ error: null, survivors: [] }]);
    expect(ran.code).toBe(0);
    expect(isAlive(member.pid)).toBe(false);
  });

  test.each(["v1", "v2"] as const)("hidepid=1, %s, and cgkill is inside: it moves out", async (version) => {
    await using target = makeCgroup(version);
    await using member = await startSleeper(target.dir);
    const enter = `echo 0 > ${target.dir}/cgroup.procs`;
    const ran = await runBounded(["--json", target.dir], {
      under: [...inMounts(`${hiding(1)} && ${enter}`), ...WITHOUT_PTRACE],
      rescue: () => version === "v1" && write(`${target.dir}/freezer.state`, "THAWED"),
    });
    expect(ran).toMatchObject({ isStuck: false, signal: null });
    expect(documents(ran.stdout)).toMatchObject([{ outcome: "killed", error: null }]);
    expect(ran.code).toBe(0);
    expect(isAlive(member.pid)).toBe(false);
  });

  // Regression: it was missing, which is success here.
  test("hidepid=2, --pid: it is not missing", async () => {
    await using target = makeCgroup("v2");
    await using member = await startAsNobody(target.dir);
    const ran = await runBounded(["--json", "--ignore-missing", "--pid", String(member.pid)], {
      under: [...inMounts(hiding(2)), ...WITHOUT_PTRACE],
    });
    expect(documents(ran.stdout)).toMatchObject([{ outcome: "not-found" }]);
    expect(ran.code).toBe(3);
    expect(isAlive(member.pid)).toBe(true);
  });
});
