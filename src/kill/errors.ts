// How a kill can end before its end, as types to branch on.

import type { Commands } from "../advice.ts";
import type { Refusal } from "./types.ts";

/** A guard said no. Nothing was written, or what was written has been taken back. */
export class RefusedError extends Error {
  override readonly name = "RefusedError";
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(refusal.message);
    this.refusal = refusal;
  }
}

/** A signal arrived; what we froze has been thawed by the time this is seen. */
export class InterruptedError extends Error {
  override readonly name = "InterruptedError";

  constructor() {
    super("interrupted");
  }
}

/** A method that this cgroup does not have was asked for by name. */
export class MethodError extends Error {
  override readonly name = "MethodError";
  readonly hint: string;
  readonly commands: Commands;

  constructor(message: string, hint: string, commands: Commands = []) {
    super(message);
    this.hint = hint;
    this.commands = commands;
  }
}
