// A caller with a long timer slack, as TimerSlackNSec= of a systemd unit sets it: a wait that ends by its time may last
// that much longer, unless the process has a real-time priority. A finite RLIMIT_RTTIME keeps cgkill from taking one.

import { describe, expect, test } from "bun:test";

import { canStage, isAlive, liveMembers, makeCgroup, startStubborn } from "../support/real-cgroup.ts";
import { runBounded } from "../support/run-bounded.ts";
import { documents } from "../support/run-cgkill.ts";

const prlimit = Bun.which("prlimit") ?? "";
const SLACK_NS = "30000000000";
const UNDER = ["sh", "-c", `echo ${SLACK_NS} > /proc/$$/timerslack_ns && exec ${prlimit} --rttime=9999999 "$@"`, "sh"];
/** Far above what each run waits for, and far below the slack. */
const IN_TIME_MS = 5000;

describe.each((["v1", "v2"] as const).filter(canStage))("%s: a caller with a timer slack of 30 s", (version) => {
  // Regression: each wait lasted 30 s longer than it should.
  test.skipIf(prlimit === "")("a grace period that no member obeys ends in time", async () => {
    await using cgroup = makeCgroup(version);
    await using _ = await startStubborn(cgroup.dir, 2);
    const members = liveMembers(cgroup.dir);
    const { isStuck, code, stdout, ms } = await runBounded(["--json", "-g", "300ms", cgroup.dir], { under: UNDER });
    expect(isStuck).toBe(false);
    expect([code, documents(stdout)[0]?.["outcome"]]).toEqual([0, "killed"]);
    expect(members.filter(isAlive)).toEqual([]);
    expect(ms).toBeLessThan(IN_TIME_MS);
  });

  test.skipIf(prlimit === "")("cgkill run ends at its limit, and the command has the slack of the caller", async () => {
    await using cgroup = makeCgroup(version);
    const command = ["sh", "-c", "cat /proc/$$/timerslack_ns; sleep 20"];
    const args = ["run", "--in", cgroup.dir, "--limit", "300ms", ...command];
    const { isStuck, code, stdout, ms } = await runBounded(args, { under: UNDER });
    expect({ isStuck, code, stdout }).toEqual({ isStuck: false, code: 124, stdout: `${SLACK_NS}\n` });
    expect(ms).toBeLessThan(IN_TIME_MS);
  });
});
