// What is wrong with what was typed, and what is gone.

import type { Commands } from "../../advice.ts";

export class UsageError extends Error {
  override readonly name = "UsageError";
  readonly hint: string | null;
  readonly commands: Commands;

  constructor(message: string, hint: string | null = null, commands: Commands = []) {
    super(message);
    this.hint = hint;
    this.commands = commands;
  }
}

/** What was named on the command line, as far as it is known. */
export interface Named {
  readonly path: string;
  readonly name: string;
  /** As `--hierarchy` takes it. */
  readonly hierarchy: string | null;
}

/** A cgroup that was there when the call began is gone: removed by an earlier target, or by others. */
export class VanishedError extends Error {
  override readonly name = "VanishedError";
  readonly cgroup: Named;

  constructor(cgroup: Named) {
    super(`${cgroup.path}: no such cgroup any more`);
    this.cgroup = cgroup;
  }
}
