// The minimum that a host must have: a root directory with the binary, the libraries that it is linked to, and /proc.
// No /etc, /dev, /tmp or shell.

import { afterAll, describe, expect, test } from "bun:test";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname } from "node:path";

import { IN_MOUNTS_OF_ITS_OWN } from "../support/layout.ts";
import { canStage, isAlive, makeCgroup, mountPoint, startSleeper } from "../support/real-cgroup.ts";
import { BINARY, documents } from "../support/run-cgkill.ts";

const root = mkdtempSync(`${tmpdir()}/cgkill-test-`);
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** The libraries that the loader reports; the first line is the vdso, which is not a file. */
function librariesOf(binary: string): string[] {
  const { stdout } = Bun.spawnSync(["ldd", binary]);
  return stdout.toString().match(/\/\S+(?= \(0x)/g) ?? [];
}

/** Run the binary there, in a private mount namespace. */
function run(mounts: readonly string[], ...args: readonly string[]) {
  const script = [...mounts, 'exec chroot "$0" /cgkill "$@"'].join(" && ");
  const argv = [...IN_MOUNTS_OF_ITS_OWN, "sh", "-c", script, root, ...args];
  const { exitCode, stdout, stderr } = Bun.spawnSync(argv, { env: {}, stdin: "ignore" });
  return { code: exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
}

const PROC = 'mount -t proc proc "$0/proc"';

describe.if(canStage("v1") && canStage("v2"))("a root directory of binary, libraries and /proc", () => {
  const libraries = librariesOf(BINARY);
  for (const file of libraries) {
    mkdirSync(`${root}${dirname(file)}`, { recursive: true });
    copyFileSync(file, `${root}${file}`);
  }
  copyFileSync(BINARY, `${root}/cgkill`);
  mkdirSync(`${root}/proc`);

  test("on glibc there are five libraries", () => {
    const names = libraries.map((file) => file.replace(/.*\//, "").replace(/[.-].*/, "")).sort();
    if (names.includes("ld") && names.includes("libc")) {
      expect(names).toEqual(["ld", "libc", "libdl", "libm", "libpthread"]);
    }
  });

  test("it starts", () => {
    expect(run([PROC], "--version")).toMatchObject({ code: 0, stderr: "", stdout: expect.stringContaining("cgkill ") });
  });

  for (const version of ["v1", "v2"] as const) {
    test(`it kills on ${version} although /sys contains only that mount`, async () => {
      await using cgroup = makeCgroup(version);
      await using sleeper = await startSleeper(cgroup.dir);
      const at = `/${version}`;
      mkdirSync(`${root}${at}`);
      const ran = run(
        [PROC, `mount --rbind '${mountPoint(version)}' "$0${at}"`],
        "--json",
        `${at}${cgroup.dir.slice(mountPoint(version)?.length)}`,
      );
      expect(ran).toMatchObject({ code: 0, stderr: "" });
      expect(documents(ran.stdout)).toMatchObject([{ outcome: "killed", killed_count: 1 }]);
      expect(isAlive(sleeper.pid)).toBe(false);
    });
  }

  test("without /proc Bun itself does not start, and nothing reports success", () => {
    expect(run([], "--version").code).not.toBe(0);
  });
});
