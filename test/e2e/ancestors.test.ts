// The ancestors of cgkill, for each way to start a shell: a kill is refused while one of them is inside the target.
// Also ancestors that are not visible: a parent that has exited, and one outside our pid namespace.

import { describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";

import { canStage, isAlive, liveMembers, makeCgroup, startSleeper, until } from "../support/real-cgroup.ts";
import { BINARY, documents } from "../support/run-cgkill.ts";
import { inTerminal } from "../support/terminal.ts";

/**
 * Commands in which `RUN` stands for a shell command that starts cgkill. Missing programs are reported and left out.
 */
const WAYS: Readonly<Record<string, { readonly program: string; readonly script: string }>> = {
  "a shell": { program: "sh", script: "sh -c 'RUN; true'" },
  su: { program: "su", script: "su -s /bin/sh root -c 'RUN; true'" },
  sudo: { program: "sudo", script: "sudo -n sh -c 'RUN; true'" },
  "sudo, directly": { program: "sudo", script: "sudo -n RUN" },
  tmux: {
    program: "tmux",
    script: "tmux -L cgkill-test-$$ -f /dev/null new-session -d 'RUN; true'",
  },
  "a double fork in a session of its own, as sshd makes it": {
    program: "setsid",
    script: "(setsid sh -c 'sh -c \"RUN; true\"; true' &)",
  },
};

for (const version of ["v1", "v2"] as const) {
  describe.if(canStage(version))(`${version}: started inside the target by`, () => {
    for (const [name, { program, script }] of Object.entries(WAYS)) {
      const isThere = Bun.which(program) !== null;
      if (!isThere) console.warn(`left out: started by ${name} (${program} is not installed)`);
      test.if(isThere)(`${name}: refused, and all processes live`, async () => {
        await using cgroup = makeCgroup(version);
        await using sleeper = await startSleeper(cgroup.dir);
        const scratch = mkdtempSync(`${tmpdir()}/cgkill-test-`);
        const run = `${BINARY} --json ${cgroup.dir} >${scratch}/out; echo $? >${scratch}/code.part; mv ${scratch}/code.part ${scratch}/code`;
        // A shell for the redirection, because some of them start a program directly.
        const runScript = `${scratch}/run`;
        await Bun.write(runScript, `#!/bin/sh\n${run}\n`);
        Bun.spawnSync(["chmod", "755", scratch, runScript]);
        const line = `echo 0 > ${cgroup.dir}/cgroup.procs; ${script.replaceAll("RUN", runScript)}; true`;
        const shell = Bun.spawn(["sh", "-c", line], {
          stdio: ["ignore", "ignore", "inherit"],
          env: { ...process.env, TERM: "xterm" },
        });
        await until("cgkill has ended", () => existsSync(`${scratch}/code`));
        await shell.exited;
        const [document] = documents(readFileSync(`${scratch}/out`, "utf8"));
        expect(document).toMatchObject({ outcome: "refused", error: { code: "holds-ancestors" }, killed: [] });
        expect(readFileSync(`${scratch}/code`, "utf8")).toBe("4\n");
        expect(isAlive(sleeper.pid)).toBe(true);
        rmSync(scratch, { recursive: true });
      });
    }

    // Regression: the kernel hung up the terminal when the shell died, and cgkill ended as interrupted, in the middle.
    test("the first shell of a terminal, with --allow-ancestors: the kill goes on after the SIGHUP", async () => {
      await using cgroup = makeCgroup(version);
      const scratch = mkdtempSync(`${tmpdir()}/cgkill-test-`);
      const script = `echo 0 > ${cgroup.dir}/cgroup.procs; for i in 1 2 3; do sleep 1000 & done; "$@" >${scratch}/out; :`;
      const args = ["--json", "--keep", "-m", "freezer", "--allow-ancestors", cgroup.dir];
      await using session = inTerminal(args, { under: ["sh", "-c", script, "sh"] });
      expect(await session.ended()).toBe("SIGKILL");
      await until("the report", () => readFileSync(`${scratch}/out`, "utf8").endsWith("}\n"));
      const [document] = documents(readFileSync(`${scratch}/out`, "utf8"));
      expect(document).toMatchObject({ outcome: "killed", killed_count: 4, survivors: [], proven: true });
      rmSync(scratch, { recursive: true });
    });

    test("an ancestor that has exited: none is left to guard, and cgkill steps aside", async () => {
      await using cgroup = makeCgroup(version);
      await using sleeper = await startSleeper(cgroup.dir);
      const scratch = mkdtempSync(`${tmpdir()}/cgkill-test-`);
      const orphan = `while [ -e /proc/$P ]; do :; done; exec ${BINARY} --json ${cgroup.dir} >${scratch}/out 2>/dev/null`;
      const line = `echo 0 > ${cgroup.dir}/cgroup.procs; P=$$ sh -c '${orphan}' &`;
      await Bun.spawn(["sh", "-c", line], { stdio: ["ignore", "ignore", "inherit"] }).exited;
      await until(
        "a report",
        () => existsSync(`${scratch}/out`) && readFileSync(`${scratch}/out`, "utf8").endsWith("\n"),
      );
      const [document] = documents(readFileSync(`${scratch}/out`, "utf8"));
      expect(document).toMatchObject({ outcome: "killed", spared: [expect.anything()] });
      expect(isAlive(sleeper.pid)).toBe(false);
      rmSync(scratch, { recursive: true });
    });
  });
}

// Regression: the cgroup of an ancestor used to be read from its leader only; on v1 its threads can be in several
// cgroups, and each of them lists the process.
describe.if(canStage("memory"))("v1: started by a process that has one thread in the target", () => {
  const script = `
    const [binary, dir] = process.argv.slice(-2);
    const { readdirSync, writeFileSync } = require("node:fs");
    new Worker("data:text/javascript,setInterval(() => {}, 1000)");
    await Bun.sleep(50);
    const other = readdirSync("/proc/self/task").map(Number).find((tid) => tid !== process.pid);
    writeFileSync(dir + "/tasks", String(other));
    for (const command of ["show", "kill"]) {
      const args = command === "show" ? ["show"] : [];
      console.log(Bun.spawnSync([binary, ...args, "--json", dir]).stdout.toString().trim());
    }
    process.exit(0);`;

  test("refused, and shown as refused", async () => {
    await using cgroup = makeCgroup("memory");
    const child = Bun.spawn([process.execPath, "-e", script, BINARY, cgroup.dir], { stdout: "pipe" });
    const [shown, killed] = documents(await child.stdout.text());
    await child.exited;
    expect(shown).toMatchObject({ procs: 1, refusal: { code: "holds-ancestors" } });
    expect(killed).toMatchObject({ outcome: "refused", error: { code: "holds-ancestors" } });
    expect([child.signalCode, child.exitCode]).toEqual([null, 0]);
  });
});

// As after `docker exec` or `nsenter -p`: our parent pid is 0, and /proc does not show which process that is. Ancestors
// with a pid here are guarded; the others are not, and v2 kills them with the rest, as the manual says.
describe("in a pid namespace of its own", () => {
  const inner = ["unshare", "-pf", "--mount-proc", "sh", "-c", '"$@"; true', "sh"];

  test.if(canStage("v2"))("v2: an ancestor inside it is guarded", async () => {
    await using cgroup = makeCgroup("v2");
    const line = `sh -c 'echo 0 > ${cgroup.dir}/cgroup.procs; ${BINARY} --json ${cgroup.dir}; true'`;
    const child = Bun.spawn(["unshare", "-pf", "--mount-proc", "sh", "-c", `${line}; true`], { stdout: "pipe" });
    const [document] = documents(await child.stdout.text());
    expect(document).toMatchObject({ outcome: "refused", error: { code: "holds-ancestors" } });
  });

  test.if(canStage("v2"))("v2: one outside it is counted by show, and dies", async () => {
    await using cgroup = makeCgroup("v2");
    const outer = (args: string): string[] => [
      "sh",
      "-c",
      `echo 0 > ${cgroup.dir}/cgroup.procs; unshare -pf --mount-proc sh -c 'echo 0 > ${cgroup.dir}/../cgroup.procs; ${BINARY} --json ${args} ${cgroup.dir}; true'; true`,
    ];
    const shown = Bun.spawn(outer("-n"), { stdout: "pipe" });
    expect(documents(await shown.stdout.text())[0]).toMatchObject({ refusal: null, invisible: 2, procs: 0 });
    await shown.exited;
    expect(liveMembers(cgroup.dir)).toEqual([]);
    const killed = Bun.spawn(outer(""), { stdout: "pipe" });
    expect(documents(await killed.stdout.text())[0]).toMatchObject({ outcome: "killed", killed_count: 0 });
    await killed.exited;
    expect(killed.signalCode).toBe("SIGKILL");
  });

  test.if(canStage("v1"))("v1: one outside it is in no list, and lives", async () => {
    await using cgroup = makeCgroup("v1");
    await using sleeper = await startSleeper(cgroup.dir);
    const child = Bun.spawn([...inner, BINARY, "--json", "-t", "200ms", cgroup.dir], { stdout: "pipe" });
    expect(documents(await child.stdout.text())[0]).toMatchObject({ outcome: "not-removed", killed: [] });
    expect(isAlive(sleeper.pid)).toBe(true);
  });
});
