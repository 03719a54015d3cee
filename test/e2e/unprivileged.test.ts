// The compiled binary without root, and on hosts that show only a part of themselves. Delegated cgroups work; for
// others the error names the operation, the file and the errno, and nothing else is tried instead.

import { describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";

import { AS_NOBODY, canBeNobody, delegate, startAsNobody } from "../support/nobody.ts";
import {
  canStage,
  isAlive,
  isFrozen,
  liveMembers,
  makeCgroup,
  mountPoint,
  startSleeper,
} from "../support/real-cgroup.ts";
import { documents, type Ran, runCgkill } from "../support/run-cgkill.ts";

const isNobody = canBeNobody();
const strace = Bun.which("strace");
if (strace === null) console.warn("left out: what a denied kill tries, by strace (it is not installed)");

const VERSIONS = ["v1", "v2"] as const;
type Version = (typeof VERSIONS)[number];

/** Run in private namespaces, after a script that changes what is visible there. */
const inside = (flags: string, script: string): string[] => [
  "unshare",
  ...flags.split(" "),
  "sh",
  "-c",
  `${script} && exec "$@"`,
  "sh",
];

const first = ({ stdout }: Ran): Record<string, unknown> => documents(stdout)[0] ?? {};
const asNobody = (args: readonly string[], before: readonly string[] = []): Promise<Ran> =>
  runCgkill(args, { under: [...before, ...AS_NOBODY] });

for (const version of VERSIONS) {
  describe.if(isNobody && canStage(version))(`${version}, as nobody`, () => {
    const file = version === "v1" ? "freezer.state" : "cgroup.kill";

    test("a delegated subtree: list, show, freeze, thaw and kill", async () => {
      await using top = makeCgroup(version);
      const dir = `${top.dir}/job`;
      mkdirSync(dir);
      delegate(top.dir);
      delegate(dir);
      await using sleeper = await startAsNobody(dir);
      const listed = await asNobody(["list", "--json", top.dir]);
      expect(documents(listed.stdout).map(({ path }) => path)).toContain(dir);
      const shown = await asNobody(["show", "--json", dir]);
      expect(first(shown)).toMatchObject({ processes: [{ pid: sleeper.pid, user: "nobody" }], refusal: null });
      expect((await asNobody(["freeze", dir])).code).toBe(0);
      expect(isFrozen(dir)).toBe(true);
      expect((await asNobody(["thaw", dir])).code).toBe(0);
      expect(isFrozen(dir)).toBe(false);
      const killed = await asNobody(["--json", "--remove", dir]);
      expect(first(killed)).toMatchObject({ outcome: "killed", killed_count: 1, removed: true });
      expect(killed.code).toBe(0);
      expect(isAlive(sleeper.pid)).toBe(false);
    });

    test("a cgroup that is not delegated: denied with operation, path and errno, and no process is killed", async () => {
      await using cgroup = makeCgroup(version);
      await using sleeper = await startAsNobody(cgroup.dir);
      const path = `${cgroup.dir}/${file}`;
      const killed = await asNobody(["--json", cgroup.dir]);
      expect(first(killed)).toMatchObject({
        outcome: "denied",
        killed: [],
        error: { code: "denied", operation: "open", path, errno: "EACCES", hint: expect.stringContaining("as root") },
      });
      expect(killed.code).toBe(5);
      const frozen = await asNobody(["freeze", cgroup.dir]);
      expect(frozen.stderr).toContain("permission denied (EACCES)");
      expect(frozen.code).toBe(5);
      expect(isFrozen(cgroup.dir)).toBe(false);
      expect(isAlive(sleeper.pid)).toBe(true);
    });

    test.if(strace !== null)("and no other way is tried: by its system calls", async () => {
      await using cgroup = makeCgroup(version);
      await using sleeper = await startAsNobody(cgroup.dir);
      const scratch = mkdtempSync(`${tmpdir()}/cgkill-test-`);
      const log = `${scratch}/calls`;
      const calls = "openat,openat2,mkdir,mkdirat,rmdir,unlinkat,kill,tgkill,pidfd_send_signal";
      const { code } = await asNobody([cgroup.dir], [strace ?? "", "-f", "-qq", "-o", log, "-e", `trace=${calls}`]);
      const lines = readFileSync(log, "utf8").split("\n");
      rmSync(scratch, { recursive: true });
      expect(code).toBe(5);
      const changing = lines.filter((line) =>
        /O_WRONLY|O_RDWR|mkdir(at)?\(|rmdir\(|unlinkat\(|kill\(|send_signal\(/.test(line),
      );
      const ofCgroups = changing.filter((line) => !/openat2?\(.*"(?:\/dev\/|\/proc\/self\/oom)/.test(line));
      expect(ofCgroups).not.toEqual([]);
      expect(
        ofCgroups.filter((line) => !line.includes(`${file}", {flags=O_WRONLY`) || !line.includes("EACCES")),
      ).toEqual([]);
      expect(isAlive(sleeper.pid)).toBe(true);
    });

    test("inside its own target: moved to the top of the delegation, or nothing is touched if that is denied", async () => {
      await using top = makeCgroup(version);
      const dir = `${top.dir}/job`;
      mkdirSync(dir);
      delegate(dir);
      await using sleeper = await startAsNobody(dir);
      const enter = ["sh", "-c", `echo 0 > ${dir}/cgroup.procs && exec "$@"`, "sh"];
      const stuck = await asNobody(["--json", dir], enter);
      expect(first(stuck)).toMatchObject({ outcome: "refused", error: { code: "nowhere-to-step-aside" } });
      expect(stuck.code).toBe(4);
      expect(liveMembers(dir)).toEqual([sleeper.pid]);
      delegate(top.dir);
      const killed = await asNobody(["--json", "--keep", "--spare-to", top.dir, dir], enter);
      expect(first(killed)).toMatchObject({ outcome: "killed", spared: [{ cgroup: top.path }] });
      expect(killed.code).toBe(0);
      expect(isAlive(sleeper.pid)).toBe(false);
    });

    test("hidepid=2 on /proc: killed, and ancestors are found although /proc hides them", async () => {
      await using top = makeCgroup(version);
      const dir = `${top.dir}/job`;
      mkdirSync(dir);
      delegate(top.dir);
      delegate(dir);
      const hiding = inside("-m", "mount -t proc -o hidepid=2 proc /proc");
      {
        await using ours = await startAsNobody(dir);
        await using parent = await startSleeper(dir);
        // A root shell stays inside as the ancestor of cgkill, which it moves out.
        const script = `echo 0 > ${dir}/cgroup.procs; sh -c 'echo 0 > ${top.dir}/cgroup.procs; exec "$@"' sh "$@"; exit $?`;
        const refused = await asNobody(["--json", dir], ["sh", "-c", script, "sh", ...hiding]);
        expect(first(refused)).toMatchObject({ outcome: "refused", error: { code: "holds-ancestors" } });
        expect(refused.code).toBe(4);
        expect([ours, parent].map(({ pid }) => isAlive(pid))).toEqual([true, true]);
      }
      await using again = await startAsNobody(dir);
      const killed = await asNobody(["--json", dir], hiding);
      expect(first(killed)).toMatchObject({ outcome: "killed", killed_count: 1 });
      expect(isAlive(again.pid)).toBe(false);
    });

    test("on a read-only mount, even as root: denied, and the hint says what to do", async () => {
      await using cgroup = makeCgroup(version);
      await using sleeper = await startSleeper(cgroup.dir);
      const readOnly = inside("-m", `mount -o remount,ro,bind ${mountPoint(version)}`);
      for (const [command, what] of [
        [[], file],
        [["freeze"], version === "v1" ? "freezer.state" : "cgroup.freeze"],
      ] as const) {
        const ran = await runCgkill([...command, "--json", cgroup.dir], { under: readOnly });
        expect(first(ran)).toMatchObject({
          outcome: "denied",
          error: {
            errno: "EROFS",
            path: `${cgroup.dir}/${what}`,
            hint: expect.stringMatching(/read-only.*ProtectControlGroups=/),
          },
        });
        expect(ran.code).toBe(5);
      }
      expect(isAlive(sleeper.pid)).toBe(true);
      expect(isFrozen(cgroup.dir)).toBe(false);
    });
  });
}

describe.if(isNobody && canStage("v2"))("v2, as nobody", () => {
  test("the top of a delegation as systemd makes it: denied, but cgroups made below it are killed", async () => {
    await using top = makeCgroup("v2");
    delegate(top.dir, ["cgroup.procs", "cgroup.threads", "cgroup.subtree_control"]);
    Bun.spawnSync([...AS_NOBODY, "mkdir", `${top.dir}/job`]);
    await using sleeper = await startAsNobody(`${top.dir}/job`);
    const denied = await asNobody(["--json", top.dir]);
    const path = `${top.dir}/cgroup.kill`;
    expect(first(denied)).toMatchObject({ outcome: "denied", error: { operation: "open", path, errno: "EACCES" } });
    expect(denied.code).toBe(5);
    expect(isAlive(sleeper.pid)).toBe(true);
    expect((await asNobody(["--json", `${top.dir}/job`])).code).toBe(0);
    expect(isAlive(sleeper.pid)).toBe(false);
  });
});

describe.if(isNobody && canStage("v1"))("v1, as nobody", () => {
  test.each([
    ["as it is", []],
    ["with hidepid=2", inside("-m", "mount -t proc -o hidepid=2 proc /proc")],
  ] as const)("members of another user, /proc %s: reported, and the others die", async (_, before) => {
    await using cgroup = makeCgroup("v1");
    delegate(cgroup.dir);
    await using ours = await startAsNobody(cgroup.dir);
    await using theirs = await startSleeper(cgroup.dir);
    const ran = await asNobody(["--json", "-t", "300ms", cgroup.dir], before);
    expect(first(ran)).toMatchObject({
      outcome: "denied",
      killed: [{ pid: ours.pid }],
      error: { code: "denied" },
      survivors: [{ pid: theirs.pid, reason: "not-permitted", hint: expect.stringContaining("as its owner") }],
      left_frozen: [],
    });
    expect(ran.code).toBe(5);
    expect([ours, theirs].map(({ pid }) => isAlive(pid))).toEqual([false, true]);
  });
});

describe.if(isNobody)("as nobody, members of another user only", () => {
  test.each([
    ["v1", "freezer"],
    ["v2", "freezer"],
    ["memory", "sweep"],
  ] as const)("%s: method %s answers without waiting for the grace period or the deadline", async (which, method) => {
    await using cgroup = makeCgroup(which);
    delegate(cgroup.dir);
    await using theirs = await startSleeper(cgroup.dir);
    const ran = await asNobody(["--json", "-m", method, "-g", "9s", "-t", "9s", cgroup.dir]);
    const survivors = [{ pid: theirs.pid, reason: "not-permitted" }];
    expect(first(ran)).toMatchObject({ outcome: "denied", method, killed_count: 0, survivors, left_frozen: [] });
    expect(ran.code).toBe(5);
    expect(ran.stderr).toContain(`${cgroup.path}: may not send SIGTERM to any member: no grace period`);
    expect(first(ran)["duration_ms"] as number).toBeLessThan(5000);
    expect(isAlive(theirs.pid)).toBe(true);
  });
});

const MOUNTS: Readonly<Record<Version, string>> = {
  v1: "mount -t cgroup -o freezer none /sys/fs/cgroup",
  v2: "mount -t cgroup2 none /sys/fs/cgroup",
};

for (const version of VERSIONS) {
  describe.if(canStage(version))(`${version}, in namespaces`, () => {
    test("a cgroup namespace: killed below its root, the root refused, no name for cgroups outside", async () => {
      await using top = makeCgroup(version);
      const [own, outside] = [`${top.dir}/own`, `${top.dir}/outside`];
      for (const dir of [own, `${own}/job`, outside]) mkdirSync(dir);
      await using sleeper = await startSleeper(`${own}/job`);
      await using canary = await startSleeper(outside);
      const namespace = inside("-Cm", `umount -l -R /sys/fs/cgroup && ${MOUNTS[version]}`);
      const under = ["sh", "-c", `echo 0 > ${own}/cgroup.procs && exec "$@"`, "sh", ...namespace];
      const run = async (...args: string[]) => {
        const ran = await runCgkill(["--json", ...args], { under });
        return [first(ran)["outcome"], ran.code];
      };
      for (const root of ["/", "/sys/fs/cgroup"]) expect(await run(root)).toEqual(["refused", 4]);
      for (const name of ["/../outside", "../outside"]) expect(await run(name)).toEqual(["refused", 4]);
      // Other hierarchies that may have it are not mounted here.
      for (const name of [`${top.path}/outside`, "/outside"]) expect(await run(name)).toEqual(["refused", 4]);
      expect(await run("/sys/fs/cgroup/../outside")).toEqual(["refused", 4]);
      expect(await run("--pid", String(canary.pid), "--hierarchy", version)).toEqual(["not-found", 3]);
      expect(isAlive(sleeper.pid)).toBe(true);
      expect(await run("job")).toEqual(["killed", 0]);
      expect([sleeper, canary].map(({ pid }) => isAlive(pid))).toEqual([false, true]);
    });

    test("a pid namespace: a process without a pid there is never signalled by pid", async () => {
      await using cgroup = makeCgroup(version);
      await using sleeper = await startSleeper(cgroup.dir);
      // A signal to pid 0 would reach our process group: the shell is in it, and must survive.
      const under = ["unshare", "-pf", "--mount-proc", "sh", "-c", '"$@"; echo "still here, $?"', "sh"];
      const kept = await runCgkill(["--keep", cgroup.dir], { under });
      if (version === "v2") {
        expect(kept.stdout).toEndWith("still here, 0\n");
        // cgroup.kill reaches all members.
        expect(isAlive(sleeper.pid)).toBe(false);
        return;
      }
      // v1 does not list them: a kept cgroup is reported as not proven empty, and it cannot be removed.
      expect(kept.stdout).toEndWith("still here, 0\n");
      expect(kept.stderr).toContain("not proven empty");
      // Nor does the JSON claim it.
      const quiet = await runCgkill(["-q", "--json", "--keep", cgroup.dir], { under });
      expect(quiet.stdout).toContain('"proven":false');
      expect(quiet.stderr).toContain("not proven empty");
      const removed = await runCgkill(["-t", "200ms", cgroup.dir], { under });
      expect(removed.stdout).toEndWith("still here, 7\n");
      expect(removed.stderr).toContain("other pid namespaces");
      expect(isAlive(sleeper.pid)).toBe(true);
    });

    // Regression: a process of the namespace died that has the number of a member in the /proc of the host.
    test("a pid namespace with the /proc of the host: refused, and only thaw works", async () => {
      await using cgroup = makeCgroup(version);
      await using sleeper = await startSleeper(cgroup.dir);
      const last = "/proc/sys/kernel/ns_last_pid";
      const script = `echo ${sleeper.pid - 1} > ${last}; sleep 1000 & "$@"; code=$?; kill $! && echo "$code, other alive"`;
      const under = ["unshare", "-pf", "sh", "-c", script, "sh"];
      for (const args of [["--keep"], ["--remove"], ["-m", "sweep"], ["signal", "TERM"]]) {
        const ran = await runCgkill([...args, "--json", "-t", "200ms", cgroup.dir], { under });
        expect(ran.stdout).toContain('"foreign-proc"');
        expect(ran.stdout).toEndWith("4, other alive\n");
      }
      const ran = await runCgkill(["run", "--in", cgroup.dir, "true"], { under });
      expect(ran.stdout).toBe("125, other alive\n");
      expect(ran.stderr).toContain("/proc belongs to another pid namespace");
      expect((await runCgkill(["freeze", cgroup.dir])).code).toBe(0);
      expect((await runCgkill(["thaw", cgroup.dir], { under })).stdout).toEndWith("0, other alive\n");
      expect([isFrozen(cgroup.dir), isAlive(sleeper.pid)]).toEqual([false, true]);
    });

    // Regression: on v1 show said that it is empty, and the JSON that it is not populated.
    test("a pid namespace: show and list do not claim that a cgroup is empty whose members they cannot see", async () => {
      await using cgroup = makeCgroup(version);
      await using _ = await startSleeper(cgroup.dir);
      const under = ["unshare", "-pf", "--mount-proc"];
      const hidden = "v1 does not list members of other pid namespaces";
      const unseen = version === "v2" ? { invisible: 1, populated: true } : { invisible: null, populated: null };
      for (const command of ["show", "list"]) {
        const argv = [command, ...(command === "list" ? ["--all"] : []), "--json", cgroup.dir];
        const ran = await runCgkill(argv, { under });
        expect(first(ran)).toMatchObject(unseen);
        // Outside, the same cgroup is known.
        expect(first(await runCgkill(argv))).toMatchObject({ invisible: 0, populated: true });
      }
      const shown = await runCgkill(["show", cgroup.dir], { under });
      const listed = await runCgkill(["list", cgroup.dir], { under });
      expect(shown.stdout).not.toContain("empty");
      expect(shown.stdout.includes(`\n  members may be hidden: ${hidden}`)).toBe(version === "v1");
      expect(listed.stderr.startsWith(`cgkill: note: ${hidden}`)).toBe(version === "v1");
      expect((await runCgkill(["list", cgroup.dir])).stderr).toBe("");
    });

    // Bun itself aborts at its start (SIGABRT), before our code runs; also if /proc is an empty directory.
    test("no /proc: it does not start, and nothing is touched", async () => {
      await using cgroup = makeCgroup(version);
      await using sleeper = await startSleeper(cgroup.dir);
      const { code, signal, stdout } = await runCgkill(["--json", cgroup.dir], {
        under: inside("-m", "mount -t tmpfs none /proc"),
      });
      expect(stdout).toBe("");
      expect([code === 0, code === null && signal === null]).toEqual([false, false]);
      expect(isAlive(sleeper.pid)).toBe(true);
      expect(isFrozen(cgroup.dir)).toBe(false);
    });
  });
}

describe.if(isNobody && canStage("v1"))("v1, as nobody, /proc with hidepid=2", () => {
  // Regression: processes that /proc does not list were taken for absent.
  test("killed and kept: not proven empty, since members of others may be hidden", async () => {
    await using cgroup = makeCgroup("v1");
    delegate(cgroup.dir);
    await using sleeper = await startAsNobody(cgroup.dir);
    const hiding = inside("-m", "mount -t proc -o hidepid=2 proc /proc");
    const ran = await asNobody(["--json", "--keep", cgroup.dir], hiding);
    expect(first(ran)).toMatchObject({ outcome: "killed", killed: [{ pid: sleeper.pid }], proven: false });
    expect(ran).toMatchObject({ code: 0, stderr: expect.stringContaining("not proven empty") });
  });
});

describe.if(canStage("v2"))("v2, in namespaces", () => {
  test("by pid, if v2 offers no other way: only processes that have one", async () => {
    await using cgroup = makeCgroup("v2");
    await using sleeper = await startSleeper(cgroup.dir);
    const script = `(echo 0 > ${cgroup.dir}/cgroup.procs; exec sleep 1000) & "$@"; echo "still here, $?"`;
    const under = ["unshare", "-pf", "--mount-proc", "sh", "-c", script, "sh"];
    const ran = await runCgkill(["--json", "-t", "300ms", "-m", "freezer", cgroup.dir], { under });
    expect(ran.stdout).toEndWith("still here, 6\n");
    const document = JSON.parse(ran.stdout.split("\n")[0] ?? "") as Record<string, unknown>;
    expect(document).toMatchObject({ outcome: "survivors", survivors: [{ pid: null, reason: "not-visible" }] });
    expect(isAlive(sleeper.pid)).toBe(true);
    expect(isFrozen(cgroup.dir)).toBe(false);
  });
});
