// Signals that the caller ignores stay ignored on a terminal too, as `trap '' INT` and the background jobs of a script ask.

import { describe, expect, test } from "bun:test";

import { canStage, liveMembers, makeCgroup, startStubborn } from "../../support/real-cgroup.ts";
import { inTerminal, KEYS } from "../../support/terminal.ts";

const ignoring = (signals: string): string[] => ["sh", "-c", `trap '' ${signals}; exec "$@"`, "sh"];
const show = (mask: string): string => `SigBlk: 0000000000000000 SigIgn: ${mask.padStart(16, "0")}`;

/** Regression: on a terminal the runtime handled INT and TERM from its start, and a Ctrl-C for others ended cgkill. */
describe.if(canStage("v2"))("signals that the caller ignores", () => {
  test.each([
    ["INT", "1002"],
    ["TERM", "5000"],
    ["INT TERM HUP QUIT", "5007"],
  ])("%s: the command of a run ignores them", async (signals, mask) => {
    const look = ["grep", "-E", "SigIgn|SigBlk", "/proc/self/status"];
    await using session = inTerminal(["run", ...look], { under: ignoring(`${signals} PIPE`) });
    expect(await session.ended()).toBe(0);
    expect(session.text().replaceAll(/\s+/g, " ").trim()).toBe(show(mask));
  });

  test("Ctrl-C does not interrupt a kill", async () => {
    await using cgroup = makeCgroup("v2");
    await using _ = await startStubborn(cgroup.dir, 1);
    await using session = inTerminal(["kill", "-g", "30s", cgroup.dir], { under: ignoring("INT") });
    await session.sees("waiting for processes");
    session.types(KEYS.ctrlC);
    await session.sees("^C");
    for (const pid of liveMembers(cgroup.dir)) process.kill(pid, "SIGKILL");
    expect(await session.ended()).toBe(0);
  });
});
