// Seccomp filters that answer single system calls with an error: what cannot be done is said.

import { describe, expect, test } from "bun:test";

import { canStage, makeCgroup, startSleeper } from "../support/real-cgroup.ts";
import { documents, runCgkill } from "../support/run-cgkill.ts";

const UNDER_SECCOMP = `${import.meta.dir}/../support/under-seccomp.ts`;
const ERRNOS = [
  ["EPERM", "1"],
  ["ENOSYS", "38"],
] as const;
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
});
