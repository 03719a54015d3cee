// What can be wrong with a name before anything is read of what it names. Branch on the class or on `code`.

/** No such cgroup, or no such process. */
export class NotFoundError extends Error {
  override readonly name = "NotFoundError";
  readonly hint: string | null;

  constructor(message: string, hint: string | null = null) {
    super(message);
    this.hint = hint;
  }
}

/** A name that means two cgroups. */
export class AmbiguousNameError extends Error {
  override readonly name = "AmbiguousNameError";
  readonly hint: string;

  constructor(message: string, hint: string) {
    super(message);
    this.hint = hint;
  }
}

export type NameRefusal = "empty-path" | "not-a-cgroup" | "leaves-mount" | "hierarchy-root";

/** A name that is never acted on. */
export class RefusedNameError extends Error {
  override readonly name = "RefusedNameError";
  readonly code: NameRefusal;
  readonly hint: string | null;

  constructor(code: NameRefusal, message: string, hint: string | null = null) {
    super(message);
    this.code = code;
    this.hint = hint;
  }
}
