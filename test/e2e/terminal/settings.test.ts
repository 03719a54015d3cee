// The settings of the terminal belong to others: cgkill leaves them alone, except while it asks a question.

import { describe, expect, test } from "bun:test";

import { canStage, liveMembers, makeCgroup, startStubborn } from "../../support/real-cgroup.ts";
import { inTerminal, type TerminalSession } from "../../support/terminal.ts";

/** Regression: at its end, the runtime wrote the settings that it had found at its start. */
describe.if(canStage("v2"))("the settings of the terminal at the end of cgkill", () => {
  test("what the command of a run has set stays", async () => {
    await using session = inTerminal(["run", "stty", "-echo"], { under: ["sh", "-c", '"$@"; stty -a', "sh"] });
    expect(await session.ended()).toBe(0);
    expect(session.text()).toMatch(/ -echo\b/);
  });

  /** Starts cgkill in the background, waits for a key, and changes the settings as an editor does. */
  const EDITOR = ["sh", "-c", '"$@" & read x; stty raw -echo; echo "raw $!."; wait; stty -a; echo over', "sh"];

  async function endBeside(session: TerminalSession, ready: string, end: (pid: number) => void): Promise<void> {
    await session.sees(ready);
    session.types("\r");
    await session.sees("raw ");
    await session.sees(".");
    end(Number(/raw (\d+)\./.exec(session.text())?.[1]));
    await session.sees("over");
    expect(session.text()).toMatch(/ -icanon\b/);
    expect(session.text()).toMatch(/ -echo\b/);
  }

  test.each([
    ["a run", ["run", "sh", "-c", "echo up; exec sleep 1000"], "up"],
    ["list --watch", ["list", "--watch"], "cgroup"],
  ])("%s in the background leaves a raw terminal raw when it ends", async (_, args, ready) => {
    await using session = inTerminal(args, { under: EDITOR });
    await endBeside(session, ready, (pid) => process.kill(pid, "SIGTERM"));
  });

  test("a kill in the background leaves a raw terminal raw when it ends", async () => {
    await using cgroup = makeCgroup("v2");
    await using _ = await startStubborn(cgroup.dir, 1);
    await using session = inTerminal(["kill", "-g", "30s", cgroup.dir], { under: EDITOR });
    await endBeside(session, "waiting for processes", () => {
      for (const pid of liveMembers(cgroup.dir)) process.kill(pid, "SIGKILL");
    });
  });
});
