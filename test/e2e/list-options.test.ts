// list --procs, --sort, --depth and --watch, and a pod in show, on the compiled binary and real cgroups.

import { describe, expect, test } from "bun:test";
import { mkdirSync } from "node:fs";

import { canStage, makeCgroup, mountPoint, startSleeper, until } from "../support/real-cgroup.ts";
import { documents, runCgkill } from "../support/run-cgkill.ts";
import { inTerminal, KEYS } from "../support/terminal.ts";

const UTF8 = { env: { LANG: "C.UTF-8" } };

for (const version of ["v2", "v1"] as const) {
  if (!canStage(version)) continue;

  describe(version, () => {
    test("list --procs: each process under its cgroup, and in the document of its cgroup", async () => {
      await using cgroup = makeCgroup(version);
      mkdirSync(`${cgroup.dir}/below`);
      await using one = await startSleeper(cgroup.dir);
      await using other = await startSleeper(`${cgroup.dir}/below`);
      const { code, stdout } = await runCgkill(["list", "--procs", cgroup.dir], UTF8);
      expect(stdout).toMatch(new RegExp(`├─ ${one.pid} sleep 1000\n.*└─ below\n +└─ ${other.pid} sleep 1000\n$`));
      expect(code).toBe(0);
      const json = await runCgkill(["list", "--procs", "--json", cgroup.dir]);
      expect(documents(json.stdout).map(({ processes }) => processes)).toMatchObject([
        [{ pid: one.pid, comm: "sleep", args: ["sleep", "1000"], cgroup: cgroup.path }],
        [{ pid: other.pid, comm: "sleep", args: ["sleep", "1000"], cgroup: `${cgroup.path}/below` }],
      ]);
      const without = await runCgkill(["list", "--json", cgroup.dir]);
      expect(documents(without.stdout).map(({ processes }) => processes)).toEqual([null, null]);
    });

    test("list --depth 0: the cgroup alone, with the count of its subtree; without a name, the roots", async () => {
      await using cgroup = makeCgroup(version);
      mkdirSync(`${cgroup.dir}/below`);
      await using _ = await startSleeper(`${cgroup.dir}/below`);
      const one = await runCgkill(["list", "--json", "--depth", "0", cgroup.dir]);
      expect(documents(one.stdout)).toMatchObject([{ cgroup: cgroup.path, procs: 0, procs_subtree: 1 }]);
      const only = ["--hierarchy", version === "v1" ? "freezer" : "v2"];
      const roots = await runCgkill(["list", "--json", "--depth", "0", ...only]);
      expect(documents(roots.stdout)).toMatchObject([{ cgroup: "/", path: mountPoint(version) }]);
      const text = await runCgkill(["list", "--depth", "0", ...only]);
      expect(text.stdout).toMatch(/ \/\n$/);
    });

    test("show of a pod: its processes by container, with the label of each", async () => {
      await using cgroup = makeCgroup(version);
      const pod = `${cgroup.dir}/kubepods/pod5f0a7a3e-5b1c-4c52-8f4e-2a6f8f6d1c11`;
      const ids = ["a1b2c3d4e5f6".padEnd(64, "0"), "b2c3d4e5f6a7".padEnd(64, "0")];
      mkdirSync(pod, { recursive: true });
      for (const id of ids) mkdirSync(`${pod}/${id}`);
      await using one = await startSleeper(`${pod}/${ids[0]}`);
      await using other = await startSleeper(`${pod}/${ids[1]}`);
      const { stdout } = await runCgkill(["show", pod]);
      const [first, second] = [one.pid, other.pid].map((pid) => ` +${pid} .* sleep 1000\n`);
      expect(stdout).toMatch(new RegExp(`  in ${ids[0]}  \\(.*\\)\n${first}  in ${ids[1]}  \\(.*\\)\n${second}$`));
    });
  });
}

describe.if(canStage("v1"))("list --sort", () => {
  test("by a key that is not counted there: a note on standard error, and the order of names", async () => {
    await using cgroup = makeCgroup("v1");
    for (const name of ["b", "a"]) mkdirSync(`${cgroup.dir}/${name}`);
    for (const key of ["memory", "cpu"]) {
      const { code, stdout, stderr } = await runCgkill(["list", "-a", "--json", "--sort", key, cgroup.dir]);
      expect(stderr).toStartWith(
        `cgkill: note: --sort ${key}: no figures for these cgroups in v1 freezer; sorted by name`,
      );
      expect(stderr.includes("\n    cgkill list --hierarchy memory --sort memory\n")).toBe(
        key === "memory" && mountPoint("memory") !== undefined,
      );
      expect(documents(stdout).map(({ path }) => path)).toEqual([cgroup.dir, `${cgroup.dir}/a`, `${cgroup.dir}/b`]);
      expect(code).toBe(0);
    }
    expect((await runCgkill(["list", "-a", "-q", "--sort", "memory", cgroup.dir])).stderr).toBe("");
    expect((await runCgkill(["list", "-a", "--sort", "procs", cgroup.dir])).stderr).toBe("");
  });

  test.if(canStage("memory"))("by memory, in the hierarchy that counts it, has nothing to say", async () => {
    await using cgroup = makeCgroup("memory");
    const { stderr } = await runCgkill(["list", "-a", "--sort", "memory", cgroup.dir]);
    expect(stderr).toBe("");
  });
});

describe.if(canStage("v2"))("list --watch", () => {
  test("--json: each document has its snapshot number, time and number of documents", async () => {
    await using cgroup = makeCgroup("v2");
    mkdirSync(`${cgroup.dir}/below`);
    await using terminal = inTerminal(["list", "-a", "-w100ms", "--json", cgroup.dir], { columns: 2000 });
    await until("a third look", () => terminal.text().split("\n").length > 6);
    terminal.types(KEYS.ctrlC);
    expect(await terminal.ended()).toBe(0);
    const lines = terminal.text().split("\r\n").slice(0, 6);
    const snapshots = lines.map((line) => (JSON.parse(line) as { snapshot: { n: number; time: string } }).snapshot);
    expect(snapshots.map(({ n }) => n)).toEqual([1, 1, 2, 2, 3, 3]);
    for (const snapshot of snapshots)
      expect(snapshot).toMatchObject({ count: 2, time: new Date(snapshot.time).toISOString() });
    const times = snapshots.map(({ time }) => Date.parse(time));
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(times[0]).toBeLessThan(times[5] as number);
    const once = await runCgkill(["list", "-a", "--json", cgroup.dir]);
    expect(documents(once.stdout).map(({ snapshot }) => snapshot)).toEqual([null, null]);
  });

  test("-w 1: a usage error that shows how to write the interval", async () => {
    const { code, stderr } = await runCgkill(["list", "-w", "1"]);
    expect(stderr).toBe(
      "cgkill: --watch 1: the interval must be attached to the option\n  hint: write --watch=1 or -w1; a cgroup named 1 is written /1\n",
    );
    expect(code).toBe(2);
  });

  test("on a terminal the note of --sort stays on the screen", async () => {
    await using cgroup = makeCgroup("v1");
    await using terminal = inTerminal(["list", "-a", "-w100ms", "--sort", "memory", cgroup.dir], { rows: 20 });
    await until("a third refresh", () => terminal.raw().split("\u001b[H").length > 3);
    expect(terminal.lines().join("\n")).toContain("note: --sort memory: no figures");
    terminal.types(KEYS.ctrlC);
    expect(await terminal.ended()).toBe(0);
  });
});
