// What can be wrong with a name before anything is read of what it names. Branch on the class or on `code`.

import type { Commands } from "../advice.ts";

/**
 * What there is none of. A `cgroup` that was named, or a `process`, is gone; a `place` is not: what was named may live, but
 * where it lives cannot be seen from here. A `file` is one of the kernel's files in a cgroup.
 */
export type Missing = "cgroup" | "process" | "place" | "file";

/** What was named is not there, or not to be seen from here. */
export class NotFoundError extends Error {
  override readonly name = "NotFoundError";
  readonly missing: Missing;
  readonly hint: string | null;
  readonly commands: Commands;

  constructor(missing: Missing, message: string, hint: string | null = null, commands: Commands = []) {
    super(message);
    this.missing = missing;
    this.hint = hint;
    this.commands = commands;
  }
}

/** Is what was named gone, as far as the kernel says? What only cannot be seen from here may live. */
export const isMissing = (error: unknown): boolean => error instanceof NotFoundError && error.missing !== "place";

/** What an option names is not there: wrong is the option, whatever became of the target. */
export class OptionError extends Error {
  override readonly name = "OptionError";
  readonly code: "no-such-hierarchy" | "no-such-spare-to";
  readonly hint: string;
  readonly commands: Commands;

  constructor(code: OptionError["code"], message: string, hint: string, commands: Commands = []) {
    super(message);
    this.code = code;
    this.hint = hint;
    this.commands = commands;
  }
}

/** One of the cgroups that a name means. */
export interface Match {
  /** Its directory. */
  readonly path: string;
  readonly label: string | null;
}

/** A name that means several cgroups. */
export class AmbiguousNameError extends Error {
  override readonly name = "AmbiguousNameError";
  readonly hint: string;
  readonly commands: Commands;
  readonly matches: readonly Match[];

  constructor(message: string, hint: string, matches: readonly Match[], commands: Commands = []) {
    super(message);
    this.hint = hint;
    this.matches = matches;
    this.commands = commands;
  }
}

export type NameRefusal =
  "empty-path" | "not-a-cgroup" | "leaves-mount" | "hierarchy-root" | "covered" | "not-mounted" | "not-where-named";

/** A name that is never acted on. */
export class RefusedNameError extends Error {
  override readonly name = "RefusedNameError";
  readonly code: NameRefusal;
  readonly hint: string | null;
  readonly commands: Commands;

  constructor(code: NameRefusal, message: string, hint: string | null = null, commands: Commands = []) {
    super(message);
    this.code = code;
    this.hint = hint;
    this.commands = commands;
  }
}

/** Something is mounted over a cgroup that was to be walked: it was not there when the subtree was opened. */
export class CoveredError extends RefusedNameError {
  constructor(path: string) {
    super("covered", `${path}: something else was mounted over it meanwhile`, "unmount it, and try again");
  }
}
