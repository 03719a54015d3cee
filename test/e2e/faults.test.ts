// Faults in the system calls of the real binary, injected by strace: it thaws, ends before the deadline, kills nothing
// outside, and reports the right exit status and error. The modelled kernel covers every operation with every errno
// (test/kill/faults.test.ts); here are those that only the real call path can get wrong.

import { describe, expect, test } from "bun:test";

import {
  canStage,
  isFrozen,
  liveMembers,
  makeCgroup,
  startAdversary,
  startSleeper,
  until,
} from "../support/real-cgroup.ts";
import { documents, runCgkill } from "../support/run-cgkill.ts";

const strace = Bun.which("strace");
if (strace === null) console.warn("left out: faults injected by strace (it is not installed)");

interface Cell {
  readonly version: "v1" | "v2";
  readonly syscall: string;
  /** A file below the target; none for calls without a file. */
  readonly file?: string;
  readonly fault: string;
  /** The correct exit statuses and outcomes. */
  readonly codes: readonly number[];
}

/** strace matches the path that the kernel shows for the open descriptor. */
const CELLS: readonly Cell[] = [
  { version: "v2", syscall: "write", file: "cgroup.kill", fault: "error=EINTR:when=1..3", codes: [0] },
  { version: "v2", syscall: "write", file: "cgroup.kill", fault: "error=EPERM", codes: [5] },
  { version: "v2", syscall: "write", file: "cgroup.kill", fault: "error=EOPNOTSUPP", codes: [0] },
  { version: "v2", syscall: "write", file: "cgroup.kill", fault: "error=EIO", codes: [1] },
  { version: "v2", syscall: "write", file: "cgroup.kill", fault: "delay_enter=300000", codes: [0] },
  { version: "v2", syscall: "pread64", file: "cgroup.events", fault: "error=EIO", codes: [1] },
  // "Gone" for a cgroup that exists: the kernel has not said that it is empty, so this is not a success.
  { version: "v2", syscall: "pread64", file: "cgroup.events", fault: "error=ENODEV", codes: [1] },
  { version: "v2", syscall: "pread64", file: "cgroup.procs", fault: "error=ENOMEM", codes: [0, 1] },
  { version: "v2", syscall: "pread64", file: "cgroup.events", fault: "error=EINTR:when=1..3", codes: [0] },
  { version: "v2", syscall: "openat", fault: "error=EINTR:when=40..45", codes: [0] },
  { version: "v2", syscall: "poll", fault: "error=EINTR:when=1..5", codes: [0] },
  { version: "v2", syscall: "poll", fault: "error=ENOMEM", codes: [0, 1] },
  { version: "v1", syscall: "write", file: "freezer.state", fault: "error=EBUSY:when=1", codes: [0] },
  { version: "v1", syscall: "write", file: "freezer.state", fault: "error=EPERM", codes: [5] },
  { version: "v1", syscall: "write", file: "freezer.state", fault: "error=EROFS", codes: [5] },
  { version: "v1", syscall: "write", file: "freezer.state", fault: "error=EIO:when=2", codes: [0] },
  { version: "v1", syscall: "write", file: "freezer.state", fault: "delay_enter=200000:when=1", codes: [0] },
  { version: "v1", syscall: "pread64", file: "freezer.state", fault: "error=EIO:when=1", codes: [0, 1] },
  { version: "v1", syscall: "pread64", file: "cgroup.procs", fault: "error=EIO:when=1", codes: [0, 1] },
  { version: "v1", syscall: "pread64", file: "cgroup.procs", fault: "error=ENODEV:when=1", codes: [0, 1] },
  { version: "v1", syscall: "pidfd_open", fault: "error=ENOSYS:when=2+", codes: [0] },
  { version: "v1", syscall: "pidfd_open", fault: "error=EMFILE:when=3+", codes: [0] },
  // For every descriptor, as by a seccomp filter.
  { version: "v1", syscall: "pidfd_send_signal", fault: "error=EPERM", codes: [0] },
  { version: "v1", syscall: "pidfd_send_signal", fault: "error=EAGAIN:when=1", codes: [0] },
  { version: "v1", syscall: "flock", fault: "error=ENOLCK", codes: [0] },
  { version: "v1", syscall: "unlinkat", fault: "error=EBUSY:when=1..3", codes: [0] },
  { version: "v1", syscall: "unlinkat", fault: "error=EBUSY", codes: [7] },
  { version: "v1", syscall: "unlinkat", fault: "error=EPERM", codes: [7] },
  { version: "v1", syscall: "poll", fault: "error=EINTR:when=1..5", codes: [0] },
];

const TIMEOUT_MS = 2000;
/** strace itself is slow to start. */
const SLACK_MS = 3000;

if (strace !== null) {
  describe("faults", () => {
    for (const { version, syscall, file, fault, codes } of CELLS) {
      if (!canStage(version)) continue;
      test(`${version}: ${syscall}${file === undefined ? "" : ` of ${file}`}, ${fault}: exit ${codes.join(" or ")}`, async () => {
        await using outside = makeCgroup(version);
        await using innocent = await startSleeper(outside.dir);
        await using cgroup = makeCgroup(version);
        await using _ = startAdversary("sleepers", 5, cgroup.dir);
        await until("5 sleepers", () => liveMembers(cgroup.dir).length === 5);
        const path = file === undefined ? [] : ["-P", `${cgroup.dir}/${file}`];
        const start = performance.now();
        const { code, stdout } = await runCgkill(["--json", "-t", `${TIMEOUT_MS}ms`, cgroup.dir], {
          under: [strace, "-f", "-o", "/dev/null", ...path, "-e", `inject=${syscall}:${fault}`],
        });
        expect(performance.now() - start).toBeLessThan(TIMEOUT_MS + SLACK_MS);
        expect(isFrozen(cgroup.dir)).toBe(false);
        expect(liveMembers(outside.dir)).toEqual([innocent.pid]);
        const [document] = documents(stdout);
        expect(codes).toContain(code ?? -1);
        expect(document).toMatchObject({ left_frozen: [] });
        if (code === 0) expect(liveMembers(cgroup.dir)).toEqual([]);
        else expect(document?.["error"]).toMatchObject({ message: expect.any(String) });
      });
    }
  });
}
