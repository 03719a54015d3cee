// The real `Sys`, tested on this process and on its own children.

import { afterAll, describe, expect, test } from "bun:test";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";

import { libcCalls } from "../../src/sys/calls/libc-calls.ts";
import { nodeCalls } from "../../src/sys/calls/node-calls.ts";
import { type Dir, dirAt, dirOf, PROC, ROOT } from "../../src/sys/dir.ts";
import { SysError } from "../../src/sys/errno.ts";
import { linuxSys } from "../../src/sys/linux.ts";
import { type Host, POLLIN } from "../../src/sys/sys.ts";

const sys = linuxSys(libcCalls());
const BOTH: ReadonlyArray<readonly [string, Host]> = [
  ["libc", sys],
  ["node", linuxSys(nodeCalls())],
];
const top = mkdtempSync(`${tmpdir()}/cgkill-test-`);
afterAll(() => rmSync(top, { recursive: true, force: true }));

function errnoOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    if (error instanceof SysError) return error.errno;
    throw error;
  }
  return "none";
}

// Regression: beside such a process, one call in three failed with EAGAIN.
test("a path with .. below an open directory is found while another process renames files", async () => {
  mkdirSync(`${top}/a/b`, { recursive: true });
  const renaming = `for (const { renameSync } = require("fs"); ;) renameSync("x", "y"), renameSync("y", "x")`;
  writeFileSync(`${top}/x`, "");
  const child = Bun.spawn([process.execPath, "-e", renaming], { cwd: top, stdio: ["ignore", "ignore", "inherit"] });
  const base = sys.openDir(ROOT, top);
  try {
    const start = performance.now();
    while (performance.now() - start < 500) sys.close(sys.openDir(dirOf(base, top), "a/b/../../a/b"));
    expect(child.exitCode).toBeNull();
  } finally {
    sys.close(base);
    child.kill("SIGKILL");
    await child.exited;
  }
});

describe.each(BOTH)("%s", (way, sys) => {
  const base = mkdtempSync(`${top}/${way}-`);
  const namesIn = (dir: Dir): string[] => sys.readSubdirs(dir).map(({ name }) => name);

  test.each([Number.NaN, 0, 1, -1, 1.5, Number.POSITIVE_INFINITY, 2 ** 32 + 5, 0x400001, process.pid])(
    "never signals pid %p",
    (pid) => {
      expect(errnoOf(() => sys.kill(pid, 9))).toBe("EINVAL");
      expect(errnoOf(() => sys.pidfdSendSignal(0, pid, 9))).toBe("EINVAL");
    },
  );

  test.each([undefined, null, {}, true, "12"])("never signals a pid that is not a number: %p", (pid) => {
    expect(errnoOf(() => sys.kill(pid as unknown as number, 9))).toBe("EINVAL");
  });

  test.each([-1, 65, Number.NaN, 9.5])("never sends signal %p", (signal) => {
    expect(errnoOf(() => sys.kill(12345, signal))).toBe("EINVAL");
  });

  test("a missing file is not created: ENOENT, with its name", () => {
    const dir = { ...dirAt(base), shown: "/shown" };
    expect(() => sys.writeFile(dir, "cgroup.kill", "1")).toThrow(
      "open /shown/cgroup.kill: no such file or directory (ENOENT)",
    );
    expect(sys.exists(dir, "cgroup.kill")).toBe(false);
  });

  test("a write does not truncate the file", () => {
    writeFileSync(`${base}/kept`, "abcdef");
    sys.writeFile(dirAt(base), "kept", "X");
    expect(sys.readFile(dirAt(base), "kept")).toBe("Xbcdef");
  });

  test("a handle stays on its directory when another one takes the name", () => {
    mkdirSync(`${base}/old`);
    writeFileSync(`${base}/old/who`, "old");
    const fd = sys.openDir(ROOT, `${base}/old`);
    renameSync(`${base}/old`, `${base}/moved`);
    mkdirSync(`${base}/old`);
    writeFileSync(`${base}/old/who`, "new");
    expect(sys.readFile(dirOf(fd, "x"), "who")).toBe("old");
    expect(sys.pathOf(fd)).toBe(`${base}/moved`);
    sys.close(fd);
  });

  test("names that are not UTF-8 are listed and opened without loss", () => {
    const odd = Buffer.concat([Buffer.from(`${base}/odd-`), Buffer.from([0xff, 0xfe])]);
    mkdirSync(odd);
    const dir = dirAt(base);
    expect(namesIn(dir)).toContain("odd-\udcff\udcfe");
    const fd = sys.openDir(dir, "odd-\udcff\udcfe");
    expect(sys.pathOf(fd)).toBe(`${base}/odd-\udcff\udcfe`);
    sys.close(fd);
  });

  test("a file longer than one read is read completely", () => {
    const text = "0123456789".repeat(30_000);
    writeFileSync(`${base}/long`, text);
    expect(sys.readFile(dirAt(base), "long")).toBe(text);
  });

  test("the status of a directory is the kernel's", () => {
    const fd = sys.openDir(ROOT, base);
    const { dev, ino, nlink, mode, uid } = statSync(base, { bigint: true });
    const expected = { dev, ino, links: Number(nlink), mode: Number(mode), uid: Number(uid) };
    expect(sys.statusOf(fd)).toEqual(expected);
    expect(sys.kindOf(fd)).toBe("other");
    sys.close(fd);
  });

  test("subdirectories are listed, symbolic links to directories are not", () => {
    const top = mkdtempSync(`${base}/list-`);
    mkdirSync(`${top}/dir`);
    mkdirSync(`${top}/..a`);
    writeFileSync(`${top}/file`, "");
    symlinkSync("dir", `${top}/link`);
    expect(namesIn(dirAt(top)).sort()).toEqual(["..a", "dir"]);
  });

  test("a directory with more entries than one read returns is listed completely", () => {
    const top = mkdtempSync(`${base}/many-`);
    const names = Array.from({ length: 600 }, (_, index) => `${index}-${"x".repeat(200)}`).sort();
    for (const name of names) mkdirSync(`${top}/${name}`);
    expect(namesIn(dirAt(top)).sort()).toEqual(names);
  });

  test.each([
    ["a missing one", "none/at/all", "ENOENT"],
    ["a file as a directory", "kept-1/x", "ENOTDIR"],
    ["a name of more than 255 bytes", "x".repeat(256), "ENAMETOOLONG"],
    ["a path of more than 4095 bytes", "ä/".repeat(1500), "ENAMETOOLONG"],
    ["a path of far more", "x/".repeat(60_000), "ENAMETOOLONG"],
    ["one with a NUL in it", "kept-1\0none", "EINVAL"],
  ])("%s", (_, name, errno) => {
    writeFileSync(`${base}/kept-1`, "here");
    const fd = sys.openDir(ROOT, base);
    for (const dir of [dirAt(base), dirOf(fd, base)]) {
      expect(errnoOf(() => sys.readFile(dir, name))).toBe(errno);
      expect(errnoOf(() => sys.writeFile(dir, name, "1"))).toBe(errno);
      expect(errnoOf(() => sys.removeDir(dir, name))).toBe(errno);
    }
    expect(readFileSync(`${base}/kept-1`, "utf8")).toBe("here");
    sys.close(fd);
  });

  test("below an open directory, a name with a leading slash does not lead out of it", () => {
    const inner = mkdtempSync(`${base}/inner-`);
    const fd = sys.openDir(ROOT, inner);
    const dir = dirOf(fd, inner);
    expect(errnoOf(() => sys.readFile(dir, "/proc/self/comm"))).toBe("EINVAL");
    expect(errnoOf(() => sys.statusIn(dir, "/proc"))).toBe("EINVAL");
    expect(errnoOf(() => sys.readLink(dir, "/proc/self/exe"))).toBe("EINVAL");
    expect(errnoOf(() => sys.makeDir(dir, `${inner}/made`))).toBe("EINVAL");
    expect(readdirSync(inner)).toEqual([]);
    sys.close(fd);
  });

  test("a path that only resembles a descriptor in /proc does not exist", () => {
    const inner = mkdtempSync(`${base}/odd-fd-`);
    writeFileSync(`${inner}/who`, "inner");
    const fd = sys.openDir(ROOT, inner);
    const names = [`0${fd}`, ` ${fd}`, `${fd}.0`, `${fd}e0`, `0x${fd.toString(16)}`, 2 ** 32 + fd, -100, "NaN", "-0"];
    for (const name of names) {
      expect([name, errnoOf(() => sys.readFile(ROOT, `/proc/self/fd/${name}/who`))]).toEqual([name, "ENOENT"]);
    }
    expect(sys.readFile(ROOT, "/proc/self/fd/../comm")).toBe(sys.readFile(PROC, "self/comm"));
    for (const name of [fd, `/${fd}`, `./${fd}`, `${fd}/.`]) {
      expect(sys.readFile(ROOT, `/proc/self/fd/${name}/who`)).toBe("inner");
    }
    sys.close(fd);
  });

  test("directories are made and removed by their exact names", () => {
    const dir = dirAt(base);
    sys.makeDir(dir, "new-\udcff");
    expect(errnoOf(() => sys.makeDir(dir, "new-\udcff"))).toBe("EEXIST");
    expect(namesIn(dir)).toContain("new-\udcff");
    sys.makeDir(dir, "new-\udcff/below");
    expect(errnoOf(() => sys.removeDir(dir, "new-\udcff"))).toBe("ENOTEMPTY");
    sys.removeDir(dir, "new-\udcff/below");
    sys.removeDir(dir, "new-\udcff");
    expect(errnoOf(() => sys.removeDir(dir, "new-\udcff"))).toBe("ENOENT");
  });

  test("an invalid descriptor is reported as such", () => {
    expect(errnoOf(() => sys.statusOf(987_654))).toBe("EBADF");
    expect(errnoOf(() => sys.rereadRecord(987_654, "x"))).toBe("EBADF");
    expect(errnoOf(() => sys.readSome(987_654, Buffer.alloc(1)))).toBe("EBADF");
    expect(errnoOf(() => sys.writeSome(987_654, Buffer.alloc(1)))).toBe("EBADF");
  });

  test("descriptors are closed when another program is executed", () => {
    const fd = sys.openFile(PROC, "self/status");
    const flags = /^flags:\s*(\d+)$/m.exec(sys.readFile(PROC, `self/fdinfo/${fd}`))?.[1];
    expect(Number.parseInt(flags ?? "0", 8) & 0o2000000).toBe(0o2000000);
    sys.close(fd);
  });
});

test("the first path that is ever placed does not lead out of it either", () => {
  expect(errnoOf(() => linuxSys(libcCalls()).openDir(ROOT, "/proc/self/fd/-src"))).toBe("ENOENT");
});

test("a pidfd is readable once its process is dead; then a signal fails with ESRCH and no pidfd can be opened", async () => {
  const child = Bun.spawn(["sleep", "100"]);
  const pidfd = sys.pidfdOpen(child.pid) as number;
  expect(sys.poll([{ fd: pidfd, events: POLLIN }], 0)).toEqual([]);
  sys.pidfdSendSignal(pidfd, child.pid, 9);
  expect(sys.poll([{ fd: pidfd, events: POLLIN }], 5000)).toEqual([pidfd]);
  await child.exited;
  expect(errnoOf(() => sys.pidfdSendSignal(pidfd, child.pid, 0))).toBe("ESRCH");
  expect(sys.pidfdOpen(child.pid)).toBeUndefined();
  sys.close(pidfd);
});

test("poll without descriptors waits until the time-out", () => {
  const start = sys.now();
  expect(sys.poll([], 20)).toEqual([]);
  expect(sys.now() - start).toBeGreaterThanOrEqual(19);
});

test("a lock that is taken is not waited for", () => {
  const dir = dirAt(top);
  const first = sys.tryLock(dir);
  expect(first).toBeNumber();
  expect(sys.tryLock(dir)).toBeUndefined();
  sys.close(first as number);
  const second = sys.tryLock(dir);
  expect(second).toBeNumber();
  sys.close(second as number);
});

test("the limit of open files is raised to the hard limit", () => {
  const limit = sys.raiseFileLimit();
  expect(Number(/Max open files\s+(\d+)/.exec(sys.readFile(PROC, "self/limits"))?.[1])).toBe(limit);
});

// Regression: on Linux 6.1 a member of a fork bomb was reaped between the list and pidfd_open, which ended the kill with 1.
test.each([
  ["ESRCH", -3],
  ["EINVAL", -22],
])("pidfd_open answers %s for a process that is gone", (_, result) => {
  expect(linuxSys({ ...libcCalls(), pidfdOpen: () => result }).pidfdOpen(12345)).toBeUndefined();
});

test("the run time of a process grows while it runs, and is that of no other", async () => {
  const sleeper = Bun.spawn(["sleep", "100"]);
  const before = sys.cpuTimeOf(process.pid) ?? 0;
  for (const end = performance.now() + 5; performance.now() < end;);
  expect(sys.cpuTimeOf(process.pid)).toBeGreaterThan(before + 1);
  expect(sys.cpuTimeOf(sleeper.pid)).toBeLessThan(before);
  sleeper.kill();
  await sleeper.exited;
  expect(sys.cpuTimeOf(sleeper.pid)).toBeUndefined();
});

test.each([
  ["a filter denies it", -1],
  ["it is not implemented", -38],
])("where %s, the run time is not known, and the process not taken for gone", (_, result) => {
  expect(linuxSys({ ...libcCalls(), cpuTime: () => result }).cpuTimeOf(12345)).toBeNaN();
  expect(linuxSys(nodeCalls()).cpuTimeOf(process.pid)).toBeNaN();
});

// Regression: since Linux 6.15 that is ENOENT, which ended a kill with 1 if a victim's pid had been recycled for a thread.
test("the id of a thread that is no leader stands for no process", () => {
  const tids = readdirSync("/proc/self/task").map(Number);
  const thread = tids.find((tid) => tid !== process.pid) as number;
  expect(sys.pidfdOpen(thread)).toBeUndefined();
});
