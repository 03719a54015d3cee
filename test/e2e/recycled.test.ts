// A recycled pid, on the real kernel: it belongs to a member when it is listed and to an innocent process when it is
// signalled. clone3 creates a process with a chosen pid, while strace keeps cgkill inside one system call between the
// two.

import { describe, expect, test } from "bun:test";

import { childrenOf, readText } from "../support/proc.ts";
import {
  canStage,
  isAlive,
  liveMembers,
  makeCgroup,
  startAdversary,
  startSleeper,
  until,
  type Which,
} from "../support/real-cgroup.ts";
import { BINARY, documents } from "../support/run-cgkill.ts";

const strace = Bun.which("strace");
if (strace === null) console.warn("left out: recycled pids, by strace (it is not installed)");

const NUMBERS: Readonly<Record<string, number>> = { pidfd_open: 434, pidfd_send_signal: 424 };

interface Moment {
  readonly which: Which;
  readonly method: string;
  readonly syscall: string;
  /** Which call of that name, counted from 1: the self-test of libc comes before those for members. */
  readonly nth: number;
  readonly what: string;
}

/** Not the v1 freezer: a frozen process does not die, so no pid becomes free between list and signal. */
const MOMENTS: readonly Moment[] = [
  { which: "v2", method: "freezer", syscall: "pidfd_open", nth: 3, what: "listed, not yet pinned" },
  { which: "v2", method: "freezer", syscall: "pidfd_send_signal", nth: 1, what: "pinned, not yet signalled" },
  { which: "memory", method: "sweep", syscall: "pidfd_open", nth: 2, what: "listed, not yet pinned" },
];

const DELAY_MS = 1500;

/** Read the current system call of a process from /proc/PID/syscall: its number and first argument. */
const callOf = (pid: number): readonly number[] => readText(`/proc/${pid}/syscall`).split(" ").slice(0, 2).map(Number);

for (const { which, method, syscall, nth, what } of MOMENTS) {
  describe.if(strace !== null && canStage(which))(`${which}, method ${method}`, () => {
    test(`a member that was ${what} has died and its pid is an innocent process's: that process lives`, async () => {
      await using outside = makeCgroup(which);
      await using target = makeCgroup(which);
      const member = await startSleeper(target.dir);
      await using other = await startSleeper(target.dir);
      await using _ = startAdversary("samepid", member.pid, outside.dir);
      const inject = `inject=${syscall}:delay_enter=${DELAY_MS * 1000}:when=${nth}`;
      const held = Bun.spawn(
        [strace ?? "", "-o", "/dev/null", "-e", inject, BINARY, "--json", "-m", method, target.dir],
        {
          stdio: ["ignore", "pipe", "inherit"],
        },
      );
      // strace stops it for a moment in the call of the self-test too.
      const isHeld = (): boolean => {
        const [number, pid] = callOf(childrenOf(held.pid)[0] ?? 0);
        return number === NUMBERS[syscall] && (syscall !== "pidfd_open" || pid === member.pid);
      };
      await until(`cgkill in ${syscall} of the member`, isHeld);
      await member[Symbol.asyncDispose]();
      await until("the pid to be an innocent's", () => liveMembers(outside.dir).includes(member.pid));
      expect(isHeld()).toBe(true);

      const [document] = documents(await held.stdout.text());
      expect(await held.exited).toBe(0);
      expect(document).toMatchObject({ outcome: "killed", killed: expect.arrayContaining([expect.anything()]) });
      expect(isAlive(other.pid)).toBe(false);
      expect(liveMembers(outside.dir)).toEqual([member.pid]);
      expect(isAlive(member.pid)).toBe(true);
    });
  });
}
