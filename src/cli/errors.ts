// What is wrong with what somebody typed.

export class UsageError extends Error {
  override readonly name = "UsageError";
  readonly hint: string | null;

  constructor(message: string, hint: string | null = null) {
    super(message);
    this.hint = hint;
  }
}
