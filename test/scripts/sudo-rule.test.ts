// The sudo rule in the manual: sudo accepts it, and it permits the cgroups directly below /batch and nothing else.

import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";

import { MANUAL } from "./docs.ts";

const [, RULE = ""] = /This sudo rule[^`]*```\n(.*?)```/s.exec(MANUAL) ?? [];

const VISUDO = Bun.which("visudo") ?? Bun.which("visudo", { PATH: "/usr/sbin:/sbin" });
if (VISUDO === null) console.warn("left out: the sudo rule as visudo reads it (sudo is not installed)");

/** sudo matches the arguments joined by spaces with a POSIX expression, in which `$` is the very end. */
const [, ARGUMENTS = ""] = /\/usr\/local\/bin\/cgkill (\^.*\$)\n/.exec(RULE) ?? [];

describe("the sudo rule of the manual", () => {
  test.each(["-- /batch/job7", "-- /batch/a", "-- /batch/A_b-9"])("permits %j", (words) => {
    expect(new RegExp(ARGUMENTS).test(words)).toBe(true);
  });

  test.each([
    "",
    "/batch/job7",
    "-- /batch",
    "-- /batch/",
    "-- /batch/../system.slice",
    "-- /batch/a/b",
    "-- /batch/a /system.slice",
    "-- /batch/a\n/system.slice",
    "-- /batch/a --all",
    "--all -- /batch/a",
    "kill -- /batch/a",
    "--allow-ancestors -- /batch/a",
    "-- /batch/a*",
    "-- batch/a",
    " -- /batch/a",
  ])("does not permit %j", (words) => {
    expect(new RegExp(ARGUMENTS).test(words)).toBe(false);
  });

  test.if(VISUDO !== null)("is one that sudo accepts", () => {
    const dir = mkdtempSync(`${tmpdir()}/cgkill-test-`);
    try {
      writeFileSync(`${dir}/rule`, RULE, { mode: 0o440 });
      const { exitCode, stdout, stderr } = Bun.spawnSync([VISUDO ?? "", "-c", "-f", `${dir}/rule`]);
      expect({ exitCode, said: `${stdout}${stderr}` }).toEqual({ exitCode: 0, said: `${dir}/rule: parsed OK\n` });
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
});
