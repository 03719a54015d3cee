// `cgkill run` at a terminal: the command uses it as without cgkill, and a shell sees the job stop and continue.

import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";

import { commOf, isAsleep, stateOf, statOf } from "../support/proc.ts";
import { canStage, liveMembers, makeCgroup, until } from "../support/real-cgroup.ts";
import { BINARY } from "../support/run-cgkill.ts";
import { inTerminal, type TerminalSession } from "../support/terminal.ts";

const VERSIONS = (["v1", "v2"] as const).filter(canStage);
const BASH = ["bash", "--norc", "--noprofile", "-i"];

/** Wait until a program in a cgroup sleeps in the foreground of its terminal: only then it gets what is typed. */
async function waitForForeground(program: string, dir: string): Promise<void> {
  await until(`${program} in the foreground`, () =>
    liveMembers(dir).some((pid) => {
      const [, , group, , , foreground] = statOf(pid);
      return isAsleep(pid, program) && group === foreground;
    }),
  );
}

/**
 * Wait until a program in a cgroup has stopped. The shell has its prompt as soon as cgkill has: until then, a read of the
 * terminal that it has begun may take the next key.
 */
const waitForStop = (program: string, dir: string): Promise<void> =>
  until(`${program} to stop`, () => liveMembers(dir).some((pid) => commOf(pid) === program && stateOf(pid) === "T"));

/** Keys before the prompt may be lost, since the shell changes the settings of the terminal for each job. */
async function atPrompt(session: TerminalSession, after: string): Promise<void> {
  await session.sees(after);
  await session.sees("ready> ");
}

describe.each(VERSIONS)("run at a terminal on %s", (version) => {
  const v = ["--hierarchy", version];
  const left = (dir: string): string[] => readdirSync(dir).filter((name) => name.startsWith("cgkill-run-"));

  test("the command has the terminal and its size, and reads what is typed", async () => {
    await using beside = makeCgroup(version);
    const script = 'tty >/dev/null && stty size && read -r line && echo "you typed $line"; exit 6';
    await using session = inTerminal(["run", ...v, "--in", beside.dir, "sh", "-c", script], { columns: 90, rows: 33 });
    await session.sees("33 90");
    session.types("hello\r");
    await session.sees("you typed hello");
    expect(await session.ended()).toBe(6);
    expect(left(beside.dir)).toEqual([]);
  });

  test("Ctrl-C reaches the command once, and cgkill waits until the command exits", async () => {
    await using beside = makeCgroup(version);
    const loop = 'until [ "$got" ]; do sleep 0.05; done; sleep 0.3; echo done; exit 5';
    const script = `trap "echo interrupted; got=1" INT; echo up; ${loop}`;
    await using session = inTerminal(["run", ...v, "--in", beside.dir, "sh", "-c", script]);
    await session.sees("up");
    session.types("\u0003");
    await session.sees("done");
    expect(await session.ended()).toBe(5);
    expect(session.text().match(/interrupted/g)).toHaveLength(1);
    expect(left(beside.dir)).toEqual([]);
  });

  test("Ctrl-\\ kills a command that does not handle it, and cgkill exits with its status", async () => {
    await using beside = makeCgroup(version);
    await using session = inTerminal(["run", ...v, "--in", beside.dir, "sh", "-c", "echo up; exec sleep 1000"]);
    await session.sees("up");
    session.types("\u001c");
    expect(await session.ended()).toBe(131);
  });

  test("when the terminal hangs up, the whole run ends", async () => {
    await using beside = makeCgroup(version);
    const script = 'trap "" HUP; setsid sleep 1000 & echo up; sleep 1000';
    await using session = inTerminal(["run", ...v, "--in", beside.dir, "sh", "-c", script]);
    await session.sees("up");
    session.hangUp();
    expect(await session.ended()).toBeOneOf([129, 137]);
    expect(left(beside.dir)).toEqual([]);
  });

  test("a shell with job control works in a run: stop, list, kill, exit", async () => {
    await using beside = makeCgroup(version);
    await using session = inTerminal(["run", ...v, "--in", beside.dir, ...BASH]);
    session.types("PS1='ready> '; set -m; echo job'-'control\r");
    await atPrompt(session, "job-control");
    session.types("sleep 1000\r");
    await waitForForeground("sleep", beside.dir);
    session.types("\u001a");
    await atPrompt(session, "Stopped");
    session.types("jobs\r");
    await atPrompt(session, "Stopped");
    session.types("kill %1; wait %1; echo wait'ed' $?\r");
    await atPrompt(session, "waited");
    session.types("exit 8\r");
    await session.sees("exit");
    session.types("exit 8\r");
    expect(await session.ended()).toBe(8);
    expect(left(beside.dir)).toEqual([]);
  });

  test("Ctrl-Z stops the job for the outer shell; fg continues it, even if only the command stopped", async () => {
    await using beside = makeCgroup(version);
    // The outer shell runs under cgkill too.
    await using session = inTerminal(["run", ...v, "--in", beside.dir, ...BASH]);
    const run = `${BINARY} run --hierarchy ${version}`;
    session.types("PS1='ready> '; set -m; echo job'-'control\r");
    await atPrompt(session, "job-control");
    session.types(`${run} sh -c 'echo u''p; read x; echo got $x; exit 3'\r`);
    await session.sees("up");
    session.types("\u001a");
    await atPrompt(session, "Stopped");
    await waitForStop("sh", beside.dir);
    session.types("fg\r");
    await waitForForeground("sh", beside.dir);
    session.types("word\r");
    await atPrompt(session, "got word");
    session.types("echo status'='$?\r");
    await atPrompt(session, "status=3");
    session.types(`${run} sh -c 'echo be''fore; kill -STOP $$; echo af''ter; exit 4'\r`);
    await session.sees("before");
    await atPrompt(session, "Stopped");
    session.types("fg; echo status'='$?\r");
    await session.sees("after");
    await atPrompt(session, "status=4");
    session.types("exit 0\r");
    expect(await session.ended()).toBe(0);
    expect(left(beside.dir)).toEqual([]);
  });

  // Regression: cgkill stopped too, and nothing continued it. The session leader has no shell above it, as under script(1).
  test("a command that stops itself where no shell could continue cgkill is killed at the limit", async () => {
    await using beside = makeCgroup(version);
    const words = ["sh", "-c", "echo up; kill -STOP $$; exec sleep 1000"];
    await using session = inTerminal(["run", ...v, "--in", beside.dir, "--limit", "500ms", ...words]);
    await session.sees("up");
    expect(await session.ended()).toBe(124);
    expect(left(beside.dir)).toEqual([]);
  });

  test("a command that another process stops does not stop a cgkill that no shell waits for", async () => {
    await using beside = makeCgroup(version);
    const child = Bun.spawn([BINARY, "run", ...v, "--in", beside.dir, "sh", "-c", "echo $$; exec sleep 1000"], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    const pid = Number(new TextDecoder().decode((await child.stdout.getReader().read()).value));
    process.kill(pid, "SIGSTOP");
    await until("the stop", () => stateOf(pid) === "T");
    await Bun.sleep(100);
    expect("RSD").toContain(stateOf(child.pid));
    child.kill("SIGCONT");
    await until("the command to continue", () => stateOf(pid) === "S");
    child.kill("SIGTERM");
    expect(await child.exited).toBeOneOf([143, 137]);
  });
});
