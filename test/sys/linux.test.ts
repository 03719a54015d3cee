// The real kernel's door, tried on this process and on children of this test's own.

import { afterAll, describe, expect, test } from "bun:test";
import {
  mkdirSync,
  mkdtempSync,
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
import { SysError } from "../../src/sys/errno.ts";
import { linuxSys } from "../../src/sys/linux.ts";
import { type Dir, dirOf, type Host, POLLIN, PROC, ROOT } from "../../src/sys/sys.ts";

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

  test.each([undefined, null, {}, true, "12"])("never signals a pid that is no number: %p", (pid) => {
    expect(errnoOf(() => sys.kill(pid as unknown as number, 9))).toBe("EINVAL");
  });

  test.each([-1, 65, Number.NaN, 9.5])("never sends signal %p", (signal) => {
    expect(errnoOf(() => sys.kill(12345, signal))).toBe("EINVAL");
  });

  test("a missing file is ENOENT, never created, and the error names it", () => {
    const dir = { through: base, shown: "/shown" };
    expect(() => sys.writeFile(dir, "cgroup.kill", "1")).toThrow(
      "open /shown/cgroup.kill: no such file or directory (ENOENT)",
    );
    expect(sys.exists(dir, "cgroup.kill")).toBe(false);
  });

  test("a write does not cut off what was there", () => {
    writeFileSync(`${base}/kept`, "abcdef");
    sys.writeFile({ through: base, shown: base }, "kept", "X");
    expect(sys.readFile({ through: base, shown: base }, "kept")).toBe("Xbcdef");
  });

  test("a handle stays on its directory when the name is given to another", () => {
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

  test("names that are not UTF-8 are listed and opened as they are", () => {
    const odd = Buffer.concat([Buffer.from(`${base}/odd-`), Buffer.from([0xff, 0xfe])]);
    mkdirSync(odd);
    const dir = { through: base, shown: base };
    expect(namesIn(dir)).toContain("odd-\udcff\udcfe");
    const fd = sys.openDir(dir, "odd-\udcff\udcfe");
    expect(sys.pathOf(fd)).toBe(`${base}/odd-\udcff\udcfe`);
    sys.close(fd);
  });

  test("a file longer than one read comes whole", () => {
    const text = "0123456789".repeat(30_000);
    writeFileSync(`${base}/long`, text);
    expect(sys.readFile({ through: base, shown: base }, "long")).toBe(text);
  });

  test("the status of a directory is the kernel's", () => {
    const fd = sys.openDir(ROOT, base);
    const { dev, ino, nlink, mode, uid } = statSync(base, { bigint: true });
    const expected = { dev, ino, links: Number(nlink), mode: Number(mode), uid: Number(uid) };
    expect(sys.statusOf(fd)).toEqual(expected);
    expect(sys.kindOf(fd)).toBe("other");
    sys.close(fd);
  });

  test("only the directories of a directory are listed, links to them not", () => {
    const top = mkdtempSync(`${base}/list-`);
    mkdirSync(`${top}/dir`);
    mkdirSync(`${top}/..a`);
    writeFileSync(`${top}/file`, "");
    symlinkSync("dir", `${top}/link`);
    expect(namesIn({ through: top, shown: top }).sort()).toEqual(["..a", "dir"]);
  });

  test("more names than one read of a directory gives", () => {
    const top = mkdtempSync(`${base}/many-`);
    const names = Array.from({ length: 600 }, (_, index) => `${index}-${"x".repeat(200)}`).sort();
    for (const name of names) mkdirSync(`${top}/${name}`);
    expect(namesIn({ through: top, shown: top }).sort()).toEqual(names);
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
    for (const dir of [{ through: base, shown: base }, dirOf(fd, base)]) {
      expect(errnoOf(() => sys.readFile(dir, name))).toBe(errno);
      expect(errnoOf(() => sys.writeFile(dir, name, "1"))).toBe(errno);
      expect(errnoOf(() => sys.removeDir(dir, name))).toBe(errno);
    }
    expect(readFileSync(`${base}/kept-1`, "utf8")).toBe("here");
    sys.close(fd);
  });

  test("below a directory held open no name leads out of it by a slash of its own", () => {
    const inner = mkdtempSync(`${base}/inner-`);
    const fd = sys.openDir(ROOT, inner);
    expect(errnoOf(() => sys.readFile(dirOf(fd, inner), "/proc/self/comm"))).toBe("ENOENT");
    mkdirSync(`${inner}/proc`);
    writeFileSync(`${inner}/proc/version`, "mine");
    expect(sys.readFile(dirOf(fd, inner), "/proc/version")).toBe("mine");
    sys.close(fd);
  });

  test("what only looks like a descriptor in /proc leads nowhere, as the kernel has it", () => {
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
    const dir = { through: base, shown: base };
    sys.makeDir(dir, "new-\udcff");
    expect(errnoOf(() => sys.makeDir(dir, "new-\udcff"))).toBe("EEXIST");
    expect(namesIn(dir)).toContain("new-\udcff");
    sys.makeDir(dir, "new-\udcff/below");
    expect(errnoOf(() => sys.removeDir(dir, "new-\udcff"))).toBe("ENOTEMPTY");
    sys.removeDir(dir, "new-\udcff/below");
    sys.removeDir(dir, "new-\udcff");
    expect(errnoOf(() => sys.removeDir(dir, "new-\udcff"))).toBe("ENOENT");
  });

  test("a descriptor that is none says so", () => {
    expect(errnoOf(() => sys.statusOf(987_654))).toBe("EBADF");
    expect(errnoOf(() => sys.rereadRecord(987_654, "x"))).toBe("EBADF");
    expect(errnoOf(() => sys.readSome(987_654, Buffer.alloc(1)))).toBe("EBADF");
    expect(errnoOf(() => sys.writeSome(987_654, Buffer.alloc(1)))).toBe("EBADF");
  });

  test("what we open is closed where a program is started", () => {
    const fd = sys.openFile(PROC, "self/status");
    const flags = /^flags:\s*(\d+)$/m.exec(sys.readFile(PROC, `self/fdinfo/${fd}`))?.[1];
    expect(Number.parseInt(flags ?? "0", 8) & 0o2000000).toBe(0o2000000);
    sys.close(fd);
  });
});

test("nor does the first path of all, which was placed with no other before it", () => {
  expect(errnoOf(() => linuxSys(libcCalls()).openDir(ROOT, "/proc/self/fd/-src"))).toBe("ENOENT");
});

test("a pidfd is readable when its process has died; after that a signal is ESRCH and there is no pidfd", async () => {
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

test("poll with nothing to watch waits its time", () => {
  const start = sys.now();
  expect(sys.poll([], 20)).toEqual([]);
  expect(sys.now() - start).toBeGreaterThanOrEqual(19);
});

test("a lock that somebody holds is not waited for", () => {
  const dir = { through: top, shown: top };
  const first = sys.tryLock(dir);
  expect(first).toBeNumber();
  expect(sys.tryLock(dir)).toBeUndefined();
  sys.close(first as number);
  const second = sys.tryLock(dir);
  expect(second).toBeNumber();
  sys.close(second as number);
});

test("the limit of open files is raised to the hard one", () => {
  const limit = sys.raiseFileLimit();
  expect(Number(/Max open files\s+(\d+)/.exec(sys.readFile(PROC, "self/limits"))?.[1])).toBe(limit);
});

test("whether more tasks can be had is tried, and leaves none behind", () => {
  const children = (): string => sys.readFile(PROC, `${process.pid}/task/${process.pid}/children`);
  const before = children();
  expect(sys.hasRoomFor(20)).toBe(true);
  expect(children()).toBe(before);
});
