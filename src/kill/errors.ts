// The failures that end a kill early, as types to branch on.

import { AdvisedError } from "../advice.ts";
import type { Refusal } from "./types.ts";

/** A guard refused the target. Nothing was written, or it has been undone. */
export class RefusedError extends Error {
  override readonly name = "RefusedError";
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(refusal.message);
    this.refusal = refusal;
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
