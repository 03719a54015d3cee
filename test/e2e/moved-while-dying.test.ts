// v2: processes that leave the target while they die, kept from ending by something outside. SIGKILL is then no longer
// pending.

import { describe, expect, test } from "bun:test";
import { readFileSync, rmdirSync } from "node:fs";

import { childrenOf, stateOf, statusOf } from "../support/proc.ts";
import {
  canStage,
  isAlive,
  liveMembers,
  makeCgroup,
  quietly,
  startAdversary,
  until,
  write,
} from "../support/real-cgroup.ts";
import { runBounded } from "../support/run-bounded.ts";
import { documents } from "../support/run-cgkill.ts";
import { startTraced } from "../support/traced.ts";

// Regression: each was taken for a process that had left before the kill: "killed", exit status 0, and alive.
describe.if(canStage("v2"))("not dead at the deadline: a survivor", () => {
  test("held in its exit by a tracer outside, and moved out", async () => {
    await using target = makeCgroup("v2");
    await using beside = makeCgroup("v2");
    await using traced = await startTraced(target.dir);
    const { code, stdout } = await runBounded(["--json", "--keep", "-t", "1s", target.dir], {
      async meanwhile() {
        await until("its exit", () => stateOf(traced.pid) === "t");
        write(`${beside.dir}/cgroup.procs`, String(traced.pid));
      },
    });
    expect(documents(stdout)).toMatchObject([
      { outcome: "survivors", survivors: [{ pid: traced.pid, reason: "traced", cgroup: beside.path }] },
    ]);
    expect(code).toBe(6);
    expect(isAlive(traced.pid)).toBe(true);
  });

  test("the init of a pid namespace that waits for a process outside, and another removes the empty target", async () => {
    await using target = makeCgroup("v2");
    await using _ = startAdversary("nshold", 1, target.dir);
    await until("the init", () => liveMembers(target.dir).length === 1);
    const [init = 0] = liveMembers(target.dir);
    const holder = Number(statusOf(init, "PPid"));
    await until("the process outside", () => childrenOf(holder).length === 2);
    const { code, stdout } = await runBounded(["--json", "--keep", "-t", "1s", target.dir], {
      async meanwhile() {
        await until("an empty target", () =>
          readFileSync(`${target.dir}/cgroup.events`, "utf8").includes("populated 0"),
        );
        quietly(() => rmdirSync(target.dir));
      },
    });
    expect(isAlive(init)).toBe(true);
    expect(documents(stdout)).toMatchObject([{ outcome: "survivors", survivors: [{ pid: init }] }]);
    expect(code).toBe(6);
    process.kill(holder, "SIGKILL");
    await until("its end", () => !isAlive(init));
  });
});
