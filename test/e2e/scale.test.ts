// Wide and deep trees and many processes, with few descriptors, on the compiled binary.

import { expect, test } from "bun:test";
import { mkdirSync } from "node:fs";

import {
  canStage,
  liveMembers,
  makeCgroup,
  startAdversary,
  startLeaderless,
  subtree,
  until,
  write,
} from "../support/real-cgroup.ts";
import { documents, runCgkill } from "../support/run-cgkill.ts";

for (const version of ["v1", "v2"] as const) {
  if (!canStage(version)) continue;

  test(`${version}: 5,000 processes with 64 descriptors`, async () => {
    await using cgroup = makeCgroup(version);
    await using _ = startAdversary("sleepers", 5000, cgroup.dir);
    await until("5,000 sleepers", () => liveMembers(cgroup.dir).length >= 5000, 60_000);
    const under = ["sh", "-c", 'ulimit -n 64; exec "$@"', "sh"];
    const { code, stdout } = await runCgkill(["--json", "-t", "60s", cgroup.dir], { under });
    expect(documents(stdout)[0]).toMatchObject({ outcome: "killed", killed_count: 5000, survivors: [] });
    expect(code).toBe(0);
    expect(liveMembers(cgroup.dir)).toEqual([]);
  });

  // cgroup.kill misses them, so that they are signalled again while they are followed.
  test(`${version}: 300 processes whose leaders have exited, with 32 descriptors`, async () => {
    await using cgroup = makeCgroup(version);
    await using _ = await startLeaderless(cgroup.dir, 300);
    const under = ["sh", "-c", 'ulimit -n 32; exec "$@"', "sh"];
    const { code, stdout } = await runCgkill(["--json", "-t", "60s", cgroup.dir], { under });
    expect(documents(stdout)[0]).toMatchObject({ outcome: "killed", killed_count: 300, survivors: [] });
    expect(code).toBe(0);
    expect(liveMembers(cgroup.dir)).toEqual([]);
  });

  // The heap of the engine grows with the lists, and starts threads as it grows; if one cannot be created, it aborts.
  test.if(canStage("pids")).each([1, 2, 3])(`${version}: 5,000 processes, with room for %i tasks`, async (room) => {
    await using cgroup = makeCgroup(version);
    await using _ = startAdversary("sleepers", 5000, cgroup.dir);
    await until("5,000 sleepers", () => liveMembers(cgroup.dir).length >= 5000, 60_000);
    await using narrow = makeCgroup("pids");
    const script = `echo 0 > ${narrow.dir}/cgroup.procs; echo ${room} > ${narrow.dir}/pids.max; exec "$@"`;
    const under = ["sh", "-c", script, "sh"];
    const { code, stdout } = await runCgkill(["--json", "-t", "60s", cgroup.dir], { under });
    expect(documents(stdout)[0]).toMatchObject({ outcome: "killed", killed_count: 5000, survivors: [] });
    expect(code).toBe(0);
  });

  test(`${version}: 2,000 empty cgroups, 100 populated ones and one 60 levels down, all removed`, async () => {
    await using cgroup = makeCgroup(version);
    const leaves: string[] = [];
    for (let i = 0; i < 20; i++) {
      mkdirSync(`${cgroup.dir}/w${i}`);
      for (let j = 0; j < 100; j++) mkdirSync(`${cgroup.dir}/w${i}/e${j}`);
      for (let j = 0; j < 5; j++) leaves.push(`${cgroup.dir}/w${i}/e${j}`);
    }
    let deep = cgroup.dir;
    for (let level = 0; level < 60; level++) mkdirSync((deep += "/d"));
    leaves.push(deep);
    await using _ = startAdversary("sleepers", leaves.length, cgroup.dir);
    await until("all", () => liveMembers(cgroup.dir).length === leaves.length);
    const pids = liveMembers(cgroup.dir);
    for (const [index, leaf] of leaves.entries()) write(`${leaf}/cgroup.procs`, String(pids[index]));
    const { code, stdout } = await runCgkill(["--json", "--remove", cgroup.dir]);
    const [document] = documents(stdout);
    expect(document).toMatchObject({ outcome: "killed", removed: true });
    // On v2 the listing is cut short so as not to delay the kill: more processes die than are listed.
    if (version === "v1") expect(document?.["killed_count"]).toBe(leaves.length);
    expect(Number(document?.["killed_count"])).toBeLessThanOrEqual(leaves.length);
    expect(code).toBe(0);
    expect(subtree(cgroup.dir)).toEqual([]);
  });
}

test.if(canStage("pids") && canStage("v2")).each([1, 2, 4, 6, 30])(
  "a list of 3,000 cgroups, with room for %i tasks",
  async (room) => {
    await using cgroup = makeCgroup("v2");
    for (let i = 0; i < 30; i++) {
      mkdirSync(`${cgroup.dir}/w${i}`);
      for (let j = 0; j < 100; j++) mkdirSync(`${cgroup.dir}/w${i}/e${j}`);
    }
    await using narrow = makeCgroup("pids");
    const script = `echo 0 > ${narrow.dir}/cgroup.procs; echo ${room} > ${narrow.dir}/pids.max; exec "$@"`;
    const { code, stdout } = await runCgkill(["list", "--all", "--json", cgroup.dir], {
      under: ["sh", "-c", script, "sh"],
    });
    expect(documents(stdout)).toHaveLength(3031);
    expect(code).toBe(0);
  },
);
