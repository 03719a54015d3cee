// Errors about a name, raised before anything is read from what it names. Branch on the class or on `code`.

import { AdvisedError, type Commands } from "../advice.ts";

/**
 * What was not found. A `cgroup` or a `process` is gone. A `place` is not visible from here, so what was named may
 * still exist. A `file` is one of the kernel's files in a cgroup, not a cgroup.
 */
type Missing = "cgroup" | "process" | "place" | "file";

/** An error with a code to branch on. */
class CodedError<Code extends string> extends AdvisedError {
  readonly code: Code;

  constructor(code: Code, message: string, hint: string | null = null, commands: Commands = []) {
    super(message, hint, commands);
    this.code = code;
  }
}

/** What was named does not exist or is not visible from here. */
export class NotFoundError extends CodedError<Missing> {
  override readonly name = "NotFoundError";
}

/** Whether the kernel says that what was named is gone: not if it is a file, or in a place that is not visible from here. */
export const isMissing = (error: unknown): boolean =>
  error instanceof NotFoundError && (error.code === "cgroup" || error.code === "process");

/** What an option names does not exist. The option is at fault, not the target. */
export class OptionError extends CodedError<"no-such-hierarchy" | "no-such-spare-to" | "not-a-name"> {
  override readonly name = "OptionError";
}

/** One of the cgroups that an ambiguous name matches. */
export interface Match {
  /** The directory. */
  readonly path: string;
  readonly label: string | null;
}

/** A name matches several cgroups. */
export class AmbiguousNameError extends AdvisedError {
  override readonly name = "AmbiguousNameError";
  readonly matches: readonly Match[];

  constructor(message: string, hint: string, matches: readonly Match[], commands: Commands = []) {
    super(message, hint, commands);
    this.matches = matches;
  }
}

export type NameRefusal =
  "empty-path" | "not-a-cgroup" | "leaves-mount" | "hierarchy-root" | "covered" | "not-mounted" | "not-where-named";

/** A name that cgkill refuses to act on. */
export class RefusedNameError extends CodedError<NameRefusal> {
  override readonly name = "RefusedNameError";
}

/** Something was mounted over a cgroup of the subtree after the subtree was opened. */
export class CoveredError extends RefusedNameError {
  constructor(path: string) {
    super("covered", `${path}: something else was mounted over it in the meantime`, "unmount it and try again");
  }
}
