// The program that may start again what was killed is named by show and by a finished kill, with a command only if that
// is safe. Copies of a shell stand in for the supervisors; scripts/clients tries the real ones.

import { afterAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";

import { childrenOf, isAsleep } from "../support/proc.ts";
import { canStage, liveMembers, makeCgroup, type RealCgroup, until, write } from "../support/real-cgroup.ts";
import { documents, runCgkill } from "../support/run-cgkill.ts";

const OTHER_UID = 12345;
const scratch = mkdtempSync(`${tmpdir()}/cgkill-test-`);
chmodSync(scratch, 0o755);
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
const SHELL = realpathSync(Bun.which("bash") ?? "/bin/sh");

interface Parent extends AsyncDisposable {
  readonly pid: number;
}

interface Started {
  readonly cwd?: string;
  readonly script?: string;
  readonly args?: readonly string[];
  /** Words before the program. */
  readonly under?: readonly string[];
}

/** Whether the member has executed its program. Before, it has the name of its parent. */
const hasSleeper = (dir: string): boolean => liveMembers(dir).some((pid) => isAsleep(pid));

/** Start a process of this name that starts the only member and is not an ancestor of cgkill. */
async function startParent(
  name: string,
  { dir }: RealCgroup,
  { cwd = scratch, script, args, under = [] }: Started = {},
) {
  const program = `${scratch}/${name}`;
  if (!existsSync(program)) copyFileSync(SHELL, program);
  const start = `sleep 1000 & echo $! > ${dir}/cgroup.procs; ${script ?? "while :; do wait; read -rt 1 <> <(:); done"}`;
  const argv = args ?? ["-c", start];
  if (args !== undefined) writeFileSync(`${cwd}/${args[0]}`, start);
  const child = Bun.spawn(["setsid", ...under, program, ...argv], { cwd, stdio: ["ignore", "ignore", "ignore"] });
  await until("the member", () => hasSleeper(dir));
  const parent: Parent = {
    pid: child.pid,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
  return parent;
}

describe.if(canStage("v2"))("on v2", () => {
  test("an unknown parent is named by show and by the kill", async () => {
    await using cgroup = makeCgroup("v2");
    await using parent = await startParent("maker", cgroup);
    const sentence = `started by maker (pid ${parent.pid}), which may start it again`;
    expect((await runCgkill(["show", cgroup.dir])).stdout).toContain(`  ${sentence}\n`);
    const json = await runCgkill(["show", "--json", cgroup.dir]);
    expect(documents(json.stdout)).toMatchObject([
      { started_by: { pid: parent.pid, comm: "maker" }, supervisor: null, may_restart: false, stop: null },
    ]);
    const killed = await runCgkill([cgroup.dir]);
    expect(killed).toMatchObject({ code: 0, stderr: `cgkill: ${cgroup.path}: ${sentence}\n` });
  });

  test.each(["tini", "tmux: server", "containerd-shim-runc-v2"])("%s restarts nothing: not named", async (name) => {
    await using cgroup = makeCgroup("v2");
    await using _ = await startParent(name, cgroup);
    expect(await runCgkill([cgroup.dir])).toMatchObject({ code: 0, stderr: "" });
  });

  test.each([["-q"], ["--log-level=warn"]])("with %s no parent is named", async (option) => {
    await using cgroup = makeCgroup("v2");
    await using _ = await startParent("maker", cgroup);
    expect(await runCgkill([option, cgroup.dir])).toMatchObject({ code: 0, stderr: "" });
  });

  test("a parent of several targets is named once", async () => {
    await using one = makeCgroup("v2");
    await using two = makeCgroup("v2");
    const script = `sleep 1000 & echo $! > ${two.dir}/cgroup.procs; while :; do wait; read -rt 1 <> <(:); done`;
    await using _ = await startParent("maker", one, { script });
    await until("both members", () => hasSleeper(two.dir));
    const { stderr } = await runCgkill([one.dir, two.dir]);
    expect(stderr.match(/maker \(pid/g)).toHaveLength(1);
  });

  test("a supervisor is named, with its service directory quoted in the command", async () => {
    await using cgroup = makeCgroup("v2");
    const cwd = `${scratch}/my web's`;
    mkdirSync(cwd);
    await using parent = await startParent("runsv", cgroup, { cwd });
    const hint = `runit (pid ${parent.pid}) may start it again; to stop it:\n    sv down '${cwd.replace("'", `'\\''`)}'`;
    expect((await runCgkill(["show", cgroup.dir])).stdout).toContain(hint);
    const json = await runCgkill(["show", "--json", cgroup.dir]);
    expect(documents(json.stdout)).toMatchObject([
      { supervisor: "runit", may_restart: true, commands: [["sv", "down", cwd]], started_by: { pid: parent.pid } },
    ]);
    expect((await runCgkill([cgroup.dir])).stderr).toBe(`cgkill: warn: ${cgroup.path}: ${hint}\n`);
  });

  test("with --log-format=json, a supervisor is a JSON line on standard error", async () => {
    await using cgroup = makeCgroup("v2");
    await using parent = await startParent("s6-supervise", cgroup);
    const { stderr } = await runCgkill(["--json", "--log-format=json", cgroup.dir]);
    expect(documents(stderr)).toMatchObject([
      { level: "warn", supervisor: "s6", supervisor_pid: parent.pid, stop: `s6-svc -d ${scratch}` },
    ]);
  });

  test("if the directory of a service belongs to another user, there is no command", async () => {
    await using cgroup = makeCgroup("v2");
    const cwd = `${scratch}/foreign`;
    mkdirSync(cwd);
    chownSync(cwd, OTHER_UID, OTHER_UID);
    await using parent = await startParent("runsv", cgroup, { cwd });
    expect((await runCgkill([cgroup.dir])).stderr).toBe(
      `cgkill: warn: ${cgroup.path}: runit (pid ${parent.pid}) may start it again\n`,
    );
  });

  test.each([
    ["web", "; to stop it:\n    rc-service web stop\n"],
    ["$(touch x)", "\n"],
    ["../web", "\n"],
  ])("an OpenRC service called %s", async (service, end) => {
    await using cgroup = makeCgroup("v2");
    const cwd = mkdtempSync(`${scratch}/x-`);
    await using parent = await startParent("supervise-daemon", cgroup, { cwd, args: [service] });
    expect((await runCgkill([cgroup.dir])).stderr).toBe(
      `cgkill: warn: ${cgroup.path}: openrc (pid ${parent.pid}) may start it again${end}`,
    );
  });

  test.each([
    ["owned by root", 0, 0o644, true],
    ["owned by another user", OTHER_UID, 0o644, false],
    ["writable by others", 0, 0o666, false],
  ])("a configuration of supervisord that is %s", async (_, owner, mode, isTrusted) => {
    await using cgroup = makeCgroup("v2");
    const cwd = mkdtempSync(`${scratch}/x-`);
    chmodSync(cwd, 0o755);
    const config = `${cwd}/supervisord.conf`;
    writeFileSync(config, "[program:web]\ncommand=/usr/bin/sleep 1000\n");
    chownSync(config, owner, owner);
    chmodSync(config, mode);
    await using parent = await startParent("supervisord", cgroup, { cwd, args: ["run", "-c", config] });
    const command = isTrusted ? `; to stop it:\n    supervisorctl -c ${config} stop web\n` : "\n";
    expect((await runCgkill([cgroup.dir])).stderr).toBe(
      `cgkill: warn: ${cgroup.path}: supervisord (pid ${parent.pid}) may start it again${command}`,
    );
  });

  test("a parent of another user is named without a command", async () => {
    await using cgroup = makeCgroup("v2");
    const program = `${scratch}/runsv`;
    if (!existsSync(program)) copyFileSync(SHELL, program);
    const script = "sleep 1000 & while :; do wait; read -rt 1 <> <(:); done";
    const argv = ["setsid", "setpriv", `--reuid=${OTHER_UID}`, "--clear-groups", program, "-c", script];
    const parent = Bun.spawn(argv, { cwd: scratch, stdio: ["ignore", "ignore", "ignore"] });
    try {
      const child = (): number => childrenOf(parent.pid)[0] ?? 0;
      await until("its child", () => isAsleep(child()));
      write(`${cgroup.dir}/cgroup.procs`, String(child()));
      expect((await runCgkill([cgroup.dir])).stderr).toBe(
        `cgkill: warn: ${cgroup.path}: runit (pid ${parent.pid}) may start it again\n`,
      );
    } finally {
      parent.kill("SIGKILL");
      await parent.exited;
    }
  });

  test("a parent in another mount namespace is named without a command: its paths mean something else", async () => {
    await using cgroup = makeCgroup("v2");
    const cwd = mkdtempSync(`${scratch}/x-`);
    chmodSync(cwd, 0o755);
    const under = ["unshare", "-m", "--propagation", "private"];
    await using parent = await startParent("runsv", cgroup, { cwd, under });
    expect((await runCgkill([cgroup.dir])).stderr).toBe(
      `cgkill: warn: ${cgroup.path}: runit (pid ${parent.pid}) may start it again\n`,
    );
  });

  test("cron is named instead of its process for a job, which ends with the job", async () => {
    await using cgroup = makeCgroup("v2");
    const script = "(sleep 1000 & echo $! > DIR/cgroup.procs; wait; :) & while :; do wait; read -rt 1 <> <(:); done";
    const args = ["job"];
    const cwd = mkdtempSync(`${scratch}/x-`);
    await using other = makeCgroup("v2");
    await using parent = await startParent("cron", other, { cwd, args, script: script.replace("DIR", cgroup.dir) });
    await until("the job", () => hasSleeper(cgroup.dir));
    const { stderr } = await runCgkill([cgroup.dir]);
    expect(stderr).toBe(`cgkill: warn: ${cgroup.path}: cron (pid ${parent.pid}) may start it again\n`);
    const again = await runCgkill([other.dir]);
    expect(again.stderr).toContain(`cron (pid ${parent.pid}) may start it again`);
  });

  test("a name with escape sequences that imitates a hint is printed as plain text", async () => {
    await using cgroup = makeCgroup("v2");
    await using _ = await startParent("\x1b[2J\u202e;\nhint", cgroup);
    const { stderr } = await runCgkill([cgroup.dir]);
    expect(stderr).not.toMatch(/[\x1b\u202e]/);
    expect(stderr.split("\n")).toHaveLength(2);
  });

  test("an ancestor of cgkill is not named", async () => {
    await using cgroup = makeCgroup("v2");
    const script = `sleep 1000 & echo $! > ${cgroup.dir}/cgroup.procs; (: && "$@"); exit $?`;
    expect(await runCgkill([cgroup.dir], { under: ["sh", "-c", script, "sh"] })).toMatchObject({ code: 0, stderr: "" });
  });
});

describe.if(canStage("v1"))("on v1", () => {
  test("the parent is read before the kill, by every method and with a grace period", async () => {
    for (const options of [[], ["--method=sweep"], ["--grace=1s"]]) {
      await using cgroup = makeCgroup("v1");
      await using parent = await startParent("maker", cgroup);
      const { code, stderr } = await runCgkill([...options, cgroup.dir]);
      expect(code).toBe(0);
      expect(stderr).toContain(`started by maker (pid ${parent.pid}), `);
    }
  });
});
