// What is wrong with what was typed, and what is gone.

export class UsageError extends Error {
  override readonly name = "UsageError";
  readonly hint: string | null;

  constructor(message: string, hint: string | null = null) {
    super(message);
    this.hint = hint;
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
