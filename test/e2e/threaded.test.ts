// Threaded cgroups of v2 on the real kernel, which refuses cgroup.kill and the list of processes there; children born
// into the target from outside; and ten cgkills at once on one tree.

import { describe, expect, test } from "bun:test";
import { mkdirSync } from "node:fs";

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
import { documents, runCgkill } from "../support/run-cgkill.ts";

/** A domain with one process, and a threaded cgroup below it with another. */
async function stage() {
  const domain = makeCgroup("v2");
  const threaded = `${domain.dir}/threads`;
  mkdirSync(threaded);
  write(`${threaded}/cgroup.type`, "threaded");
  const [beside, inside] = [await startSleeper(domain.dir), await startSleeper(domain.dir)];
  write(`${threaded}/cgroup.threads`, String(inside.pid));
  return {
    domain,
    threaded,
    beside: beside.pid,
    inside: inside.pid,
    async [Symbol.asyncDispose]() {
      await beside[Symbol.asyncDispose]();
      await inside[Symbol.asyncDispose]();
      await domain[Symbol.asyncDispose]();
    },
  };
}

describe.if(canStage("v2"))("a threaded cgroup", () => {
  test("kills the processes of its threads; the others of its domain live", async () => {
    await using staged = await stage();
    const { code, stdout, stderr } = await runCgkill(["--json", staged.threaded]);
    expect(documents(stdout)).toMatchObject([
      { outcome: "killed", method: "freezer", killed: [{ pid: staged.inside }] },
    ]);
    expect(stderr).toBe("");
    expect(code).toBe(0);
    expect([isAlive(staged.inside), isAlive(staged.beside)]).toEqual([false, true]);
    expect(isFrozen(staged.domain.dir)).toBe(false);
  });

  test("dies with its domain if that is named", async () => {
    await using staged = await stage();
    const { code, stdout } = await runCgkill(["--json", staged.domain.dir]);
    expect(documents(stdout)).toMatchObject([{ outcome: "killed", killed_count: 2 }]);
    expect(code).toBe(0);
    expect(liveMembers(staged.domain.dir)).toEqual([]);
  });

  test("with only some of a process's threads is refused, and nothing is touched", async () => {
    await using domain = makeCgroup("v2");
    const threaded = `${domain.dir}/threads`;
    mkdirSync(threaded);
    write(`${threaded}/cgroup.type`, "threaded");
    await using _split = startAdversary("splitthread", 1, domain.dir, threaded);
    await until("a process of two cgroups", () => liveMembers(threaded).length === 1);
    const [pid = 0] = liveMembers(threaded);
    for (const words of [["kill"], ["freeze"], ["signal", "WINCH"]]) {
      const { code, stdout } = await runCgkill([...words, "--json", threaded]);
      // Regression: a freeze and a signal were said to let the threads outside die.
      const message = expect.stringMatching(/: is threaded, and pid \d+ also has threads outside it$/);
      expect(documents(stdout)).toMatchObject([{ outcome: "refused", error: { message } }]);
      expect(code).toBe(4);
    }
    expect(isAlive(pid)).toBe(true);
    expect(isFrozen(domain.dir)).toBe(false);
  });
});

describe.if(canStage("v2"))("born into the target from outside, by clone3", () => {
  test("each of them dies, or the kernel no longer lets them in", async () => {
    await using target = makeCgroup("v2");
    await using _feeder = startAdversary("feeder", 20, target.dir);
    await until("the first twenty", () => liveMembers(target.dir).length >= 20);
    const { code, stderr } = await runCgkill(["--remove", target.dir]);
    expect(stderr).toBe("");
    expect(code).toBe(0);
    expect(liveMembers(target.dir)).toEqual([]);
  });
});

for (const version of ["v1", "v2"] as const) {
  describe.if(canStage(version))(`ten cgkills at once on ${version}`, () => {
    test("all end well, with the tree dead and nothing left frozen", async () => {
      await using target = makeCgroup(version);
      await using _bomb = startAdversary("forkbomb", 100, target.dir);
      await until("a bomb in full swing", () => liveMembers(target.dir).length >= 50);
      const all = await Promise.all(
        Array.from({ length: 10 }, () => runCgkill(["--keep", "--ignore-missing", target.dir])),
      );
      // In a pid namespace each only says that a kept v1 cgroup is not proven empty.
      const told = all.map(({ code, stderr }) => ({ code, stderr: stderr.replace(/^.*not proven empty.*\n/gm, "") }));
      expect(told).toEqual(all.map(() => ({ code: 0, stderr: "" })));
      expect(liveMembers(target.dir)).toEqual([]);
      expect(isFrozen(target.dir)).toBe(false);
    });
  });
}
