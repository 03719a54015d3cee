// The real kernel's door, tried on this process and on children of this test's own.

import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";

import { SysError } from "../../src/sys/errno.ts";
import { hostSys } from "../../src/sys/host.ts";
import { dirOf, POLLIN, PROC, ROOT } from "../../src/sys/sys.ts";

const sys = hostSys();
const base = mkdtempSync(`${tmpdir()}/cgkill-test-`);
afterAll(() => rmSync(base, { recursive: true, force: true }));

function errnoOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    if (error instanceof SysError) return error.errno;
    throw error;
  }
  return "none";
}

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

test("a pidfd is readable when its process has died, and says ESRCH after", async () => {
  const child = Bun.spawn(["sleep", "100"]);
  const pidfd = sys.pidfdOpen(child.pid);
  expect(sys.poll([{ fd: pidfd, events: POLLIN }], 0)).toEqual([]);
  sys.pidfdSendSignal(pidfd, child.pid, 9);
  expect(sys.poll([{ fd: pidfd, events: POLLIN }], 5000)).toEqual([pidfd]);
  await child.exited;
  expect(errnoOf(() => sys.pidfdSendSignal(pidfd, child.pid, 0))).toBe("ESRCH");
  expect(errnoOf(() => sys.pidfdOpen(child.pid))).toBe("ESRCH");
  sys.close(pidfd);
});

test("poll with nothing to watch waits its time", () => {
  const start = sys.now();
  expect(sys.poll([], 20)).toEqual([]);
  expect(sys.now() - start).toBeGreaterThanOrEqual(19);
});

test("a missing file is ENOENT, never created, and the error names it", () => {
  mkdirSync(`${base}/a`);
  const dir = { through: `${base}/a`, shown: "/shown" };
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
  expect(sys.readSubdirs(dir)).toContain("odd-\udcff\udcfe");
  const fd = sys.openDir(dir, "odd-\udcff\udcfe");
  expect(sys.pathOf(fd)).toBe(`${base}/odd-\udcff\udcfe`);
  sys.close(fd);
});

test("a file longer than one read comes whole", () => {
  const text = "0123456789".repeat(30_000);
  writeFileSync(`${base}/long`, text);
  expect(sys.readFile({ through: base, shown: base }, "long")).toBe(text);
});

test("a lock that somebody holds is not waited for", () => {
  const dir = { through: base, shown: base };
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
