// list, show, names, freeze and thaw on the compiled binary, in every layout of a host; and two stories of operators.

import { describe, expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { basename } from "node:path";

import { widthOf } from "../../src/cli/text/table.ts";
import { LIST_KEYS, VIEW_KEYS } from "../support/json-keys.ts";
import { cannotStage, dirIn, LAYOUTS } from "../support/layout.ts";
import {
  canStage,
  isFrozen,
  liveMembers,
  makeCgroup,
  startAdversary,
  startSleeper,
  until,
  write,
} from "../support/real-cgroup.ts";
import { BINARY, documents, runCgkill } from "../support/run-cgkill.ts";
import { inTerminal, KEYS } from "../support/terminal.ts";

const SWITCH_KEYS = [
  "schema",
  "command",
  "cgroup",
  "path",
  "hierarchy",
  "outcome",
  "state",
  "frozen_by",
  "spared",
  "left_frozen",
  "started_at",
  "duration_ms",
  "error",
  "twin",
  "matches",
];

for (const version of ["v2", "v1"] as const) {
  if (!canStage(version)) continue;

  describe(version, () => {
    test("list: a tree with counts for the cgroup and its subtree, and labels", async () => {
      await using cgroup = makeCgroup(version);
      const id = "0123456789ab".padEnd(64, "c");
      mkdirSync(`${cgroup.dir}/docker`);
      mkdirSync(`${cgroup.dir}/docker/${id}`);
      mkdirSync(`${cgroup.dir}/empty`);
      await using _ = await startSleeper(`${cgroup.dir}/docker/${id}`);
      const { code, stdout, stderr } = await runCgkill(["list", cgroup.dir], { env: { LANG: "C.UTF-8" } });
      expect(stdout).toContain(`0    1`);
      expect(stdout).toContain(`└─ docker`);
      expect(stdout).toContain(`└─ ${id}  (docker 0123456789ab)`);
      expect(stdout).not.toContain("empty");
      expect(stderr).toBe("");
      expect(code).toBe(0);
      const all = await runCgkill(["list", "--all", cgroup.dir], { env: { LANG: "C" } });
      expect(all.stdout).toContain("|- docker");
      expect(all.stdout).toContain("`- empty");
    });

    test("list --json: the keys of the contract first, one document per cgroup", async () => {
      await using cgroup = makeCgroup(version);
      mkdirSync(`${cgroup.dir}/below`);
      await using _ = await startSleeper(`${cgroup.dir}/below`);
      const { code, stdout } = await runCgkill(["list", "--json", cgroup.dir]);
      const [top, below] = documents(stdout);
      const keys = ["schema", "command", "path", ...VIEW_KEYS, ...LIST_KEYS];
      expect(Object.keys(top ?? {})).toEqual(expect.arrayContaining(keys));
      expect(top).toMatchObject({ procs: 0, procs_subtree: 1, populated: true, state: "thawed", refusal: null });
      expect(below).toMatchObject({ procs: 1, procs_subtree: 1, cgroup: `${cgroup.path}/below` });
      expect(code).toBe(0);
    });

    test("what list -q prints is accepted as a name, however odd", async () => {
      await using cgroup = makeCgroup(version);
      const odd = `${cgroup.dir}/-rf a b\t(deleted)`;
      mkdirSync(odd);
      await using _ = await startSleeper(odd);
      const { stdout } = await runCgkill(["list", "--json", cgroup.dir]);
      expect(documents(stdout)[1]?.["path"]).toBe(odd);
      const { stdout: names } = await runCgkill(["list", "-q", cgroup.dir]);
      expect(names).toBe(`${cgroup.dir}\n${odd}\n`);
      const killed = await runCgkill(["-", "--json"], { stdin: `${odd}\n` });
      expect(documents(killed.stdout)[0]).toMatchObject({ outcome: "killed", killed_count: 1 });
      expect(killed.code).toBe(0);
    });

    test("freeze and thaw wait until it is done, descendants included", async () => {
      await using cgroup = makeCgroup(version);
      mkdirSync(`${cgroup.dir}/below`);
      await using sleeper = await startSleeper(`${cgroup.dir}/below`);
      const frozen = await runCgkill(["freeze", "--json", cgroup.dir]);
      const [document] = documents(frozen.stdout);
      expect(Object.keys(document ?? {})).toEqual(SWITCH_KEYS);
      expect(document).toMatchObject({ outcome: "frozen", state: "frozen", frozen_by: cgroup.path, error: null });
      expect(frozen.code).toBe(0);
      expect(isFrozen(cgroup.dir)).toBe(true);
      await runCgkill(["freeze", `${cgroup.dir}/below`]);
      const thawed = await runCgkill(["thaw", "--json", cgroup.dir]);
      expect(documents(thawed.stdout)[0]).toMatchObject({ outcome: "thawed", state: "thawed", frozen_by: null });
      expect(thawed.code).toBe(0);
      expect(isFrozen(cgroup.dir)).toBe(false);
      expect(liveMembers(cgroup.dir)).toEqual([sleeper.pid]);
    });

    test("thaw below a frozen ancestor: fails, names it, and leaves it alone", async () => {
      await using cgroup = makeCgroup(version);
      mkdirSync(`${cgroup.dir}/below`);
      await using _ = await startSleeper(`${cgroup.dir}/below`);
      await runCgkill(["freeze", cgroup.dir]);
      const { code, stdout, stderr } = await runCgkill(["thaw", `${cgroup.dir}/below`]);
      expect(stdout).toBe(`still frozen  ${cgroup.path}/below  by ${cgroup.path}\n`);
      expect(stderr).toContain(`its ancestor ${cgroup.path} is frozen`);
      expect(stderr).toContain(`hint: thaw the ancestor\n    cgkill thaw ${cgroup.dir}\n`);
      expect(code).toBe(1);
      expect(isFrozen(cgroup.dir)).toBe(true);
      const again = await runCgkill(["thaw", "--json", `${cgroup.dir}/below`]);
      expect(documents(again.stdout)[0]).toMatchObject({
        outcome: "failed",
        state: "frozen",
        frozen_by: cgroup.path,
        error: { code: "frozen-ancestor" },
      });
      // A frozen v1 process does not die: thaw it before the test ends.
      await runCgkill(["thaw", cgroup.dir]);
    });

    test("cgkill inside its target steps aside to freeze it; ancestors inside are a refusal", async () => {
      await using cgroup = makeCgroup(version);
      const shell = `echo 0 > ${cgroup.dir}/cgroup.procs; exec "$@"`;
      const { code, stdout } = await runCgkill(["freeze", "--json", cgroup.dir], { under: ["sh", "-c", shell, "sh"] });
      const [document] = documents(stdout);
      expect(document).toMatchObject({ outcome: "frozen" });
      expect(document?.["spared"]).toHaveLength(1);
      expect(code).toBe(0);
      const outer = `echo 0 > ${cgroup.dir}/cgroup.procs; "$@"; code=$?; echo $$ > /dev/null; exit $code`;
      await runCgkill(["thaw", cgroup.dir]);
      const refused = await runCgkill(["freeze", cgroup.dir], { under: ["sh", "-c", outer, "sh"] });
      expect(refused.stderr).toContain("which started this cgkill");
      expect(refused.code).toBe(4);
      expect(isFrozen(cgroup.dir)).toBe(false);
    });

    test("--name: one match is killed, several are an error that lists them, --all kills every one", async () => {
      await using cgroup = makeCgroup(version);
      const only = ["--hierarchy", version];
      const tag = `t${process.pid}`;
      for (const name of [`${tag}-a.service`, `${tag}-b.service`, `other-${tag}`]) mkdirSync(`${cgroup.dir}/${name}`);
      await using _ = await startSleeper(`${cgroup.dir}/${tag}-a.service`);
      const several = await runCgkill(["--name", `${tag}-*`, ...only]);
      expect(several.stderr).toContain("2 cgroups match");
      expect(several.stderr).toContain(`${cgroup.dir}/${tag}-a.service`);
      expect(several.code).toBe(2);
      expect(liveMembers(cgroup.dir)).toHaveLength(1);
      const all = await runCgkill(["--name", `${tag}-*`, "--all", "--json", ...only]);
      expect(documents(all.stdout).map(({ outcome }) => outcome)).toEqual(["killed", "empty"]);
      expect(all.code).toBe(0);
      const none = await runCgkill(["--name", `${tag}-nobody`, ...only]);
      expect(none.code).toBe(3);
    });
  });
}

describe("in every layout", () => {
  for (const layout of LAYOUTS) {
    const reason = cannotStage(layout);
    if (reason !== undefined) {
      console.warn(`left out: ${layout} (${reason})`);
      continue;
    }
    const version = layout === "legacy" ? "v1" : "v2";
    if (layout === "as-is" && !canStage(version)) continue;
    test(`${layout}: list finds it, --pid finds it, thaw ends it`, async () => {
      await using cgroup = makeCgroup(version);
      await using sleeper = await startSleeper(cgroup.dir);
      const { stdout } = await runCgkill(["list", "--json"], { layout });
      const listed = documents(stdout).find((document) => document["cgroup"] === cgroup.path);
      expect(listed).toMatchObject({ procs: 1, path: dirIn(layout, version, cgroup) });
      expect((await runCgkill(["freeze", "--pid", String(sleeper.pid)], { layout })).code).toBe(0);
      expect(isFrozen(cgroup.dir)).toBe(true);
      expect((await runCgkill(["list", "--frozen"], { layout })).stdout).toContain(basename(cgroup.path));
      expect((await runCgkill(["thaw", cgroup.path], { layout })).code).toBe(0);
      expect(isFrozen(cgroup.dir)).toBe(false);
    });
  }
});

describe("stories", () => {
  test("something froze my container: find it and thaw it", async () => {
    if (!canStage("v1")) return;
    await using cgroup = makeCgroup("v1");
    const id = "feed".padEnd(64, "0");
    mkdirSync(`${cgroup.dir}/docker`);
    mkdirSync(`${cgroup.dir}/docker/${id}`);
    await using sleeper = await startSleeper(`${cgroup.dir}/docker/${id}`);
    write(`${cgroup.dir}/freezer.state`, "FROZEN");
    await until("frozen", () => isFrozen(`${cgroup.dir}/docker/${id}`));
    const list = await runCgkill(["list", "--frozen"]);
    expect(list.stdout).toContain("docker feed00000000");
    expect(list.stdout).toContain("frozen from above");
    const first = await runCgkill(["thaw", "--name", "feed0000"]);
    expect(first.code).toBe(1);
    const hint = /^ {4}cgkill thaw (\S+)$/m.exec(first.stderr)?.[1] ?? "";
    expect(hint).toBe(cgroup.dir);
    const second = await runCgkill(["thaw", hint]);
    expect(second.code).toBe(0);
    expect(isFrozen(cgroup.dir)).toBe(false);
    expect(liveMembers(cgroup.dir)).toEqual([sleeper.pid]);
  });

  test("load is 900: find the cgroup with the fork bomb, inspect it, kill it, prove it", async () => {
    if (!canStage("v2")) return;
    await using cgroup = makeCgroup("v2");
    const dir = `${cgroup.dir}/batch`;
    mkdirSync(dir);
    await using _ = startAdversary("forkbomb", 100, dir);
    await until("the bomb", () => liveMembers(dir).length >= 100);
    const list = await runCgkill(["list", "--flat", "--sort", "procs", "--json"]);
    // Ignore the other cgroups of this host.
    const { procs_subtree: count, path: worst } = documents(list.stdout).find(({ path }) => path === cgroup.dir) ?? {};
    expect(Number(count)).toBeGreaterThanOrEqual(100);
    const show = await runCgkill(["show", String(worst)]);
    expect(show.stdout).toContain("would be killed");
    const kill = await runCgkill(["--json", String(worst)]);
    expect(documents(kill.stdout)[0]).toMatchObject({ outcome: "killed", survivors: [] });
    expect(kill.code).toBe(0);
    expect(liveMembers(dir)).toEqual([]);
    const after = await runCgkill(["show", "--json", String(worst)]);
    expect(documents(after.stdout)[0]).toMatchObject({ populated: false, procs_subtree: 0 });
  });
});

describe("a near miss is answered with existing names", () => {
  const hintOf = async (args: readonly string[], code: number, layout?: "legacy"): Promise<string> => {
    const ran = await runCgkill(args, layout === undefined ? {} : { layout });
    expect(ran.code).toBe(code);
    return /hint: (.*(?:\n {4}.*)*)/.exec(ran.stderr)?.[1] ?? ran.stderr;
  };

  test.each([
    [["thwa"], 3, "did you mean the command thaw?"],
    [
      ["kill", "--timeout=1s"],
      2,
      "write cgkill kill CGROUP, --pid PID, --name PATTERN, or - for standard input; see cgkill help kill",
    ],
    [["--tiemout", "1s", "x"], 2, "did you mean --timeout?"],
    [["--methd=kill", "x"], 2, "did you mean --method?"],
  ])("%j", async (args, code, hint) => {
    expect(await hintOf(args, code)).toBe(hint);
  });

  // Regression: "did you mean the command show?"
  test.each([
    ["show", "status"],
    ["freeze", "thwa"],
    ["list", "version"],
  ])("%s %s: no command is suggested after another one", async (command, name) => {
    expect(await hintOf([command, name], 3)).toStartWith("not found in ");
  });

  test("cgroups, in the form of the given name", async () => {
    if (!canStage("v2")) return;
    await using cgroup = makeCgroup("v2");
    mkdirSync(`${cgroup.dir}/a job.service`);
    const meant = (name: string): string => `did you mean this cgroup?\n    cgkill show ${name}`;
    expect(await hintOf([`${cgroup.path}x`], 3)).toBe(meant(cgroup.path));
    expect(await hintOf([`${cgroup.dir}x`], 3)).toBe(meant(cgroup.dir));
    expect(await hintOf([`${cgroup.path}x/a job.service`], 3)).toBe(meant(`'${cgroup.path}/a job.service'`));
    const near = `did you mean this cgroup? see cgkill list --all\n    cgkill show ${cgroup.dir}`;
    expect(await hintOf(["--name", `${basename(cgroup.path)}x`, "--hierarchy", "v2"], 3)).toBe(near);
  });

  test("a host that has its units in name=systemd only", async () => {
    if (cannotStage("legacy") !== undefined || !canStage("systemd")) return;
    await using cgroup = makeCgroup("systemd");
    // This kernel has a v2 hierarchy that the legacy layout does not mount: only a search without it can say "missing".
    const inSystemd = ["--hierarchy", "name=systemd"];
    expect(await hintOf([...inSystemd, `${cgroup.path}x`], 3, "legacy")).toBe(
      `did you mean this cgroup?
    cgkill show ${cgroup.dir}`,
    );
    expect(await hintOf([`${cgroup.path}x`], 4, "legacy")).toContain("mount");
    const near = `did you mean this cgroup? see cgkill list --all
    cgkill show ${cgroup.dir}`;
    const byName = ["show", "--name", `${basename(cgroup.path)}x`];
    expect(await hintOf([...byName, ...inSystemd], 3, "legacy")).toBe(near);
  });
});

describe("list --watch", () => {
  const only = canStage("v2");

  test.if(only)("--json streams until Ctrl-C, and ends with 0", async () => {
    await using cgroup = makeCgroup("v2");
    await using _ = await startSleeper(cgroup.dir);
    await using terminal = inTerminal(["list", "--watch=100ms", "--json", cgroup.dir]);
    await until("a third look", () => terminal.text().split("\n").length > 3);
    terminal.types(KEYS.ctrlC);
    expect(await terminal.ended()).toBe(0);
    for (const line of terminal.text().split("\r\n").slice(0, 3)) {
      expect(JSON.parse(line)).toMatchObject({ cgroup: cgroup.path, procs: 1 });
    }
  });

  test.if(only)("without an interval it ends by Ctrl-C too", async () => {
    await using cgroup = makeCgroup("v2");
    await using terminal = inTerminal(["list", "--all", "--watch=100ms", "--json", cgroup.dir]);
    await until("a third look", () => terminal.text().split("\n").length > 3);
    terminal.types(KEYS.ctrlC);
    expect(await terminal.ended()).toBe(0);
  });

  test.if(only)("on a terminal it is drawn in place, cut to its size, and leaves it clean", async () => {
    await using cgroup = makeCgroup("v2");
    for (let index = 10; index < 30; index++) mkdirSync(`${cgroup.dir}/${"long".repeat(10)}${index}`);
    const rows = 8;
    await using terminal = inTerminal(["list", "--all", "--watch=100ms", cgroup.dir], { columns: 40, rows });
    const screen = (): string => terminal.lines().join("\n");
    await until("the first picture", () => screen().includes("17 more lines"));
    await using sleeper = await startSleeper(cgroup.dir);
    await until("the refreshed list in its place", () => /^ +1 +1 +\S/m.test(screen()));
    expect(sleeper.pid).toBeGreaterThan(0);
    // Nothing has scrolled: everything that was drawn is on the screen.
    expect(terminal.lines().slice(rows)).toEqual([]);
    for (const line of terminal.text().split(/[\r\n]+/)) expect(widthOf(line)).toBeLessThanOrEqual(40);
    // And the screen was never empty between two refreshes.
    expect(terminal.raw()).not.toContain("\u001b[2J");
    terminal.types(KEYS.ctrlC);
    expect(await terminal.ended()).toBe(0);
    expect(terminal.lines().at(-1)).toBe("");
  });

  test.if(only)("is redrawn as soon as the terminal is resized", async () => {
    await using cgroup = makeCgroup("v2");
    for (let index = 10; index < 30; index++) mkdirSync(`${cgroup.dir}/${index}`);
    await using terminal = inTerminal(["list", "--all", "--watch=1h", cgroup.dir], { columns: 40, rows: 8 });
    await until("the first picture", () => terminal.text().includes("and 17 more lines"));
    terminal.resize(40, 12);
    await until("the second picture", () => terminal.text().includes("and 13 more lines"));
    terminal.types(KEYS.ctrlC);
    expect(await terminal.ended()).toBe(0);
  });

  test.if(only)("on one that cannot be drawn over, and in a pipe, it is told again below", async () => {
    await using cgroup = makeCgroup("v2");
    await using terminal = inTerminal(["list", "--all", "--watch=100ms", cgroup.dir], { env: { TERM: "dumb" } });
    await until("a second picture", () => terminal.text().split("v2 at").length > 2);
    terminal.types(KEYS.ctrlC);
    expect(await terminal.ended()).toBe(0);
    expect(terminal.raw()).not.toContain("\u001b");
  });

  test("ends with its reader", async () => {
    const child = Bun.spawn(["bash", "-c", 'set -o pipefail; "$0" list --all --watch=100ms | head -1', BINARY], {
      stdout: "pipe",
      timeout: 20_000,
      killSignal: "SIGKILL",
    });
    expect(await child.stdout.text()).not.toBe("");
    expect(await child.exited).toBe(0);
  });
});

test("a full disk is reported, a reader that closes early is not", async () => {
  const run = (script: string) => Bun.spawnSync(["bash", "-c", `set -o pipefail; ${script}`, BINARY]);
  for (const words of ["list --all", "list --watch=100ms", "--help", "completion bash"]) {
    const { exitCode, stderr } = run(`"$0" ${words} > /dev/full`);
    expect(stderr.toString()).toBe("cgkill: write standard output: no space left on device (ENOSPC)\n");
    expect(exitCode).toBe(1);
  }
  expect(run(`"$0" list --all --json | head -1`)).toMatchObject({ exitCode: 0, stderr: Buffer.from("") });
});

test.if(canStage("v2"))("a full disk is an event with --log-format json", async () => {
  await using cgroup = makeCgroup("v2");
  const { code, stderr } = await runCgkill(["show", "--log-format", "json", cgroup.dir], {
    under: ["sh", "-c", '"$@" > /dev/full', "sh"],
  });
  expect(documents(stderr)).toMatchObject([{ level: "error", operation: "write", errno: "ENOSPC" }]);
  expect(code).toBe(1);
});
