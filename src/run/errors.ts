// Why a command was not run. Each error has an exit status that commands conventionally do not use.

import { AdvisedError } from "../advice.ts";

/** The same as those of timeout(1), env(1) and nohup(1). */
export const RUN_STATUS = { limit: 124, failed: 125, notExecutable: 126, notFound: 127 } as const;

export class RunError extends AdvisedError {
  override readonly name = "RunError";
  readonly status: 125 | 126 | 127;

  constructor(message: string, hint: string | null = null, status: RunError["status"] = RUN_STATUS.failed) {
    super(message, hint);
    this.status = status;
  }
}
