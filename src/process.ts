// Connects the command line to this process: arguments, streams and signals in, exit status out. A kill needs no other
// module loaded later, because each one costs most of a millisecond.

import type { CliContext } from "./cli/cli-context.ts";
import { runCgkill } from "./cli/dispatch.ts";
import { EXIT_CODES, exitCodeOf } from "./cli/exit-codes.ts";
import { createIo } from "./cli/streams/streams.ts";
import { sanitizeLines } from "./cli/text/sanitize.ts";
import { PROC } from "./sys/dir.ts";
import {
  createPause,
  type DeadlySignal,
  isSessionLeaderDying,
  keepIgnored,
  onDeadlySignal,
  raise,
} from "./sys/signals.ts";
import type { Host, Sys } from "./sys/sys.ts";

/** Run the command line and end the process; never returns. */
export async function runProcess(sys: Host): Promise<never> {
  const io = createIo(sys);
  const interruption = new AbortController();
  const abort = interruption.signal;
  let caught: DeadlySignal | undefined;
  let mayKillLeader = false;
  let mayBeRaw = false;

  const ignored = keepIgnored(sys);
  onDeadlySignal(ignored, (signal) => {
    // The kill itself has caused it, and is not over.
    if (signal === "SIGHUP" && mayKillLeader && isSessionLeaderDying(sys)) return;
    // The first signal counts. A second one does not end us sooner, because the thaw must come first and is quick.
    caught ??= signal;
    interruption.abort(signal);
  });

  const pause = createPause(sys, ignored, abort);
  const context: CliContext = {
    sys,
    io,
    abort,
    pause,
    expectHangup: () => (mayKillLeader = true),
    expectRawMode: () => (mayBeRaw = true),
  };
  const exit = (status: number): never => {
    // The exit handler of the runtime writes to the terminal the settings that it found at our start. Other programs may have
    // changed them since: a command of `cgkill run`, or an editor, while we are in the background.
    if (!mayBeRaw) sys.exit(status);
    return process.exit(status);
  };

  try {
    const words = commandLine(sys);
    if (words[0] === "__guardian") {
      if (await (await import("./freeze/guardian.ts")).runGuardian(sys, words[1])) return exit(0);
      io.writeErr("cgkill: __guardian: cgkill starts it by itself, for an interactive freeze\n");
      return exit(EXIT_CODES.usage);
    }
    const status = await runCgkill(words, context);
    // End by the signal itself, so that our parent sees it. As PID 1 of a namespace we survive that, and exit.
    if (caught !== undefined && status === exitCodeOf(["interrupted"], caught)) raise(caught);
    return exit(status);
  } catch (error) {
    const trace = error instanceof Error ? (error.stack ?? error.message) : String(error);
    io.writeErr(`cgkill: a bug in cgkill: ${sanitizeLines(trace).trimStart()}`);
    await io.flush(interruption.signal);
    return exit(EXIT_CODES.internal);
  }
}

/** The arguments after the program name, lossless even if they are not UTF-8, unlike `process.argv`. */
function commandLine(sys: Sys): string[] {
  const words = process.argv.slice(2);
  if (!words.join("").includes("\ufffd")) return words;
  return sys.readFile(PROC, "self/cmdline").split("\0").slice(0, -1).slice(-words.length);
}
