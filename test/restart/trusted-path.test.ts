// Which paths only root and the caller can change, on the real file system.

import { afterAll, describe, expect, test } from "bun:test";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";

import { isTrustedPath } from "../../src/restart/trusted-path.ts";
import { libcCalls } from "../../src/sys/calls/libc-calls.ts";
import { PROC } from "../../src/sys/dir.ts";
import { linuxSys } from "../../src/sys/linux.ts";

const sys = linuxSys(libcCalls());
const isRoot = sys.uid === 0;
const OTHER_UID = 12345;

const scratch = mkdtempSync(`${tmpdir()}/cgkill-test-`);
chmodSync(scratch, 0o755);
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const file = (name: string, mode = 0o644): string => {
  writeFileSync(`${scratch}/${name}`, "");
  chmodSync(`${scratch}/${name}`, mode);
  return `${scratch}/${name}`;
};
const directory = (name: string, mode = 0o755): string => {
  mkdirSync(`${scratch}/${name}`);
  chmodSync(`${scratch}/${name}`, mode);
  return `${scratch}/${name}`;
};

/** `/a` and `/a/b` for `/a/b`. */
const pathsTo = (path: string): string[] =>
  path.split("/").flatMap((_, at, all) => all.slice(0, at + 1).join("/") || []);
const fifo = (name: string): string => {
  expect(Bun.spawnSync(["mkfifo", "-m", "644", `${scratch}/${name}`]).exitCode).toBe(0);
  return `${scratch}/${name}`;
};

test("a path that belongs to the caller and is not writable by other users is trusted", () => {
  expect(isTrustedPath(sys, file("mine"), "file")).toBe(true);
  expect(isTrustedPath(sys, directory("ours"), "directory")).toBe(true);
  expect(isTrustedPath(sys, "/", "directory")).toBe(true);
});

describe("not trusted", () => {
  test.each([
    ["a file that its group may write to", () => file("group", 0o664)],
    ["a file that others may write to", () => file("others", 0o646)],
    ["a relative path", () => "etc/passwd"],
    ["an empty path", () => ""],
    ["a missing file", () => `${scratch}/missing`],
    ["a path with an empty component", () => file("twice").replace("/twice", "//twice")],
    ["a path with `..`", () => `${directory("up")}/../mine`],
    ["a path with `.`", () => `${scratch}/./mine`],
    ["a path that ends with a slash", () => `${file("slash")}/`],
    ["a directory", () => directory("dir")],
    // Regression: it was trusted, and to read it blocked the report of a kill for ever.
    ["a FIFO", () => fifo("fifo")],
  ])("%s", (_, path) => {
    expect(isTrustedPath(sys, path(), "file")).toBe(false);
  });

  test("a symbolic link, or a path through one", () => {
    directory("real");
    file("real/conf");
    symlinkSync(`${scratch}/real`, `${scratch}/link`);
    symlinkSync(`${scratch}/real/conf`, `${scratch}/conf`);
    expect(isTrustedPath(sys, `${scratch}/real/conf`, "file")).toBe(true);
    expect(isTrustedPath(sys, `${scratch}/link/conf`, "file")).toBe(false);
    expect(isTrustedPath(sys, `${scratch}/conf`, "file")).toBe(false);
    expect(isTrustedPath(sys, `${scratch}/link`, "directory")).toBe(false);
  });

  // Regression: links were followed by the check, which hung if one led to a FUSE file system that did not answer.
  test("what a symbolic link leads to is not accessed", () => {
    symlinkSync("/proc/self", `${scratch}/away`);
    const accessed: string[] = [];
    const note = <T>(path: string, result: T): T => (accessed.push(path), result);
    const watched: typeof sys = {
      ...sys,
      openDir: (dir, path) => note(path, sys.openDir(dir, path)),
      openFile: (dir, path) => note(path, sys.openFile(dir, path)),
      statusIn: (dir, path) => note(path, sys.statusIn(dir, path)),
    };
    expect(isTrustedPath(watched, `${scratch}/away/status`, "file")).toBe(false);
    expect(accessed).toEqual(["/", ...pathsTo(`${scratch}/away`)]);
  });

  test("a file below a directory that others may write to, unless that is sticky", () => {
    directory("open", 0o777);
    directory("sticky", 0o1777);
    expect(isTrustedPath(sys, file("open/conf"), "file")).toBe(false);
    expect(isTrustedPath(sys, file("sticky/conf"), "file")).toBe(true);
  });

  test.if(isRoot)("a file, or a directory above it, of another user", () => {
    directory("foreign");
    const inside = file("foreign/conf");
    const foreign = file("foreign.conf");
    chownSync(foreign, OTHER_UID, 0);
    expect(isTrustedPath(sys, foreign, "file")).toBe(false);
    expect(isTrustedPath(sys, inside, "file")).toBe(true);
    chownSync(`${scratch}/foreign`, OTHER_UID, 0);
    expect(isTrustedPath(sys, inside, "file")).toBe(false);
  });

  test("a path on a file system that another host or process serves, which is not accessed", () => {
    const mounts = sys.readFile(PROC, "self/mountinfo");
    for (const type of ["fuse.sshfs", "nfs4", "cifs"]) {
      const served = `999 1 0:99 / ${scratch} rw - ${type} server rw\n`;
      const accessed: string[] = [];
      const with_: typeof sys = {
        ...sys,
        readFile: () => `${mounts}${served}`,
        statusIn: (dir, name) => {
          accessed.push(name);
          return sys.statusIn(dir, name);
        },
      };
      expect(isTrustedPath(with_, `${scratch}/mine`, "file")).toBe(false);
      expect(accessed).toEqual([]);
    }
  });
});
