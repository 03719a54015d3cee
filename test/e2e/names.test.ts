// Pathological names that the kernel accepts: each works from `list` to the kill and back, exact in JSON and harmless
// on a terminal, and the members of the next cgroup live.

import { describe, expect, test } from "bun:test";
import { mkdirSync } from "node:fs";

import { IN_MOUNTS_OF_ITS_OWN } from "../support/layout.ts";
import { canStage, isAlive, liveMembers, makeCgroup, mountPoint, startSleeper } from "../support/real-cgroup.ts";
import { documents, runCgkill } from "../support/run-cgkill.ts";

const NAMES: Readonly<Record<string, string>> = {
  "a blank": "two words",
  "blanks at both ends": " padded ",
  "a leading dash": "-t",
  "an option": "--all",
  "a command": "list",
  "the end of options": "--",
  "standard input": "-",
  dots: "...",
  "a glob": "*?[a]",
  "a backslash": "web\\x2d1.slice",
  quotes: `'"\`$(reboot);&|`,
  colons: "a:b:c",
  UTF8: "grüße-漢字-🔥",
  "a title for the terminal": "\u001b]0;owned\u0007",
  "a screen wiped": "\u001b[2J\u001b[H",
  "C1 controls": "\u009b31m",
  "right to left": "\u202egnp.exe",
  "a tab and a carriage return": "a\tb\rc",
  "the mark of the removed": "job (deleted)",
  "255 bytes": "x".repeat(255),
};
/** What no text output may contain: it would control the terminal or reverse the direction of text. */
const HARMFUL = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/;

for (const version of ["v1", "v2"] as const) {
  describe.if(canStage(version))(`names on ${version}`, () => {
    test.each(Object.entries(NAMES))("%s", async (_, name) => {
      await using parent = makeCgroup(version);
      const [dir, beside] = [`${parent.dir}/${name}`, `${parent.dir}/beside`];
      mkdirSync(dir);
      mkdirSync(beside);
      await using inside = await startSleeper(dir);
      await using canary = await startSleeper(beside);

      const listed = documents((await runCgkill(["list", "--json", parent.dir])).stdout).map(({ path }) => path);
      expect(listed).toContain(dir);
      const seen = await runCgkill(["list", "--flat", parent.dir]);
      const shown = await runCgkill(["show", "--", dir]);
      expect([seen.code, shown.code]).toEqual([0, 0]);
      expect(seen.stdout + seen.stderr).not.toMatch(HARMFUL);
      expect(shown.stdout + shown.stderr).not.toMatch(HARMFUL);

      const missing = await runCgkill(["--", `${dir}.not`]);
      expect(missing.code).not.toBe(0);
      expect(missing.stdout + missing.stderr).not.toMatch(HARMFUL);
      expect(isAlive(inside.pid)).toBe(true);

      const killed = await runCgkill(["--", dir]);
      expect({ ...killed, stdout: "" }).toMatchObject({ code: 0, stderr: "" });
      expect(killed.stdout).not.toMatch(HARMFUL);
      expect(isAlive(inside.pid)).toBe(false);
      expect(isAlive(canary.pid)).toBe(true);
    });

    test("the kernel accepts no newline in a name, and such an operand touches nothing", async () => {
      await using parent = makeCgroup(version);
      await using canary = await startSleeper(parent.dir);
      expect(() => mkdirSync(`${parent.dir}/new\nline`)).toThrow("EINVAL");
      expect((await runCgkill([`${parent.dir}/new\nline`])).code).toBe(3);
      expect(isAlive(canary.pid)).toBe(true);
    });

    test.each(["-beside", "none/beside", "09/beside", "987654/beside", "987654"])(
      "a path that only resembles an open descriptor is not a cgroup: /proc/self/fd/%s",
      async (name) => {
        await using parent = makeCgroup(version);
        const beside = `${parent.dir}/beside`;
        mkdirSync(beside);
        await using canary = await startSleeper(beside);
        // Read as a number, some of them are the working directory or standard input, and 9.
        const under = ["sh", "-c", 'exec "$@" <. 9<.', "sh"];
        const ran = await runCgkill([`/proc/self/fd/${name}`], { cwd: parent.dir, under });
        expect(ran).toMatchObject({ code: 3, stderr: expect.stringContaining("no such cgroup") });
        expect(isAlive(canary.pid)).toBe(true);
      },
    );

    test("every name at once, through standard input", async () => {
      await using parent = makeCgroup(version);
      const dirs = Object.values(NAMES).map((name) => `${parent.dir}/${name}`);
      await using sleepers = new AsyncDisposableStack();
      const pids: number[] = [];
      for (const dir of dirs) {
        mkdirSync(dir);
        pids.push(sleepers.use(await startSleeper(dir)).pid);
      }
      await using canary = await startSleeper(parent.dir);
      const killed = await runCgkill(["--json", "-0", "-"], { stdin: dirs.map((dir) => `${dir}\0`).join("") });
      expect(killed.code).toBe(0);
      expect(documents(killed.stdout).map(({ outcome }) => outcome)).toEqual(dirs.map(() => "killed"));
      expect(pids.filter(isAlive)).toEqual([]);
      expect(isAlive(canary.pid)).toBe(true);
    });

    test("at a depth near the maximum length of a path", async () => {
      await using parent = makeCgroup(version);
      let dir = parent.dir;
      while (dir.length < 3700) dir += `/${"d".repeat(250)}`;
      mkdirSync(dir, { recursive: true });
      await using canary = await startSleeper(parent.dir);
      await using inside = await startSleeper(dir);
      expect((await runCgkill(["--", dir])).code).toBe(0);
      expect(isAlive(inside.pid)).toBe(false);
      expect(liveMembers(parent.dir)).toContain(canary.pid);
    });
  });
}

// Regression: a path below a mount point with two mounts used to be refused as leading "out" of it.
for (const version of ["v1", "v2"] as const) {
  test.if(canStage(version))(`${version}: mounted twice at one point: found by the full path, and killed`, async () => {
    await using cgroup = makeCgroup(version);
    await using sleeper = await startSleeper(cgroup.dir);
    const point = mountPoint(version);
    const script = `mount --bind ${point} ${point} && exec "$@"`;
    const under = [...IN_MOUNTS_OF_ITS_OWN, "sh", "-c", script, "sh"];
    const ran = await runCgkill(["--json", cgroup.dir], { under });
    expect(documents(ran.stdout)).toMatchObject([{ outcome: "killed", cgroup: cgroup.path, killed_count: 1 }]);
    expect([ran.stderr, ran.code]).toEqual(["", 0]);
    expect(isAlive(sleeper.pid)).toBe(false);
  });
}
