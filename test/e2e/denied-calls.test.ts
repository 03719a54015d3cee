// Seccomp filters that answer single system calls with an error: there is another way, or it is said what failed.

import { describe, expect, test } from "bun:test";

import { canStage, makeCgroup, startSleeper } from "../support/real-cgroup.ts";
import { documents, runCgkill } from "../support/run-cgkill.ts";

const UNDER_SECCOMP = `${import.meta.dir}/../support/under-seccomp.ts`;
const ERRNOS = [
  ["EPERM", "1"],
  ["ENOSYS", "38"],
] as const;
const PIDFD_SEND_SIGNAL = "424";
const FSTAT = process.arch === "x64" ? "5" : "80";

describe.each((["v1", "v2"] as const).filter(canStage))("%s: a seccomp filter", (version) => {
  // Regression: standard output and standard error were given up, without a word.
  test.each(ERRNOS)("that answers %s to fstat: the error is printed", async (_, errno) => {
    await using cgroup = makeCgroup(version);
    await using _sleeper = await startSleeper(cgroup.dir);
    const under = [process.execPath, UNDER_SECCOMP, FSTAT, errno];
    const { code, stderr } = await runCgkill([cgroup.dir], { under });
    expect(code).toBe(errno === "1" ? 5 : 1);
    expect(stderr).toStartWith("cgkill: fstat descriptor ");
    const { stdout } = await runCgkill(["--json", cgroup.dir], { under });
    expect(documents(stdout)).toMatchObject([{ error: { operation: "fstat" } }]);
  });

  // Regression: every member survived, said to be still exiting (ENOSYS) or to belong to another user (EPERM).
  test.each(ERRNOS)("that answers %s to pidfd_send_signal: killed and signalled by pid", async (_, errno) => {
    await using cgroup = makeCgroup(version);
    await using sleeper = await startSleeper(cgroup.dir);
    const under = [process.execPath, UNDER_SECCOMP, PIDFD_SEND_SIGNAL, errno];
    const signal = await runCgkill(["signal", "CONT", "--json", cgroup.dir], { under });
    expect(documents(signal.stdout)).toMatchObject([{ signalled: [{ pid: sleeper.pid }] }]);
    const kill = await runCgkill(["--json", "-m", "freezer", "-t", "1s", cgroup.dir], { under });
    expect(documents(kill.stdout)).toMatchObject([{ outcome: "killed", killed: [{ pid: sleeper.pid }] }]);
    expect([signal.code, kill.code]).toEqual([0, 0]);
  });
});
