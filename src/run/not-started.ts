// Why a command was not started. Each error has an exit status that commands conventionally do not use.

import { AdvisedError } from "../advice.ts";
import { ROOT } from "../sys/dir.ts";
import { readOr, type SysError } from "../sys/errno.ts";
import { closing, type Sys } from "../sys/sys.ts";

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

/** Errors of the host, not of the command: no process, memory or descriptor left. */
const HOST_ERRORS: readonly string[] = ["EAGAIN", "ENOMEM", "EMFILE", "ENFILE"];

export function notStarted(sys: Sys, command: string, { operation, errno, detail, message }: SysError): RunError {
  if (operation === "clone3") {
    const hint = "update the container runtime, or run it outside the container";
    return new RunError(`${command}: cannot be started: a seccomp filter denies clone3 (${errno})`, hint);
  }
  // The failed call was about something that the start needs, not about the command.
  if (operation !== "start") return new RunError(`${command}: cannot be started: ${message}`);
  if (HOST_ERRORS.includes(errno)) return new RunError(`${command}: cannot be started: ${detail}`);
  if (errno === "ENOENT") return notFound(sys, command, detail);
  const hint = errno === "ENOEXEC" ? "a script needs a first line such as #!/bin/sh; otherwise run it with sh" : null;
  return new RunError(`${command}: cannot be executed: ${detail}`, hint, RUN_STATUS.notExecutable);
}

/** ENOENT for a file that exists means the interpreter of a script, or the loader of a program. */
function notFound(sys: Sys, command: string, detail: string): RunError {
  const isPath = command.includes("/");
  const file = isPath ? command : pathsOf(command).find((path) => exists(sys, path));
  if (file === undefined || !exists(sys, file)) {
    const isLine = !isPath && command.includes(" ");
    const hint = isLine ? "its arguments are words of their own; for a line of shell, use sh -c" : null;
    return new RunError(`${command}: ${isPath ? detail : "command not found"}`, hint, RUN_STATUS.notFound);
  }
  const interpreter = readInterpreter(sys, file);
  const isMissing = interpreter !== undefined && !exists(sys, interpreter);
  const missing = isMissing ? `its interpreter ${interpreter}` : "an interpreter or loader that it needs";
  return new RunError(`${file}: cannot be executed: ${missing} does not exist`, null, RUN_STATUS.notFound);
}

/** Where libc looks for a command. */
const pathsOf = (command: string): string[] =>
  (process.env["PATH"] ?? "/bin:/usr/bin").split(":").map((dir) => `${dir === "" ? "." : dir}/${command}`);

const exists = (sys: Sys, path: string): boolean => readOr(false, () => sys.exists(ROOT, absolute(sys, path)));

/** The interpreter that the first line of a script names. */
function readInterpreter(sys: Sys, file: string): string | undefined {
  return readOr(undefined, () => {
    // Opened without waiting: it may be a FIFO by now.
    const fd = sys.openFile(ROOT, absolute(sys, file));
    using _ = closing(sys, fd);
    return /^#![ \t]*([^ \t\n]+)/.exec(sys.rereadRecord(fd, file))?.[1];
  });
}

const absolute = (sys: Sys, path: string): string => (path.startsWith("/") ? path : `${sys.cwd()}/${path}`);
