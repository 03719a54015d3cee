// The failures that end a kill early, as types to branch on.

import { AdvisedError } from "../advice.ts";
import type { Refusal } from "./types.ts";

/** A guard refused the target. Nothing was written, or it has been undone. */
export class RefusedError extends AdvisedError {
  override readonly name = "RefusedError";
  readonly code: Refusal["code"];

  constructor({ code, message, hint, commands }: Refusal) {
    super(message, hint, commands);
    this.code = code;
  }
}

/** A signal arrived. By the time that a caller catches this, everything that we froze has been thawed. */
export class InterruptedError extends Error {
  override readonly name = "InterruptedError";

  constructor() {
    super("interrupted");
  }
}

/** The requested method is not available for this cgroup. */
export class MethodError extends AdvisedError {
  override readonly name = "MethodError";
}
