// Between preview and confirmation another cgroup takes the name of the previewed one: the kill is refused, and the
// members of the new cgroup live.

import { describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, renameSync, rmdirSync, rmSync, symlinkSync, unlinkSync } from "node:fs";
import { tmpdir } from "node:os";

import { answer } from "../support/interactive.ts";
import { IN_MOUNTS_OF_ITS_OWN } from "../support/layout.ts";
import { canStage, isAlive, liveMembers, makeCgroup, startSleeper, until } from "../support/real-cgroup.ts";
import { inTerminal, KEYS, type TerminalSession } from "../support/terminal.ts";

type Version = "v1" | "v2";

interface Swap {
  readonly versions: readonly Version[];
  /** Replaces the target by another cgroup with a member. @returns the pid of that member */
  readonly swap: (dir: string, terminal: TerminalSession, stack: AsyncDisposableStack) => Promise<number>;
  /** The previewed cgroup still exists beneath a mount: its members die, and it cannot be removed. */
  readonly isBeneath?: boolean;
}

const SWAPS: Readonly<Record<string, Swap>> = {
  "removed and re-created": {
    versions: ["v1", "v2"],
    async swap(dir, _, stack) {
      for (const pid of liveMembers(dir)) process.kill(pid, "SIGKILL");
      await until("it is empty", () => liveMembers(dir).length === 0);
      rmdirSync(dir);
      mkdirSync(dir);
      return stack.use(await startSleeper(dir)).pid;
    },
  },
  "renamed, and another made with its name": {
    // v2 has no rename.
    versions: ["v1"],
    async swap(dir, _, stack) {
      renameSync(dir, `${dir}-away`);
      mkdirSync(dir);
      return stack.use(await startSleeper(dir)).pid;
    },
  },
  "another mounted over it": {
    versions: ["v1", "v2"],
    isBeneath: true,
    async swap(dir, terminal, stack) {
      mkdirSync(`${dir}-other`);
      const { pid } = stack.use(await startSleeper(`${dir}-other`));
      const mounted = Bun.spawnSync([
        "nsenter",
        "-t",
        String(terminal.pid),
        "-m",
        "mount",
        "--bind",
        `${dir}-other`,
        dir,
      ]);
      expect(mounted.exitCode).toBe(0);
      return pid;
    },
  },
};

for (const [what, { versions, swap, isBeneath = false }] of Object.entries(SWAPS)) {
  for (const version of versions) {
    test.if(canStage(version))(
      `${version}: ${what}: ${isBeneath ? "the previewed one dies" : "refused as changed"}, and the new one lives`,
      async () => {
        await using parent = makeCgroup(version);
        const dir = `${parent.dir}/target`;
        mkdirSync(dir);
        await using stack = new AsyncDisposableStack();
        const looked = stack.use(await startSleeper(dir)).pid;
        await using terminal = inTerminal(["-i", dir], { under: IN_MOUNTS_OF_ITS_OWN });
        await terminal.sees("would be killed: 1 process");
        await terminal.sees("What about");
        const innocent = await swap(dir, terminal, stack);
        await answer(terminal, "", KEYS.end, KEYS.enter);
        await answer(terminal, "Kill 1 process in", "y");
        // On v1 the previewed members are merely gone: a message says so, and the question is asked again.
        if (what === "removed and re-created" && version === "v1") await answer(terminal, "Remove ", "y");
        // The sentence is wrapped.
        if (!isBeneath) await terminal.sees("in the meantime");
        expect(await terminal.ended()).toBe(!isBeneath ? 4 : version === "v1" ? 7 : 0);
        expect(isAlive(innocent)).toBe(true);
        if (what !== "removed and re-created") expect(isAlive(looked)).toBe(!isBeneath);
      },
    );
  }
}

describe("a symbolic link to the target", () => {
  for (const version of ["v1", "v2"] as const) {
    test.if(canStage(version))(
      `${version}: changed to another cgroup after the preview: the previewed one dies`,
      async () => {
        await using parent = makeCgroup(version);
        const [looked, other] = [`${parent.dir}/looked`, `${parent.dir}/other`];
        for (const dir of [looked, other]) mkdirSync(dir);
        await using target = await startSleeper(looked);
        await using innocent = await startSleeper(other);
        const scratch = mkdtempSync(`${tmpdir()}/cgkill-test-`);
        const link = `${scratch}/link`;
        symlinkSync(looked, link);
        await using terminal = inTerminal(["-i", link]);
        await terminal.sees("would be killed: 1 process");
        await terminal.sees("What about");
        unlinkSync(link);
        symlinkSync(other, link);
        await answer(terminal, "", KEYS.end, KEYS.enter);
        await answer(terminal, "Kill 1 process in", "y");
        await terminal.sees("killed");
        expect(await terminal.ended()).toBe(0);
        rmSync(scratch, { recursive: true });
        expect([target, innocent].map(({ pid }) => isAlive(pid))).toEqual([false, true]);
      },
    );
  }
});
