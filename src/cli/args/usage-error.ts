// Errors about the command line: invalid usage, and a named cgroup that vanished.

import { AdvisedError, HELP } from "../../advice.ts";
import type { Cgroup } from "../../cgroup/types.ts";

export class UsageError extends AdvisedError {
  override readonly name = "UsageError";
}

/** An option that only other programs have, such as `-9` and `--force`. `parseArgs` adds the call that means the same. */
export class HabitError extends UsageError {
  /** The word as it was typed. */
  readonly word: string;
  /** The signal that it names; `undefined` for one that asks for no confirmation. */
  readonly signal: number | undefined;
  /** The switches that were typed in the same word. */
  readonly rest: string | undefined;

  constructor(message: string, word: string, signal?: number, rest?: string) {
    super(message, null, [HELP]);
    this.word = word;
    this.signal = signal;
    this.rest = rest;
  }
}

export type NamedCgroup = Pick<Cgroup, "path" | "name" | "hierarchy">;

/** A cgroup that existed when the call began is gone, removed by an earlier target or by another program. */
export class VanishedError extends Error {
  override readonly name = "VanishedError";
  readonly cgroup: NamedCgroup;

  constructor(cgroup: NamedCgroup) {
    super(`${cgroup.path}: no longer exists`);
    this.cgroup = cgroup;
  }
}
