// What the tests of the interactive mode share: somebody to be asked about, and answers that come when they are due.

import { expect } from "bun:test";

import { liveMembers, makeCgroup, type RealCgroup, startAdversary, until } from "./real-cgroup.ts";
import type { TerminalSession } from "./terminal.ts";

export interface Stage extends AsyncDisposable {
  readonly cgroup: RealCgroup;
  readonly members: () => number[];
}

export async function stage(version: "v1" | "v2", count = 3): Promise<Stage> {
  const cgroup = makeCgroup(version);
  const adversary = startAdversary("sleepers", count, cgroup.dir);
  await until(`${count} sleepers`, () => liveMembers(cgroup.dir).length >= count);
  return {
    cgroup,
    members: () => liveMembers(cgroup.dir),
    async [Symbol.asyncDispose]() {
      await adversary[Symbol.asyncDispose]();
      await cgroup[Symbol.asyncDispose]();
    },
  };
}

/** The cursor is shown again, and the line is as a shell left it. */
export function expectRestored(terminal: TerminalSession): void {
  const raw = terminal.raw();
  expect(raw.lastIndexOf("\u001b[?25h")).toBeGreaterThan(raw.lastIndexOf("\u001b[?25l"));
}

/** Wait for the question to be drawn to its last line, then answer it: keys that come before would be lost. */
export async function answer(terminal: TerminalSession, question: string, ...keys: string[]): Promise<void> {
  await terminal.sees(question);
  await until(`all of the question ${question}`, () => /^[└-]/.test(terminal.lines().findLast(Boolean) ?? ""));
  terminal.types(keys.join(""));
}
