// Which cgroups a command line and standard input stand for, with the compiled binary on real cgroups: globs over
// bytes, nested and repeated targets, names as they arrive, typing errors, and --spare.

import { describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, rmdirSync } from "node:fs";
import { basename } from "node:path";

import { encodeText } from "../../src/sys/bytes.ts";
import { canStage, isAlive, liveMembers, makeCgroup, startSleeper, until, write } from "../support/real-cgroup.ts";
import { BINARY, documents, runCgkill } from "../support/run-cgkill.ts";

const brief = ({ outcome, removed }: Record<string, unknown>): string =>
  `${String(outcome)}${removed === true ? " removed" : ""}`;

for (const version of ["v1", "v2"] as const) {
  describe.if(canStage(version))(`${version}: a glob over names that are not UTF-8`, () => {
    // Regression: Bun.Glob treated all bytes that are not UTF-8 as the same character, and the other cgroup was killed.
    test("kills only the cgroup whose bytes match", async () => {
      await using parent = makeCgroup(version);
      const id = basename(parent.dir);
      const dirs = ["\udc80", "\udc81"].map((byte) => Buffer.from(encodeText(`${parent.dir}/${id}-${byte}-x`)));
      await using stack = new AsyncDisposableStack();
      stack.defer(async () => {
        for (const dir of dirs)
          if (readdirSync(parent.dir, "buffer").some((name) => dir.includes(name))) rmdirSync(dir);
      });
      const pids: number[] = [];
      for (const dir of dirs) {
        mkdirSync(dir);
        pids.push(stack.use(await startSleeper(dir)).pid);
      }
      const under = ["bash", "-c", `exec "$@" --name $'${id}-\\x80-*'`, "bash"];
      const { stdout, code } = await runCgkill(["--json", "--hierarchy", version], { under });
      expect(documents(stdout)).toMatchObject([{ outcome: "killed", killed_count: 1 }]);
      expect(pids.map(isAlive)).toEqual([false, true]);
      expect(code).toBe(0);
      const not = await runCgkill(["--json", "--hierarchy", version, "--name", `!${id}*`]);
      expect(documents(not.stdout)).toMatchObject([{ outcome: "not-found" }]);
    });
  });

  describe.if(canStage(version))(`${version}: nested and repeated targets`, () => {
    const wayOf = (argv: readonly string[]): string[] => (version === "v2" ? ["-r", ...argv] : [...argv]);

    test.each<[string, (dir: string) => string[], string[]]>([
      ["t t", (dir) => [dir, dir], ["killed removed", "empty removed"]],
      ["t t/sub", (dir) => [dir, `${dir}/sub`], ["killed removed", "empty removed"]],
      ["t/sub t", (dir) => [`${dir}/sub`, dir], ["killed removed", "killed removed"]],
      ["t, and 50 below it", (dir) => [dir, ...Array.from({ length: 50 }, (_, at) => `${dir}/s${at}`)], []],
    ])("%s: all dead, exit 0", async (_, namesOf, expected) => {
      await using cgroup = makeCgroup(version);
      const names = namesOf(cgroup.dir);
      for (const name of new Set([`${cgroup.dir}/sub`, ...names])) if (name !== cgroup.dir) mkdirSync(name);
      await using _here = await startSleeper(cgroup.dir);
      await using _below = await startSleeper(`${cgroup.dir}/sub`);
      const { stdout, code, stderr } = await runCgkill(["--json", ...wayOf(names)]);
      const all = documents(stdout).map(brief);
      expect(all).toEqual(
        expected.length > 0
          ? expected
          : names.map((name) => (name === cgroup.dir ? "killed removed" : "empty removed")),
      );
      expect([code, stderr]).toEqual([0, ""]);
    });

    test("--name with --all: the cgroup and those below it", async () => {
      await using cgroup = makeCgroup(version);
      const id = basename(cgroup.dir);
      mkdirSync(`${cgroup.dir}/${id}-sub`);
      await using _here = await startSleeper(cgroup.dir);
      await using _below = await startSleeper(`${cgroup.dir}/${id}-sub`);
      const { stdout, code } = await runCgkill([
        "--json",
        "--hierarchy",
        version,
        ...wayOf(["--name", `{${id},${id}-sub}`, "--all"]),
      ]);
      expect(documents(stdout).map(brief)).toEqual(["killed removed", "empty removed"]);
      expect(code).toBe(0);
    });
  });

  describe.if(canStage(version))(`${version}: what is wrong with one name touches nothing`, () => {
    test("an ambiguous pattern after a name", async () => {
      await using one = makeCgroup(version);
      await using two = makeCgroup(version);
      for (const at of ["a", "b"]) mkdirSync(`${two.dir}/${at}`);
      for (const at of ["a", "b"]) mkdirSync(`${two.dir}/${at}/${basename(two.dir)}-job`);
      await using sleeper = await startSleeper(one.dir);
      const { stdout, code } = await runCgkill(["--json", one.dir, "--name", `${basename(two.dir)}-job`]);
      expect(documents(stdout).map(({ outcome, error }) => [outcome, (error as { code: string }).code])).toEqual([
        ["usage", "left-alone"],
        ["usage", "ambiguous"],
      ]);
      expect([code, isAlive(sleeper.pid)]).toEqual([2, true]);
    });

    test("a glob expanded by the shell: files are skipped and do not change the status", async () => {
      await using cgroup = makeCgroup(version);
      for (const name of ["a", "b"]) mkdirSync(`${cgroup.dir}/${name}`);
      await using one = await startSleeper(`${cgroup.dir}/a`);
      await using two = await startSleeper(`${cgroup.dir}/b`);
      const under = ["sh", "-c", `exec "$@" ${cgroup.dir}/*`, "sh"];
      const { stdout, stderr, code } = await runCgkill(["--json"], { under });
      expect(documents(stdout).map(({ outcome }) => outcome)).toEqual(["killed", "killed"]);
      expect(stderr).toMatch(/^cgkill: skipped \d+ cgroup interface files, such as \S+\n$/);
      expect([code, isAlive(one.pid), isAlive(two.pid)]).toEqual([0, false, false]);
      const files = await runCgkill([], { under: ["sh", "-c", `exec "$@" ${cgroup.dir}/cgroup.*`, "sh"] });
      expect(files).toMatchObject({ code: 2, stdout: "" });
    });

    test("--pid of two processes: the cgroup of each", async () => {
      await using a = makeCgroup(version);
      await using b = makeCgroup(version);
      await using one = await startSleeper(a.dir);
      await using two = await startSleeper(b.dir);
      const { stdout, code } = await runCgkill(["--json", "--hierarchy", version, "--pid", `${one.pid},${two.pid}`]);
      expect(documents(stdout)).toMatchObject([{ path: a.dir }, { path: b.dir }]);
      expect([code, isAlive(one.pid), isAlive(two.pid)]).toEqual([0, false, false]);
    });

    test("names from other tools: the hint is the command to type, and it kills", async () => {
      await using parent = makeCgroup(version);
      const unit = `${basename(parent.dir)}-unit`;
      mkdirSync(`${parent.dir}/${unit}`);
      await using sleeper = await startSleeper(`${parent.dir}/${unit}`);
      const named = await runCgkill([unit]);
      expect([named.code, isAlive(sleeper.pid)]).toEqual([3, true]);
      const line = /cgkill kill --name \S+$/m.exec(named.stderr)?.[0] ?? "";
      expect(line).toBe(`cgkill kill --name ${unit}`);
      const byPid = await runCgkill([String(sleeper.pid)]);
      expect(byPid.stderr).toContain(
        `${sleeper.pid} is a process (sleep): --pid means the whole cgroup that it is in\n    cgkill show --pid ${sleeper.pid}\n`,
      );
      expect(await runCgkill(line.split(" ").slice(1))).toMatchObject({ code: 0, stderr: "" });
      expect(isAlive(sleeper.pid)).toBe(false);
    });

    test("a typing error", async () => {
      await using cgroup = makeCgroup(version);
      await using sleeper = await startSleeper(cgroup.dir);
      for (const word of ["ls", "status", "unfreeze", "stop", "frobnicate"]) {
        const { stdout, stderr, code } = await runCgkill([word, cgroup.dir]);
        expect(stderr).toContain(`there is no "${word}" command`);
        expect(stderr).toContain(cgroup.dir);
        expect([code, stdout, isAlive(sleeper.pid)]).toEqual([2, "", true]);
      }
      const meant = await runCgkill(["kill", "frobnicate", cgroup.dir]);
      expect([meant.code, isAlive(sleeper.pid)]).toEqual([3, false]);
    });

    test("--spare of a process outside", async () => {
      await using cgroup = makeCgroup(version);
      await using inside = await startSleeper(cgroup.dir);
      await using beside = makeCgroup(version);
      await using outside = await startSleeper(beside.dir);
      for (const pid of [outside.pid, 3999999]) {
        const { stdout, code } = await runCgkill(["--json", "--spare", `${inside.pid},${pid}`, cgroup.dir]);
        expect(documents(stdout)).toMatchObject([{ outcome: "refused", error: { code: "spare-not-inside" } }]);
        expect([code, liveMembers(cgroup.dir)]).toEqual([4, [inside.pid]]);
      }
      const spared = await runCgkill(["--json", "--spare", String(inside.pid), cgroup.dir]);
      expect(documents(spared.stdout)).toMatchObject([{ spared: [{ pid: inside.pid }] }]);
      expect([spared.code, isAlive(inside.pid)]).toEqual([0, true]);
    });
  });

  describe.if(canStage(version))(`${version}: names on standard input`, () => {
    test("each is acted on and answered while the pipe stays open", async () => {
      await using parent = makeCgroup(version);
      const child = Bun.spawn([BINARY, "--json", "-"], { stdin: "pipe", stdout: "pipe", stderr: "inherit", cwd: "/" });
      const reader = child.stdout.getReader();
      try {
        for (const name of ["a", "b", "c"]) {
          const dir = `${parent.dir}/${name}`;
          mkdirSync(dir);
          await using sleeper = await startSleeper(dir);
          child.stdin.write(`${dir}\n`);
          await child.stdin.flush();
          const answer = new TextDecoder().decode((await reader.read()).value);
          expect(documents(answer)).toMatchObject([{ outcome: "killed", path: dir, killed_count: 1 }]);
          expect(isAlive(sleeper.pid)).toBe(false);
        }
        await child.stdin.end();
        expect(await child.exited).toBe(0);
      } finally {
        child.kill("SIGKILL");
        await child.exited;
      }
    });
  });
}

const peakKb = (pid: number): number =>
  Number(/^VmHWM:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
/** The bytes that a process has read, from /proc/PID/io. */
const bytesRead = (pid: number): number => Number(/^rchar: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, "utf8"))?.[1]);

describe("an endless input", () => {
  test.each([
    ["a line without an end", []],
    ["empty names without an end", ["-0", "-q"]],
  ] as const)("%s: in bounded memory, and ended by SIGTERM within 100 ms", async (_, options) => {
    // Each byte of the latter is a name of its own.
    const [much, some] = options.length === 0 ? [2 ** 30, 2 ** 20] : [2 ** 17, 2 ** 12];
    const took: number[] = [];
    for (let tries = 0; tries < 8; tries++) {
      const child = Bun.spawn([BINARY, ...options, "-"], { stdio: [Bun.file("/dev/zero"), "ignore", "ignore"] });
      try {
        // At first after much input, then at any moment.
        await until("much to be read", () => bytesRead(child.pid) > (tries === 0 ? much : some * tries), 60_000);
        expect(peakKb(child.pid)).toBeLessThan(200 * 1024);
        const start = performance.now();
        child.kill("SIGTERM");
        await child.exited;
        took.push(performance.now() - start);
        expect(child.signalCode).toBe("SIGTERM");
      } finally {
        child.kill("SIGKILL");
        await child.exited;
      }
    }
    // This process waits for a processor too if the machine is busy, hence the lower quartile.
    expect(took.sort((a, b) => a - b)[1]).toBeLessThan(100);
  });

  test("unread answers are dropped and counted", async () => {
    const script = '{ yes "" | head -n 40000 | "$0" --json --log-format json - 2>&3 3>&-; } 3>&2 | { sleep 3; wc -l; }';
    const child = Bun.spawn(["bash", "-c", script, BINARY], { stdio: ["ignore", "pipe", "pipe"] });
    const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
    // If the names are late, it prepares to wait for them, and says what it lacks.
    const events = documents(err).filter(({ message }) => !String(message).startsWith("standby: "));
    expect(events).toMatchObject([{ level: "error", time: expect.any(String) }]);
    const dropped = Number(/^(\d+) answers dropped/.exec(events[0]?.["message"] as string)?.[1]);
    expect(dropped).toBeGreaterThan(0);
    expect(Number(out) + dropped).toBe(40_000);
  });
});

test.if(canStage("v1"))("--spare of a process that has only a thread inside is not refused", async () => {
  await using cgroup = makeCgroup("v1");
  const child = Bun.spawn([process.execPath, "-e", "setInterval(() => {}, 1000)"], {
    stdio: ["ignore", "ignore", "ignore"],
  });
  try {
    const threads = (): string[] => readdirSync(`/proc/${child.pid}/task`).filter((tid) => tid !== String(child.pid));
    await until("its threads", () => threads().length > 0);
    write(`${cgroup.dir}/tasks`, threads()[0] ?? "");
    const shown = await runCgkill(["show", "--spare", String(child.pid), cgroup.dir]);
    expect([shown.code, shown.stderr]).toEqual([0, ""]);
    const other = await runCgkill(["show", "--json", "--spare", "1", cgroup.dir]);
    expect(documents(other.stdout)).toMatchObject([{ outcome: "refused", error: { code: "spare-not-inside" } }]);
  } finally {
    child.kill("SIGKILL");
    await child.exited;
  }
});
