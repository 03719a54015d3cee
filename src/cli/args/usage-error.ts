// Errors about the command line: invalid usage, and a named cgroup that vanished.

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

/** A cgroup that the command line names. */
export interface CgroupName {
  /** Within its hierarchy. */
  readonly path: string;
  /** The path of its directory. */
  readonly name: string;
  /** In the form that `--hierarchy` takes. */
  readonly hierarchy: string | null;
}

/** A cgroup that existed when the call began is gone, removed by an earlier target or by another program. */
export class VanishedError extends Error {
  override readonly name = "VanishedError";
  readonly cgroup: CgroupName;

  constructor(cgroup: CgroupName) {
    super(`${cgroup.path}: no longer exists`);
    this.cgroup = cgroup;
  }
}
